"""The one list that can be asked for what has changed: issues, which requests are too.

Forgejo lists them by their last update: an answer goes on where the one before it ended. Gitea does not know `sort` and
lists them by number: there, time is cut into windows that one answer holds. Either way no answer is a second page, of
which rows could slip away while others change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Literal

from dxmetrics.collectors.feeds import BEGINNING, Position, Slice
from dxmetrics.errors import CollectError
from dxmetrics.records import Record

from .api import MOST, Listing, Place, Row, instant, instants

FILLED = 0.7  # of a page, by a window that is cut to fit one
SECOND = timedelta(seconds=1)
ATTEMPTS = 5

Kind = Literal["pulls", "issues"]


def by_update(place: Place, kind: Kind, position: Position) -> tuple[Sequence[Row], Slice]:
    """The next rows below a position, and the slice they make, still without rows."""
    if position.token is not None:  # a second that more rows stand at than one answer holds
        listing = _listing(place, kind, int(position.token), position.before, position.before)
        return listing.rows, _of_one_second(listing, int(position.token), position)
    if position.before is None:
        return _newest(place, kind, position)
    return _older(place, kind, position, position.before)


def present(
    place: Place, kind: Kind, record: type[Record], id_of: Callable[[Row], str]
) -> Iterator[Mapping[type[Record], Sequence[str]]]:
    """The ids of all there are, at once: what is not among them is taken for deleted."""
    for _ in range(ATTEMPTS):
        found: list[str] = []
        total = 0
        for listing in _pages(place, kind):
            if (listing.total or 0) < total:
                break  # one was deleted meanwhile: those behind it moved up, and one of them was passed over
            total = listing.total or 0
            found += map(id_of, listing.rows)
        else:
            yield {record: found}
            return
    raise CollectError(f"{place.api.name}: {place.name}: {kind} are deleted faster than they can be listed")


def _pages(place: Place, kind: Kind) -> Iterator[Listing]:
    page = 1
    while True:
        listing = _listing(place, kind, page, sort="latest")
        yield listing
        if listing.is_last:
            return
        page += 1


def _newest(place: Place, kind: Kind, position: Position) -> tuple[Sequence[Row], Slice]:
    """What has changed since, from now down."""
    first = _listing(place, kind, 1, position.since)
    if first.is_last:
        return first.rows, Slice({}, is_end=True, served_at=first.served_at)
    if _is_sorted(place, kind, first, position.since):
        return first.rows, Slice({}, oldest=min(map(updated_at, first.rows)), served_at=first.served_at)
    return (), Slice({}, oldest=first.served_at, served_at=first.served_at)


def _older(place: Place, kind: Kind, position: Position, before: datetime) -> tuple[Sequence[Row], Slice]:
    """History below a time. It is asked for without a lower limit: an answer that holds all there is ends it."""
    if place.api.sorts is False:
        return _window(place, kind, position, before)
    first = _listing(place, kind, 1, place.since, before)
    if first.is_last:
        return first.rows, Slice({}, oldest=place.since or BEGINNING, is_end=True)
    if not _is_sorted(place, kind, first, place.since, before):
        return _window(place, kind, position, before)
    oldest, newest = min(map(updated_at, first.rows)), max(map(updated_at, first.rows))
    lowest = position.since or BEGINNING
    if oldest >= before:
        return first.rows, _of_one_second(first, 1, position)
    if oldest >= lowest:
        return first.rows, Slice({}, oldest=oldest)
    # What is below has its time, and where that is long ago, nothing happened meanwhile.
    return [row for row in first.rows if updated_at(row) >= lowest], Slice({}, oldest=min(lowest, newest))


def _window(place: Place, kind: Kind, position: Position, before: datetime) -> tuple[Sequence[Row], Slice]:
    """A window of history down from a time, as long as one answer holds it."""
    lowest = place.since or BEGINNING
    start = max(position.since or BEGINNING, lowest)
    listing = _listing(place, kind, 1, start, before)
    if not listing.rows:
        rest = _listing(place, kind, 1, place.since, before)
        if rest.is_last:
            return rest.rows, Slice({}, oldest=lowest, is_end=True)
    while not listing.rows:  # nothing happened: what did is further back
        start = max(_whole_second(before - 2 * max(before - start, SECOND)), lowest)
        listing = _listing(place, kind, 1, start, before)
    while not listing.is_last and before - start > SECOND:
        share = FILLED * len(listing.rows) / _counted(place, listing)
        start = _whole_second(max(before - (before - start) * share, start + SECOND))
        listing = _listing(place, kind, 1, start, before)
    if not listing.is_last:
        listing = _listing(place, kind, 1, before, before)
        return listing.rows, _of_one_second(listing, 1, position)
    return listing.rows, Slice({}, oldest=start)


def _of_one_second(listing: Listing, page: int, position: Position) -> Slice:
    """A page of the rows that stand at one second: with the last one it goes on below."""
    if listing.is_last:
        before = position.before or BEGINNING
        return Slice({}, oldest=before - SECOND)
    return Slice({}, oldest=position.before, token=str(page + 1))


def _is_sorted(
    place: Place, kind: Kind, first: Listing, since: datetime | None, before: datetime | None = None
) -> bool:
    """Whether the page, of several, is in the order of updates because it was asked for, and not by chance: then what
    was changed longest ago is not on it, and stands first where the other order is asked for."""
    api = place.api
    if api.sorts is None:
        other = _listing(place, kind, 1, since, before, sort="leastupdate", limit=1).rows
        met = {row["id"] for row in first.rows}
        api.sorts = (
            bool(other) and other[0]["id"] not in met and updated_at(other[0]) <= min(map(updated_at, first.rows))
        )
    return api.sorts and all(one >= two for one, two in pairwise(instants(first.rows, "updated_at")))


def _counted(place: Place, listing: Listing) -> int:
    if listing.total is None:
        raise CollectError(f"{place.api.name}: {place.name}: issues come without X-Total-Count: their form has changed")
    return listing.total


def _listing(
    place: Place,
    kind: Kind,
    page: int,
    since: datetime | None = None,
    before: datetime | None = None,
    *,
    sort: str = "recentupdate",
    limit: int = MOST,
) -> Listing:
    return place.page("issues", {
        "state": "all", "type": kind, "sort": sort, "since": stamp(since), "before": stamp(before, SECOND),
        "page": page, "limit": limit,
    })  # fmt: skip


def stamp(moment: datetime | None, rounding: timedelta = timedelta()) -> str | None:
    """An instant as the server reads it, in whole seconds; None where it says nothing."""
    if moment is None or moment <= BEGINNING:
        return None
    moment = moment.astimezone(UTC)
    if moment.microsecond:
        moment += rounding
    return moment.replace(microsecond=0).isoformat().replace("+00:00", "Z")


def _whole_second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def updated_at(row: Row) -> datetime:
    """When a row changed last."""
    return instant(row["updated_at"]) or BEGINNING
