"""Repositories: what the listing tells of each, and how builds and releases name them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from dxmetrics.records import Repository

from .api import Payload, branch, picked

KEPT = ("id", "name", "defaultBranch", "webUrl", "remoteUrl", "isFork", "isDisabled")
OWN = "tfsgit"  # what builds call a repository of Azure Repos


@dataclass(frozen=True)
class Listed:
    """A repository as the listing tells of it."""

    row: Payload
    organisation: str

    @property
    def id(self) -> str:
        """Its id, which no renaming changes."""
        return str(self.row["id"]).lower()

    @property
    def name(self) -> str:
        """`organisation/project/repository`."""
        return f"{self.organisation}/{self.row['project']['name']}/{self.row['name']}"

    @property
    def project_id(self) -> str:
        """The id of the project it is in."""
        return str(self.row["project"]["id"]).lower()

    @property
    def default_branch(self) -> str | None:
        """The branch it calls its own; None: it is empty."""
        return branch(self.row.get("defaultBranch"))

    @property
    def is_disabled(self) -> bool:
        """Whether nothing of it can be read."""
        return bool(self.row.get("isDisabled"))

    @property
    def is_fork(self) -> bool:
        """Whether it was made of another."""
        return bool(self.row.get("isFork") or self.row.get("parentRepository"))

    @property
    def web(self) -> str:
        """Its page."""
        return str(self.row.get("webUrl") or self.address)

    @property
    def address(self) -> str:
        """Where it is cloned from, without the user that the listing puts into it."""
        parts = urlsplit(str(self.row.get("remoteUrl") or self.row["webUrl"]))
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def repository_of(stated: Payload | None) -> str | None:
    """The repository of a build: its id in Azure Repos, its `host/org/name` elsewhere; None where it is neither."""
    found = stated or {}
    if str(found.get("type") or "").lower() == OWN:
        return str(found["id"]).lower() if found.get("id") else None
    parts = urlsplit(str(found.get("url") or ""))
    if parts.hostname and parts.path.strip("/"):
        return f"{parts.hostname}/{unquote(parts.path).strip('/').removesuffix('.git')}"
    return f"github.com/{found['id']}" if found.get("type") == "GitHub" and found.get("id") else None


def told(listed: Listed, host: str, known: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The Repository payload, with the names it had, and what to keep of it: it is told again when that differs."""
    name = f"{host}/{listed.name}"
    names = [*known.get("names", ()), *(() if name in known.get("names", ()) else (name,))]
    payload = {
        "repository": picked(listed.row, KEPT),
        "name": name,
        "aliases": [one for one in (*names, *_addresses(listed, host)) if one != name],
    }
    digest = hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()[:16]
    return payload, {"names": names, "digest": digest}


def _addresses(listed: Listed, host: str) -> list[str]:
    """What its addresses make of its name: with `_git`, and as ssh spells it."""
    parts = urlsplit(listed.address)
    found = [f"{parts.hostname}{unquote(parts.path)}"]
    return [*found, f"ssh.{host}/v3/{listed.name}"] if host == "dev.azure.com" else found


def repository(payload: Mapping[str, Any]) -> Repository:
    """A repository, named by its host and `organisation/project/repository`."""
    row = payload["repository"]
    return Repository(
        ext_id=str(row["id"]).lower(),
        name=payload["name"],
        aliases=tuple(payload.get("aliases", ())),
        default_branch=branch(row.get("defaultBranch")),
        is_archived=bool(row.get("isDisabled")),
        is_fork=bool(row.get("isFork")),
        url=row.get("webUrl"),
    )
