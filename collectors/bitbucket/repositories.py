"""Repositories: which there are, and what the listing tells of each."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dxmetrics.errors import AuthError, NotFoundError, SettingsError
from dxmetrics.records import Repository

from .api import HOST, Api, Payload
from .slices import instant

if TYPE_CHECKING:
    from .settings import BitbucketSettings

FIELDS = (
    "uuid", "full_name", "links.html.href", "mainbranch.name", "parent.uuid", "created_on", "updated_on", "has_issues",
)  # fmt: skip
PASSING = frozenset({"updated_on", "has_issues"})  # told for this run: the record holds neither
LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Listed:
    """A repository as the listing tells of it."""

    row: Payload

    @property
    def id(self) -> str:
        """Its id, which no renaming changes."""
        return str(self.row["uuid"])

    @property
    def name(self) -> str:
        """`workspace/slug`."""
        return str(self.row["full_name"])

    @property
    def is_fork(self) -> bool:
        """Whether it was made of another."""
        return bool(self.row.get("parent"))

    @property
    def default_branch(self) -> str | None:
        """The branch it calls its own; None: it is empty."""
        return (self.row.get("mainbranch") or {}).get("name")

    @property
    def created_at(self) -> datetime | None:
        """When it was made."""
        return instant(self.row["created_on"]) if self.row.get("created_on") else None

    @property
    def updated_at(self) -> datetime | None:
        """When something was last pushed to it, or set; comments and pipelines do not count."""
        return instant(self.row["updated_on"]) if self.row.get("updated_on") else None

    @property
    def has_issues(self) -> bool:
        """Whether it has a tracker."""
        return bool(self.row.get("has_issues"))


def discover(api: Api, settings: BitbucketSettings) -> tuple[list[Listed], dict[str, NotFoundError]]:
    """The repositories of the settings, the last pushed to first, and of single ones that are not there, why."""
    if not settings.organisations and not settings.repositories:
        raise SettingsError(
            f"{api.name}: nothing is named: set `organisations` to workspaces, or `repositories` to workspace/slug, in"
            f" [sources.{api.name}]"
        )
    found: dict[str, Listed] = {}
    absent: dict[str, NotFoundError] = {}
    try:
        for workspace in settings.organisations:
            for one in _of_workspace(api, workspace):
                if settings.forks or not one.is_fork:
                    found.setdefault(one.id, one)
        for name in settings.repositories:
            try:
                one = Listed(api.one(f"repositories/{name}", {"fields": ",".join(FIELDS)}))
            except NotFoundError as error:
                absent[name] = error
            else:
                found.setdefault(one.id, one)
    except AuthError as error:
        raise AuthError(
            f"{error}; an API token goes with `username`, the mail address of its account; an access token without"
        ) from error
    wanted = [one for one in found.values() if not settings.excludes(one.name)]
    return sorted(wanted, key=lambda one: one.updated_at or LONG_AGO, reverse=True), absent


def _of_workspace(api: Api, workspace: str) -> list[Listed]:
    params = {
        "sort": "-updated_on",
        "pagelen": 100,
        "fields": ",".join(("next", *(f"values.{name}" for name in FIELDS))),
    }
    return [Listed(row) for listing in api.pages(f"repositories/{workspace}", params) for row in listing.rows]


def told(listed: Listed, known: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The Repository payload, with the names it had, and what to keep of it: it is told again when that differs."""
    earlier = [*known.get("aliases", ()), known.get("name", listed.name)]
    aliases = sorted({name for name in earlier if name != listed.name})
    payload = {name: value for name, value in listed.row.items() if name not in PASSING} | {"aliases": aliases}
    digest = hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()
    return payload, {"name": listed.name, "aliases": aliases, "digest": digest}


def repository(payload: Mapping[str, Any]) -> Repository:
    """A repository, named by its host and `workspace/slug`."""
    return Repository(
        ext_id=payload["uuid"],
        name=f"{HOST}/{payload['full_name']}",
        aliases=tuple(f"{HOST}/{name}" for name in payload.get("aliases", ())),
        default_branch=(payload.get("mainbranch") or {}).get("name"),
        is_fork=bool(payload.get("parent")),
        created_at=payload.get("created_on"),
        url=((payload.get("links") or {}).get("html") or {}).get("href"),
    )
