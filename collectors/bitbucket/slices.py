"""Answers of lists that are read newest first, as slices of a feed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from dxmetrics.collectors.feeds import Position, Slice
from dxmetrics.errors import CollectError
from dxmetrics.records import Record

from .api import Listing, Payload

MILLISECOND = timedelta(milliseconds=1)
ORDER_TOLERANCE = timedelta(minutes=10)
DOUBTFUL_ROWS = 5

Rows = Mapping[type[Record], Sequence[Payload]]


def instant(text: str) -> datetime:
    """The instant, in UTC; pipelines write it with nanoseconds, which are cut off."""
    return datetime.fromisoformat(text).astimezone(UTC)


def known_instants(rows: Sequence[Payload], name: str) -> list[datetime]:
    """The instants in field `name`, in the rows' order; rows without one are left out."""
    return [instant(row[name]) for row in rows if row.get(name)]


def updated_within(position: Position, beginning: datetime | None) -> str | None:
    """The query for what was updated in the stretch that a position asks for, widened to whole milliseconds.

    With a `beginning`, before which nothing was, it has no lower limit: an answer that is not full is then the last,
    where history read in stretches takes a request for each, also for those in which nothing happened.
    """
    parts = []
    if position.since is not None and beginning is None:
        parts.append(f'updated_on >= "{_milliseconds(position.since)}"')
    if position.before is not None:
        parts.append(f'updated_on <= "{_milliseconds(position.before + MILLISECOND)}"')
    return " AND ".join(parts) or None


def by_update(listing: Listing, position: Position, beginning: datetime | None, rows: Rows, **about: Any) -> Slice:
    """The slice of a list that is sorted by `-updated_on` and was asked for with `updated_within` of the same."""
    oldest = min(known_instants(listing.rows, "updated_on"), default=None)
    if oldest is not None and position.before is not None:
        oldest = min(oldest, position.before)
    stands_at_one_instant = oldest is not None and oldest == position.before
    return Slice(
        rows,
        oldest=oldest if listing.following or beginning is None else beginning,
        token=listing.following if stands_at_one_instant else None,
        is_end=listing.following is None,
        served_at=listing.served_at,
        **about,
    )


def newest_first(what: str, listing: Listing, instants: Sequence[datetime], rows: Rows, **about: Any) -> Slice:
    """The slice of a list that comes newest first and has no filter by time; `instants` are those of its rows.

    The order is not in the API's description, and what is said to be covered rests on it: CollectError where most rows
    of a full page are out of order. A few may be, as an edited comment keeps its time: so the last of a page are taken
    for as old as the newest of them.
    """
    is_last = listing.following is None
    if not is_last and _ascents(instants) > len(instants) / 2:
        raise CollectError(
            f"{what} do not come newest first: {instants[0]:%Y-%m-%d} stands before {instants[-1]:%Y-%m-%d}. The API"
            " has changed, and what is read like this would have gaps: update dxmetrics"
        )
    return Slice(
        rows,
        oldest=max(instants[-DOUBTFUL_ROWS:], default=None),
        token=listing.following,
        is_end=is_last,
        served_at=listing.served_at,
        **about,
    )


def _ascents(instants: Sequence[datetime]) -> int:
    """How many rows are followed by a newer one."""
    return sum(later - earlier > ORDER_TOLERANCE for earlier, later in pairwise(instants))


def _milliseconds(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")
