"""Which repositories there are, and what one question for a hundred of them tells: whether anything is new."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dxmetrics.collectors.feeds import Probe
from dxmetrics.errors import NotFoundError

from . import mapping, queries

if TYPE_CHECKING:
    from .api import Access
    from .settings import GitHubSettings

NAMED_AT_ONCE = 25


@dataclass(frozen=True)
class Listed:
    """A repository as the listing tells of it, and by whose clock."""

    node: Mapping[str, Any]
    served_at: datetime

    @property
    def id(self) -> str:
        """Its immutable id."""
        return str(self.node["databaseId"])

    @property
    def full_name(self) -> str:
        """`owner/name`."""
        return str(self.node["nameWithOwner"])

    @property
    def owner(self) -> str:
        """Whose it is."""
        return self.full_name.partition("/")[0]

    @property
    def name(self) -> str:
        """What it is called there."""
        return self.full_name.partition("/")[2]

    @property
    def url(self) -> str:
        """Its page."""
        return str(self.node["url"])

    @property
    def born(self) -> datetime:
        """When it was made."""
        return datetime.fromisoformat(self.node["createdAt"])

    @property
    def pushed_at(self) -> str:
        """When something was last pushed to it; empty: never."""
        return self.node.get("pushedAt") or ""

    @property
    def is_archived(self) -> bool:
        """Whether nothing of it changes any more."""
        return bool(self.node.get("isArchived"))

    def newest(self, connection: str, stands_at: str) -> Probe:
        """When the newest row of a connection changed."""
        times = [node[stands_at] for node in mapping.nodes(self.node, connection)]
        return self._probe(max(times, default=None))

    def newest_release(self) -> Probe:
        """When the newest release was made."""
        return self._probe((self.node.get("latestRelease") or {}).get("createdAt"))

    def _probe(self, at: str | None) -> Probe:
        return Probe(datetime.fromisoformat(at) if at else None, self.served_at)


def listed(access: Access, settings: GitHubSettings) -> Iterator[Listed]:
    """Every repository that is wanted, once, those that were pushed to last first."""
    found: dict[str, Listed] = {}
    for owner in settings.organisations:
        for repo in of_owner(access, owner):
            if not (repo.node.get("isFork") and not settings.forks):
                found.setdefault(repo.id, repo)
    for repo in by_name(access, settings.repositories):
        found.setdefault(repo.id, repo)
    wanted = [repo for repo in found.values() if not settings.excludes(repo.full_name)]
    yield from sorted(wanted, key=lambda repo: repo.pushed_at, reverse=True)


def of_owner(access: Access, owner: str) -> Iterator[Listed]:
    """The repositories of an organisation, or of a person."""
    api = access.of(owner)
    after: str | None = None
    while True:
        answer = api.query(queries.ORGANISATION, owner=owner, after=after)
        home = answer.data["repositoryOwner"]
        if home is None:
            raise NotFoundError(
                f"{access.name}: organisation {owner!r} is not there, or the token may not see it: correct "
                "`organisations`, or give the token access to it"
            )
        page = home["repositories"]
        served_at = answer.served_at or access.context.now()
        yield from (Listed(node, served_at) for node in page["nodes"] or () if node)
        if not page["pageInfo"]["hasNextPage"]:
            return
        after = page["pageInfo"]["endCursor"]


def by_name(access: Access, names: tuple[str, ...]) -> Iterator[Listed]:
    """Single repositories; NotFoundError names those that are not there."""
    missing = []
    for owner in sorted({name.partition("/")[0] for name in names}):
        own = [name for name in names if name.partition("/")[0] == owner]
        for start in range(0, len(own), NAMED_AT_ONCE):
            some = own[start : start + NAMED_AT_ONCE]
            variables = {}
            for place, name in enumerate(some):
                variables[f"owner{place}"], _, variables[f"name{place}"] = name.partition("/")
            answer = access.of(owner).query(queries.named(len(some)), **variables)
            served_at = answer.served_at or access.context.now()
            for place, name in enumerate(some):
                node = answer.data.get(f"r{place}")
                if node is None:
                    missing.append(name)
                else:
                    yield Listed(node, served_at)
    if missing:
        raise NotFoundError(
            f"{access.name}: {', '.join(missing)}: not there, or the token may not see it: correct `repositories`, or "
            "give the token access"
        )


def known(repo: Listed, kept: Mapping[str, Any] | None, team: str | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """The Repository payload, with the names it had before, and what the cursor keeps of it."""
    name = mapping.full_name(repo.node)
    names = list((kept or {}).get("names") or ())
    if name not in names:
        names.append(name)
    payload = {"node": dict(repo.node), "team": team, "aliases": [one for one in names if one != name]}
    parts = mapping.repository(payload).model_dump(mode="json", exclude={"pushed_at"})
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
    return payload, {"names": names, "digest": digest, "team": team, "owners_of": repo.pushed_at}
