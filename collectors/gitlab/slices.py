"""What feeds have in common that are read newest change first: from when to when is asked, and what the answer says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from dxmetrics.collectors.feeds import BEGINNING, Position, Slice
from dxmetrics.http import Answer, PageSize, with_size
from dxmetrics.records import Record

from .api import Api, Listing, Node, explained, follower, nodes, number_of, partly

SECOND = timedelta(seconds=1)  # GraphQL tells times in these
MILLISECOND = timedelta(milliseconds=1)  # and REST in these; filters know microseconds
PRESENT_AT_ONCE = 1_000

Rows = dict[type[Record], list[Any]]


@dataclass(frozen=True)
class Place:
    """A project as its lists are read: its id, which no renaming changes, its path and page of today, and how far its
    history goes. `is_read` names the feeds that were read before.
    """

    api: Api
    id: str
    path: str
    web: str
    beginning: datetime
    since: datetime | None = None
    is_read: frozenset[str] = field(default_factory=frozenset)

    def lower(self, feed: str, position: Position) -> datetime | None:
        """From when on rows are asked for; None: all there are.

        What is new is asked for by itself. History has no lower limit: an answer that is not full is then the last,
        where history read in stretches takes a request for each, also for those in which nothing happened.
        """
        return position.since if position.before is None and feed in self.is_read else self.since

    def by_update(
        self, feed: str, position: Position, times: Iterable[datetime], unit: timedelta, *, has_more: bool, **about: Any
    ) -> Slice:
        """The slice of an answer whose rows changed at `times`, asked for from `lower` on. They are told in whole units
        of time: of the last one, more rows may follow."""
        limits = [position.before] if position.before else []
        oldest = min([*(at + unit for at in times), *limits], default=None)
        if not has_more and self.lower(feed, position) == self.since:
            oldest = min(oldest or self.beginning, self.beginning)
        return Slice(oldest=oldest, is_end=not has_more, **about)


def instant(text: str) -> datetime:
    """The instant, in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)


def written(moment: datetime | None) -> str | None:
    """An instant as filters take it, to the millisecond as REST tells it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if moment else None


@dataclass(frozen=True)
class Connection:
    """A project's connection that is ordered by `updatedAt`: the query, its name, the feed it is read for, and how many
    rows a question asks for: `usual`, and no fewer than `fewest` after answers that were too much.
    """

    query: str
    name: str
    feed: str
    usual: int
    fewest: int = 2

    def read(self, place: Place, position: Position, rows: Callable[[Sequence[Node], Answer], dict[str, Any]]) -> Slice:
        """The next rows below a position; `rows` makes the other fields of the slice of them."""
        size = PageSize(int(position.memo.get("size") or self.usual), self.fewest)
        stretch = {
            "path": place.path,
            "after": position.token,
            "from": written(place.lower(self.feed, position)),
            "to": written(position.before),
        }
        with explained(place.path, self.feed):
            answer = with_size(size, lambda n: place.api.query(self.query, n=n, **stretch))
            found = place.api.at(answer, ("project", self.name), place.path)
        listed = nodes(found)
        return place.by_update(
            self.feed,
            position,
            (instant(one["updatedAt"]) for one in listed),
            SECOND,
            has_more=follower(found) is not None,
            token=follower(found),
            served_at=answer.served_at,
            memo={"size": size.value} if size.value != self.usual else {},
            **{"notes": partly(answer), **rows(listed, answer)},
        )

    def present(self, place: Place, record: type[Record], query: str) -> Iterable[Mapping[type[Record], Sequence[str]]]:
        """The ids of all rows there are, in pages."""
        found: list[str] = []
        for page, _ in place.api.pages(query, ("project", self.name), place.path, path=place.path):
            found += map(number_of, page)
            if len(found) >= PRESENT_AT_ONCE:
                yield {record: found}
                found = []
        yield {record: found}


def rest_page(place: Place, feed: str, path: str, position: Position, **params: Any) -> Listing:
    """One page of a project's REST list that is ordered by `updated_at`, below a position."""
    stretch = {
        "order_by": "updated_at",
        "sort": "desc",
        "updated_after": written(place.lower(feed, position) or BEGINNING),  # without it, some lists refuse the order
        "updated_before": written(position.before),
    }
    return place.api.page(f"projects/{place.id}/{path}", {**stretch, **params}, int(position.token or 1))


def rest_slice(place: Place, feed: str, position: Position, listing: Listing, **about: Any) -> Slice:
    """The slice of such a page. A page number goes on only while the limit above stays: where a whole page is at it."""
    times = [instant(row["updated_at"]) for row in listing.rows]
    stands_still = bool(times) and position.before is not None and min(times) + MILLISECOND >= position.before
    return place.by_update(
        feed,
        position,
        times,
        MILLISECOND,
        has_more=listing.has_more,
        token=str(int(position.token or 1) + 1) if stands_still and listing.has_more else None,
        served_at=listing.served_at,
        **about,
    )
