"""Releases, which stand for deployments: the server records none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from dxmetrics.collectors.feeds import Feed, Position, Slice, down_to
from dxmetrics.records import Deployment, Identity

from .api import MOST, Place, Row, instant, instants, only
from .people import Accounts, account

DAY = timedelta(days=1)
TAGGED_EARLIER = timedelta(days=30)  # releases are looked for whose tag was there so long before them
COMMIT = re.compile(r"^[0-9a-f]{40}(?:[0-9a-f]{24})?$")
FIELDS = ("id", "html_url", "tag_name", "target_commitish", "created_at", "published_at")


def releases(place: Place, accounts: Accounts, count: int | None, listed_at: datetime) -> Feed:
    """The feed of a repository's releases, not even asked for while their number stays the same.

    A release has the time of its tag: one of an older tag stands further down, and is looked for once a day.
    """
    tags = _Tags(place)

    def read(position: Position) -> Slice:
        is_known = count is not None and position.memo.get("count") == count
        if position.token is None and is_known and not position.is_thorough:
            return Slice({}, is_unchanged=True, served_at=listed_at)
        page = int(position.token or 1)
        params = {"draft": "false", "pre-release": "false", "page": page, "limit": MOST}
        listing = place.page("releases", params)
        out = [row for row in listing.rows if not (row.get("draft") or row.get("prerelease"))]
        shas = tags.of({row["tag_name"] for row in out})
        told = [{"repository": place.id, "release": _trimmed(row), "sha": shas.get(row["tag_name"])} for row in out]
        people = accounts.told(row.get("author") for row in out)
        return Slice(
            {record: rows for record, rows in ((Deployment, told), (Identity, people)) if rows},
            oldest=down_to(instants(listing.rows, "created_at"), has_more=not listing.is_last),
            token=None if listing.is_last else str(page + 1),
            is_end=listing.is_last,
            served_at=listing.served_at,
            memo={"count": count},
        )

    return Feed("releases", (), read, overlap=DAY, deep_overlap=TAGGED_EARLIER)


class _Tags:
    """The commits of a repository's tags, listed as far as they are needed."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._known: dict[str, str] = {}
        self._pages = self._listed()

    def of(self, names: set[str]) -> Mapping[str, str]:
        """The commits by the names of tags; those that are not there are left out."""
        while not names <= self._known.keys() and (found := next(self._pages, None)) is not None:
            self._known |= found
        return self._known

    def _listed(self) -> Iterator[dict[str, str]]:
        page, is_last = 1, False
        while not is_last:
            listing = self._place.page("tags", {"page": page, "limit": MOST})
            page, is_last = page + 1, listing.is_last
            yield {row["name"]: (row.get("commit") or {}).get("sha") or "" for row in listing.rows}


def _trimmed(row: Row) -> Row:
    return {**only(row, FIELDS), "author": only(row.get("author") or {}, ("id", "login"))}


def deployment(payload: Mapping[str, Any]) -> Deployment:
    """A published release, as far as it stands for a deployment."""
    row = payload["release"]
    target = row.get("target_commitish") or ""
    return Deployment(
        ext_id=f"release:{row['id']}",
        url=row.get("html_url"),
        repository=payload["repository"],
        environment="production",
        status="success",
        sha=payload.get("sha") or (target if COMMIT.match(target) else None),
        version=row["tag_name"],
        created_at=instant(row.get("created_at")),
        finished_at=row["published_at"],
        actor=account(row.get("author")),
        via="release",
    )
