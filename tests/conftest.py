"""What tests of every layer share: a clock that stands still, an empty warehouse, and a way to fill it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from duckdb import DuckDBPyConnection

from dxmetrics import warehouse
from dxmetrics.collectors import Page, Scope
from dxmetrics.records import Record

Land = Callable[..., warehouse.Counts]


class Clock:
    """A clock that tests set; calling it gives the time."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **duration: float) -> None:
        """Move on by `timedelta(**duration)`."""
        self.now += timedelta(**duration)


@pytest.fixture
def clock() -> Clock:
    """Monday, 5 January 2026, 12:00 UTC."""
    return Clock(datetime(2026, 1, 5, 12, tzinfo=UTC))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data folder of the test's warehouse."""
    return tmp_path / "data"


@pytest.fixture
def connection(data: Path) -> Iterator[DuckDBPyConnection]:
    """The writing connection to an empty warehouse in `data`."""
    opened = warehouse.open_writer(data)
    yield opened
    opened.close()


@pytest.fixture
def land(connection: DuckDBPyConnection, clock: Clock) -> Land:
    """`land({Change: [...]}, source="files", scope="one", **page)`: the counts of a page written at once."""

    def write(
        rows: Mapping[type[Record], Sequence[Mapping[str, Any]]],
        *,
        source: str = "files",
        scope: str = "one",
        **page: Any,
    ) -> warehouse.Counts:
        loader = warehouse.Loader(connection, source, clock=clock)
        return loader.write(Scope(scope, scope), Page(rows, **page))

    return write
