"""Which repositories there are, and what one question for a hundred of them tells: whether anything is new."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dxmetrics.collectors.feeds import Probe
from dxmetrics.errors import CollectError, NotFoundError
from dxmetrics.records import Repository

from . import queries
from .api import nodes, number_of, partly

if TYPE_CHECKING:
    from .access import Access
    from .settings import GitHubSettings

NAMED_AT_ONCE = 49  # three connections each: one point

log = logging.getLogger("dxmetrics.collectors.github")


@dataclass(frozen=True)
class Listed:
    """A repository as the listing tells of it, and by whose clock."""

    node: Mapping[str, Any]
    served_at: datetime

    @property
    def id(self) -> str:
        """Its immutable id."""
        return number_of(self.node)

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
    def default_branch(self) -> str | None:
        """The branch changes are merged to; None: it is empty."""
        return (self.node.get("defaultBranchRef") or {}).get("name")

    @property
    def born(self) -> datetime:
        """When it was made."""
        return datetime.fromisoformat(self.node["createdAt"])

    @property
    def pushed_at(self) -> datetime | None:
        """When something was last pushed to it."""
        return _instant(self.node.get("pushedAt"))

    @property
    def touched_at(self) -> datetime | None:
        """When it was last changed itself, such as archived."""
        return _instant(self.node.get("updatedAt"))

    @property
    def is_archived(self) -> bool:
        """Whether nothing of it changes any more."""
        return bool(self.node.get("isArchived"))

    def newest(self, connection: str, stands_at: str) -> Probe:
        """When the newest row of a connection changed."""
        times = [datetime.fromisoformat(node[stands_at]) for node in nodes(self.node.get(connection))]
        return Probe(max(times, default=None), self.served_at)

    def newest_release(self) -> Probe:
        """When the newest release was made or published; not that of an older line, which GitHub does not call so."""
        release = self.node.get("latestRelease") or {}
        times = [_instant(release.get(name)) for name in ("createdAt", "publishedAt")]
        return Probe(max(filter(None, times), default=None), self.served_at)


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


@dataclass(frozen=True)
class Listing:
    """The repositories that are wanted, by id, those pushed to last first; why single ones are not there; and the
    owners that are organisations."""

    found: Mapping[str, Listed]
    absent: Mapping[str, CollectError]
    organisations: tuple[str, ...]


def listing(access: Access, settings: GitHubSettings) -> Listing:
    """What the settings name; CollectError where an organisation cannot be listed."""
    found: dict[str, Listed] = {}
    absent: dict[str, CollectError] = {}
    organisations = []
    for owner in settings.organisations:
        kind, repositories = _of_owner(access, owner, settings)
        organisations += [owner] if kind == "Organization" else []
        found |= {one.id: one for one in repositories if settings.forks or not one.node.get("isFork")}
    for name, one in _by_name(access, settings):
        if isinstance(one, CollectError):
            absent[name] = one
        else:
            found.setdefault(one.id, one)
    wanted = [one for one in found.values() if not settings.excludes(one.full_name)]
    wanted.sort(key=lambda one: one.pushed_at or one.born, reverse=True)
    return Listing({one.id: one for one in wanted}, absent, tuple(organisations))


def _of_owner(access: Access, owner: str, settings: GitHubSettings) -> tuple[str, list[Listed]]:
    """Whether it is an organisation or a person, and its repositories."""
    api = access.of(owner)
    kind = ""
    found: list[Listed] = []
    hidden: set[str] = set()
    query = queries.organisation(settings.reads)
    for page, answer in api.pages(query, ("repositoryOwner", "repositories"), f"organisation {owner!r}", owner=owner):
        kind = answer.data["repositoryOwner"]["__typename"]
        found += [Listed(node, answer.served_at or access.context.now()) for node in page]
        hidden |= set(partly(answer))
    if hidden and not found:
        raise CollectError(
            f"{access.name}: organisation {owner!r}: {'; '.join(sorted(hidden))}: give the token that permission, or"
            " leave out of `reads` what needs it"
        )
    for note in hidden:
        log.warning("source=%s organisation=%s %s", access.name, owner, note)
    return kind, found


def _by_name(access: Access, settings: GitHubSettings) -> Iterator[tuple[str, Listed | CollectError]]:
    """Single repositories by the names they have in the settings, or why one is not there."""
    by_owner: dict[str, list[str]] = {}
    for name in settings.repositories:
        by_owner.setdefault(name.partition("/")[0], []).append(name)
    for owner, names in by_owner.items():
        api = access.of(owner)
        for start in range(0, len(names), NAMED_AT_ONCE):
            some = names[start : start + NAMED_AT_ONCE]
            variables = {}
            for place, name in enumerate(some):
                variables[f"owner{place}"], _, variables[f"name{place}"] = name.partition("/")
            answer = api.query(queries.named(len(some), settings.reads), **variables)
            for place, name in enumerate(some):
                node = answer.data.get(f"r{place}")
                yield name, Listed(node, answer.served_at or access.context.now()) if node else _missing(access, name)


def _missing(access: Access, name: str) -> NotFoundError:
    return NotFoundError(
        f"{access.name}: {name}: it is not there, or the token may not see it: correct `repositories`, or give the"
        " token access to it"
    )


def told(repo: Listed, kept: Mapping[str, Any], team: str | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """The Repository payload, with the names it had before, and what to keep: it is told again when that differs."""
    names = [*kept.get("names", ())]
    if full_name(repo.node) not in names:
        names.append(full_name(repo.node))
    aliases = [name for name in names if name != full_name(repo.node)]
    node = {name: value for name, value in repo.node.items() if name not in queries.CONNECTIONS}
    payload = {"node": node, "team": team, "aliases": aliases}
    digest = hashlib.sha256(repository(payload).model_dump_json().encode()).hexdigest()[:16]
    pushed_at = repo.pushed_at.isoformat() if repo.pushed_at else None
    return payload, {"names": names, "digest": digest, "team": team, "owners_of": pushed_at}


def repository(payload: Mapping[str, Any]) -> Repository:
    """A repository, with the names it had; not `pushed_at`, or what refers to it would be built anew at each push."""
    node = payload["node"]
    return Repository(
        ext_id=number_of(node),
        url=node.get("url"),
        name=full_name(node),
        aliases=tuple(payload.get("aliases") or ()),
        default_branch=(node.get("defaultBranchRef") or {}).get("name"),
        team=payload.get("team"),
        is_archived=bool(node.get("isArchived")),
        is_fork=bool(node.get("isFork")),
        created_at=node.get("createdAt"),
    )


def full_name(node: Mapping[str, Any]) -> str:
    """`github.com/acme/shop`: the host and the path of the repository's page."""
    return re.sub(r"^\w+://", "", node["url"]).rstrip("/")
