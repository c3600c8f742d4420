"""What feeds of a repository's connections have in common: one answer, and the ids of all there is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dxmetrics.collectors.feeds import Position, Probe, Slice, down_to
from dxmetrics.http import Answer, PageSize, with_size
from dxmetrics.records import Record

from . import queries
from .api import Api, Node, follower, nodes, partly

if TYPE_CHECKING:
    from .repositories import Listed

PRESENT_AT_ONCE = 1_000
Rows = dict[type[Record], list[Any]]


@dataclass(frozen=True)
class Listing:
    """How a connection of a repository is listed: the query, its name, the field it is ordered by, and how many rows
    a question asks for: `usual`, and no fewer than `fewest` after answers that came too late."""

    query: str
    connection: str
    ordered_by: str
    usual: int
    fewest: int = 5

    def read(
        self, api: Api, repo: Listed, position: Position, slice_of: Callable[[Sequence[Node], Answer], dict[str, Any]]
    ) -> Slice:
        """The next rows below a position; `slice_of` makes the other fields of the slice of them."""
        size = PageSize(int(position.memo.get("size") or self.usual), self.fewest)
        place = {"owner": repo.owner, "name": repo.name, "after": position.token}
        answer = with_size(size, lambda n: api.query(self.query, n=n, **place))
        found = api.at(answer, ("repository", self.connection), repo.full_name)
        rows = nodes(found)
        token = follower(found)
        return Slice(
            **{"notes": partly(answer), **slice_of(rows, answer)},
            oldest=down_to((datetime.fromisoformat(row[self.ordered_by]) for row in rows), has_more=token is not None),
            token=token,
            is_end=token is None,
            served_at=answer.served_at,
            memo={"size": size.value} if size.value != self.usual else None,
        )


def unless_empty(probe: Probe, read: Callable[[Position], Slice]) -> Callable[[Position], Slice]:
    """`read`, which is not even tried where the probe has told that there is nothing."""
    nothing = Slice({}, is_end=True, served_at=probe.served_at)
    return read if probe.newest is not None else lambda _: nothing


def present(
    api: Api, repo: Listed, connection: str, record: type[Record]
) -> Iterator[Mapping[type[Record], Sequence[str]]]:
    """The ids of all requests or issues there are, in pages."""
    found: list[str] = []
    path = ("repository", connection)
    for page, _ in api.pages(queries.ids(connection), path, repo.full_name, owner=repo.owner, name=repo.name):
        found += [node["fullDatabaseId"] for node in page]
        if len(found) >= PRESENT_AT_ONCE:
            yield {record: found}
            found = []
    yield {record: found}
