"""The settings of `kind = "git"`."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from dxmetrics.collectors import SourceSettings

from .location import Forge, host_of, is_url

DEPLOYMENT_WORDS = ("releases", "merges", "none")
# `release-2.1`, `release/2.1.x`, `v1.10`, `8.0.x`, `1.10.X-fixes`, `stable`, `stable-2.1`, `maint/1.0`, `support/3.x`
RELEASE_BRANCHES = (
    r"^(?:(?:release|releases|rel)[-_/]v?\d[\w.]*|v?\d+(?:\.\d+)*(?:\.[xX])?(?:-(?:fixes|stable|maintenance|branch))?"
    r"|(?:stable|maint|maintenance|support)(?:[-_/][\w./]+)?)$"
)


class Rules(BaseModel):
    """How one repository is read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str | None = Field(
        default=None,
        description="what the repository is called; left out: `host/org/name` of its url, or the folder's name",
    )
    forge: Forge | None = Field(
        default=None,
        description="the host's kind: github, gitlab, bitbucket or gitea; left out: told from its name",
    )
    default_branch: str | None = Field(
        default=None, description="the branch changes are merged to; left out: the repository's own (HEAD)"
    )
    release_branches: str = Field(
        default=RELEASE_BRANCHES,
        description="regular expression of the branches that are patched beside the default branch; empty: none",
    )
    deployments: str = Field(
        default="releases",
        description='what is a deployment: "releases" (version tags), "merges" (every change merged to `branch`), '
        '"none", or a regular expression for tags that begins with ^ and may name the groups version and service',
    )
    branch: str | None = Field(
        default=None, description='the branch that deployments = "merges" reads; left out: the default branch'
    )
    tag_prefix: str = Field(
        default="", description="what stands before the version in release tags, as `release-` in release-1.2.0"
    )
    date_tags: bool = Field(default=False, description="whether tags such as 20261123 or 2026-11-23 are releases too")
    patch_release_window_days: float = Field(
        default=7,
        ge=0,
        description="a patch release within so many days of its line's last release is a sign that that one failed",
    )
    line_counts: bool = Field(
        default=False,
        description="count lines and list touched paths; fetches and reads file contents, some 15 times slower",
    )
    paths: bool = Field(
        default=False,
        description="list the paths each change touched, for services of a monorepo; some 5 times slower",
    )
    patch_ids: bool = Field(
        default=False,
        description="find cherry-picks that neither name their original nor share its author, time and subject; slow",
    )

    @field_validator("deployments")
    @classmethod
    def _known_deployments(cls, value: str) -> str:
        if value in DEPLOYMENT_WORDS:
            return value
        if not value.startswith("^"):
            words = ", ".join(f'"{word}"' for word in DEPLOYMENT_WORDS)
            raise ValueError(f"{value!r} is none of {words}, and no regular expression that begins with ^")
        return _compiled(value)

    @field_validator("release_branches")
    @classmethod
    def _known_branches(cls, value: str) -> str:
        return _compiled(value)


class Override(Rules):
    """Other rules for some of the repositories."""

    repository: str = Field(description="the repositories meant, by name: `github.com/grafana/loki`, `*/loki`")


class GitSettings(SourceSettings, Rules):
    """Settings of a git source; every rule holds for all its repositories unless an override says otherwise."""

    repositories: tuple[str, ...] = Field(
        default=(), description="urls, or paths relative to the project's folder, of the repositories to read"
    )
    overrides: tuple[Override, ...] = Field(
        default=(), description="`[[sources.NAME.overrides]]` with `repository` and the settings that differ for it"
    )
    token: SecretStr | None = Field(
        default=None, description="a token with read access, for https urls of private repositories; all on one host"
    )
    username: str | None = Field(
        default=None, description="the user the token belongs to, where the host wants one; left out: what it suggests"
    )
    timeout_minutes: float = Field(default=60, gt=0, description="the longest one fetch may take")

    @model_validator(mode="after")
    def _safe_addresses(self) -> Self:
        hosts = set()
        for address in filter(is_url, self.repositories):
            if re.match(r"^https?://[^/@]*:[^/@]*@", address):
                raise ValueError(f"the url of {host_of(address)} holds a password: take it out and set `token`")
            if address.startswith(("https://", "http://")):
                hosts.add(host_of(address))
        if self.token and len(hosts) > 1:
            found = ", ".join(sorted(filter(None, hosts)))
            raise ValueError(f"one token for several hosts ({found}): make a source for each host")
        return self

    def rules_of(self, name: str, address: str) -> Rules:
        """The rules of one repository, overrides applied in order; they match its name or its address."""
        values: dict[str, Any] = {field: getattr(self, field) for field in Rules.model_fields}
        for override in self.overrides:
            if fnmatchcase(name, override.repository) or fnmatchcase(address, override.repository):
                changed = override.model_fields_set - {"repository"}
                values |= {field: getattr(override, field) for field in changed}
        return Rules(**values)


def _compiled(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is not a regular expression: {error}") from error
    return pattern
