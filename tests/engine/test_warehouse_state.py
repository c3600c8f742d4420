"""Coverage as merged intervals, facts and cursors."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from duckdb import DuckDBPyConnection

from dxmetrics import warehouse
from dxmetrics.records import Change, Deployment


def at(hour: float) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hour)


def covered(connection: DuckDBPyConnection) -> list[tuple[float, float]]:
    rows = connection.execute("select covered_from, covered_to from meta.coverage order by all").fetchall()
    return [((start - at(0)) / timedelta(hours=1), (end - at(0)) / timedelta(hours=1)) for start, end in rows]


@pytest.mark.parametrize(
    ("intervals", "merged"),
    [
        ([(0, 1)], [(0, 1)]),
        ([(0, 1), (2, 3)], [(0, 1), (2, 3)]),
        ([(0, 1), (1, 2)], [(0, 2)]),
        ([(0, 2), (1, 3)], [(0, 3)]),
        ([(0, 9), (2, 3)], [(0, 9)]),
        ([(2, 3), (0, 9)], [(0, 9)]),
        ([(0, 1), (2, 3), (4, 5), (1, 4)], [(0, 5)]),
        ([(4, 5), (0, 1), (2, 3), (0.5, 2.5)], [(0, 3), (4, 5)]),
        ([(1, 1), (1, 1)], [(1, 1)]),
    ],
)
def test_intervals_that_touch_or_overlap_become_one(connection, land, intervals: Any, merged: Any) -> None:
    for start, end in intervals:
        land({}, covers={Change: (at(start), at(end))})
    assert covered(connection) == merged


def test_streams_and_scopes_are_covered_apart(connection, land) -> None:
    land({}, covers={Change: (at(0), at(1)), Deployment: (at(1), at(2))})
    land({}, scope="two", covers={Change: (at(1), at(2))})
    rows = connection.execute("select stream, scope from meta.coverage order by all").fetchall()
    assert rows == [("changes", "one"), ("changes", "two"), ("deployments", "one")]


def test_facts_keep_any_json_value_and_the_newest(connection: DuckDBPyConnection) -> None:
    warehouse.set_fact(connection, "is_sample", True)
    warehouse.set_fact(connection, "as_of", "2026-01-01T00:00:00+00:00")
    warehouse.set_fact(connection, "is_sample", False)
    facts = warehouse.facts(connection)
    assert (facts["is_sample"], facts["as_of"]) == (False, "2026-01-01T00:00:00+00:00")


def test_a_scope_that_was_never_read_has_no_cursor(connection: DuckDBPyConnection) -> None:
    assert warehouse.read_cursor(connection, "files", "never") is None
