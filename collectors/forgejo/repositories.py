"""Which repositories there are, and what one question for all of an organisation tells: which have news."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from dxmetrics.collectors import Cursor
from dxmetrics.collectors.feeds import Probe
from dxmetrics.errors import AuthError, CollectError, LimitedError, NotFoundError
from dxmetrics.records import Repository

from .api import MOST, Api, Listing, Row, explained, instant, only
from .slices import Kind, stamp, updated_at

if TYPE_CHECKING:
    from .settings import ForgejoSettings

NEWS_OF = timedelta(hours=6)  # what was read longer ago than this is read without asking for news
MOST_NEWS = 10  # pages
LONG_AGO = datetime.min.replace(tzinfo=UTC)
FIELDS = ("id", "full_name", "html_url", "default_branch", "archived", "fork", "created_at")

log = logging.getLogger("dxmetrics.collectors.forgejo")


@dataclass(frozen=True)
class Listed:
    """A repository as the listing tells of it."""

    row: Row
    served_at: datetime

    @property
    def id(self) -> str:
        """Its id, which no renaming changes."""
        return str(self.row["id"])

    @property
    def name(self) -> str:
        """`owner/name`."""
        return str(self.row["full_name"])

    @property
    def owner(self) -> str:
        """Whose it is."""
        return self.name.partition("/")[0]

    @property
    def is_fork(self) -> bool:
        """Whether it was made of another."""
        return bool(self.row.get("fork"))

    @property
    def is_archived(self) -> bool:
        """Whether nothing of it changes any more."""
        return bool(self.row.get("archived"))

    @property
    def is_empty(self) -> bool:
        """Whether nothing was pushed to it yet."""
        return bool(self.row.get("empty"))

    @property
    def updated_at(self) -> datetime | None:
        """When something was last pushed to it or set; comments do not count."""
        return instant(self.row.get("updated_at"))

    @property
    def born(self) -> datetime | None:
        """When it was made; None where it was imported, as what is in it is older."""
        return None if self.row.get("original_url") or self.row.get("mirror") else instant(self.row.get("created_at"))

    @property
    def releases(self) -> int | None:
        """How many releases it has; None: not told."""
        return self.row.get("release_counter")

    def has(self, read: str) -> bool:
        """Whether the part that this word of `reads` stands for is there at all."""
        if read == "issues":
            return bool(self.row.get("has_issues", True)) and not self.row.get("external_tracker")
        if read == "releases":
            return self.releases != 0 and bool(self.row.get("has_releases", True))
        part = {"changes": "has_pull_requests", "pipelines": "has_actions"}[read]
        return bool(self.row.get(part, True))


@dataclass(frozen=True)
class News:
    """When the newest issue and the newest request of repositories changed, since a while ago."""

    since: datetime
    served_at: datetime
    newest: Mapping[tuple[str, Kind], datetime]

    def of(self, repository: str, kind: Kind, feed: str, cursor: Cursor) -> Probe | None:
        """What this tells of a repository whose feed was read so far; None where that is longer ago."""
        segments = (cursor.get(feed) or {}).get("segments") or ()
        if not segments or datetime.fromisoformat(segments[0][0]) < self.since + timedelta(hours=1):
            return None
        return Probe(self.newest.get((repository, kind)), self.served_at)


@dataclass(frozen=True)
class Found:
    """The repositories that are wanted, by id, the last changed first; why single ones are not there; which owners are
    organisations; and the news of owners."""

    listed: Mapping[str, Listed]
    absent: Mapping[str, CollectError]
    organisations: tuple[str, ...]
    news: Mapping[str, News]


def discover(api: Api, settings: ForgejoSettings) -> Found:
    """What the settings name; CollectError where an organisation cannot be listed."""
    found: dict[str, Listed] = {}
    absent: dict[str, CollectError] = {}
    organisations = []
    news: dict[str, News] = {}
    for owner in dict.fromkeys(settings.organisations):
        rows, is_organisation = _of_owner(api, owner)
        organisations += [owner] if is_organisation else []
        for row in rows:
            one = Listed(row, api.client.server_time())
            if settings.forks or not one.is_fork:
                found.setdefault(one.id, one)
        if {"changes", "issues"} & set(settings.reads) and (told := _news(api, owner)):
            news[owner.lower()] = told
    for name in dict.fromkeys(settings.repositories):
        try:
            one = Listed(api.one(f"repos/{name}"), api.client.server_time())
        except NotFoundError as error:
            absent[name] = error
        else:
            found.setdefault(one.id, one)
    wanted = [one for one in found.values() if not settings.excludes(one.name)]
    wanted.sort(key=lambda one: one.updated_at or LONG_AGO, reverse=True)
    return Found({one.id: one for one in wanted}, absent, tuple(organisations), news)


def _of_owner(api: Api, owner: str) -> tuple[list[Row], bool]:
    """The repositories of an organisation or a person, and whether it is an organisation."""
    try:
        with explained("orgs"):
            return api.rows(f"orgs/{owner}/repos"), True
    except NotFoundError:
        pass  # it may be a person
    try:
        with explained("users"):
            return api.rows(f"users/{owner}/repos"), False
    except NotFoundError as error:
        raise NotFoundError(
            f"{api.name}: {owner!r} is neither an organisation nor a person on {api.host}, or the token may not see it:"
            " correct `organisations`, or give the token access"
        ) from error


def _news(api: Api, owner: str) -> News | None:
    """What has changed lately in all repositories of an owner; None where that cannot be told, or is too much."""
    since = api.client.server_time() - NEWS_OF
    try:
        pages = list(_search(api, owner, since))
    except (AuthError, LimitedError):
        raise
    except CollectError as error:  # then each repository is asked
        log.info("source=%s owner=%s news=none reason=%s", api.name, owner, error)
        return None
    rows = [row for page in pages for row in page.rows]
    totals = [page.total or 0 for page in pages]
    # Of several pages none was passed over if they are by update, where what changes comes to stand first, and none was
    # deleted meanwhile.
    is_sure = len(pages) == 1 or (_is_by_update(rows) and all(one <= two for one, two in pairwise(totals)))
    served_at = pages[0].served_at
    return News(since, served_at, _newest(rows)) if served_at and pages[-1].is_last and is_sure else None


def _search(api: Api, owner: str, since: datetime) -> Iterator[Listing]:
    for page in range(1, MOST_NEWS + 1):
        params = {
            "state": "all", "owner": owner, "sort": "recentupdate", "since": stamp(since), "page": page, "limit": MOST,
        }  # fmt: skip
        listing = api.page("repos/issues/search", params)
        yield listing
        if listing.is_last:
            return


def _is_by_update(rows: Sequence[Row]) -> bool:
    return all(one >= two for one, two in pairwise(map(updated_at, rows)))


def _newest(rows: Sequence[Row]) -> Mapping[tuple[str, Kind], datetime]:
    """When the newest issue and the newest request of each repository changed."""
    newest: dict[tuple[str, Kind], datetime] = {}
    for row in rows:
        where = str((row.get("repository") or {}).get("id"))
        key: tuple[str, Kind] = (where, "pulls" if row.get("pull_request") else "issues")
        newest[key] = max(newest.get(key, updated_at(row)), updated_at(row))
    return newest


def told(one: Listed, host: str, kept: Mapping[str, Any], owner: Mapping[str, Any]) -> tuple[Row, dict[str, Any]]:
    """The Repository payload, with the names it had before, and what to keep: it is told again when that differs.

    `owner`: its owning team, and when and of what that was looked up.
    """
    names = [*kept.get("names", ())]
    name = f"{host}/{one.name}"
    if name not in names:
        names.append(name)
    payload = {
        "repository": only(one.row, FIELDS),
        "name": name,
        "team": owner.get("team"),
        "aliases": [known for known in names if known != name],
    }
    digest = hashlib.sha256(repository(payload).model_dump_json().encode()).hexdigest()[:16]
    return payload, {"names": names, "digest": digest, "owner": dict(owner)}


def repository(payload: Mapping[str, Any]) -> Repository:
    """A repository, with the names it had. When something was last pushed to it the server does not tell."""
    row = payload["repository"]
    return Repository(
        ext_id=str(row["id"]),
        url=row.get("html_url"),
        name=payload["name"],
        aliases=tuple(payload.get("aliases") or ()),
        default_branch=row.get("default_branch") or None,
        team=payload.get("team"),
        is_archived=bool(row.get("archived")),
        is_fork=bool(row.get("fork")),
        created_at=instant(row.get("created_at")),
    )
