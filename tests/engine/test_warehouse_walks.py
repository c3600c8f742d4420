"""Snapshot walks: what a whole reading of a scope no longer contains is marked deleted, and comes back when it does."""

from __future__ import annotations

from typing import Any

from duckdb import DuckDBPyConnection

from dxmetrics.collectors import Whole
from dxmetrics.records import Change, Review, Team
from dxmetrics.warehouse import Counts


def changes(*names: str) -> list[dict[str, Any]]:
    return [{"ext_id": name, "repository": "r"} for name in names]


def alive(connection: DuckDBPyConnection, table: str = "changes") -> list[str]:
    query = f"select ext_id from landing.{table} where deleted_at is null order by all"
    return [name for (name,) in connection.execute(query).fetchall()]


def test_rows_a_whole_walk_did_not_contain_are_marked_deleted(connection, land, clock) -> None:
    land({Change: changes("1", "2", "3")})
    counts = land({Change: changes("1", "3")}, snapshot=True, is_last=True)
    assert counts == Counts(read=2, unchanged=2, deleted=1)
    assert alive(connection) == ["1", "3"]
    row = connection.execute("select deleted_at, batch_id from landing.changes where ext_id = '2'").fetchall()
    assert row == [(clock(), 2)]


def test_a_walk_of_several_pages_deletes_only_at_its_end(connection, land) -> None:
    land({Change: changes("1", "2", "3")})
    assert land({Change: changes("1")}, snapshot=True).deleted == 0
    assert alive(connection) == ["1", "2", "3"]
    assert land({Change: changes("2")}, snapshot=True, is_last=True).deleted == 1
    assert alive(connection) == ["1", "2"]


def test_a_walk_remembers_nothing_of_the_one_before(connection, land) -> None:
    land({Change: changes("1", "2")}, snapshot=True, is_last=True)
    land({Change: changes("2")}, snapshot=True, is_last=True)
    land({Change: changes("1")}, snapshot=True, is_last=True)
    assert alive(connection) == ["1"]
    assert connection.execute("select count(*) from meta.walk_seen").fetchall() == [(0,)]


def test_a_row_that_comes_back_is_alive_again(connection, land) -> None:
    land({Change: changes("1", "2")})
    land({Change: changes("1")}, snapshot=True, is_last=True)
    assert land({Change: changes("2")}) == Counts(read=1, updated=1)
    assert alive(connection) == ["1", "2"]


def test_a_row_already_deleted_is_not_deleted_again(connection, land) -> None:
    land({Change: changes("1", "2")})
    land({Change: changes("1")}, snapshot=True, is_last=True)
    assert land({Change: changes("1")}, snapshot=True, is_last=True).deleted == 0


def test_a_type_with_no_rows_left_is_read_as_empty(connection, land) -> None:
    land({Team: [{"ext_id": "a", "name": "A"}], Change: changes("1")})
    assert land({Team: []}, snapshot=True, is_last=True).deleted == 1
    assert alive(connection, "teams") == []
    assert alive(connection) == ["1"], "the walk did not read this type"


def test_other_scopes_and_sources_are_left_alone(connection, land) -> None:
    land({Change: changes("1")}, scope="a")
    land({Change: changes("2")}, scope="b")
    land({Change: changes("3")}, scope="a", source="other")
    assert land({Change: []}, scope="a", snapshot=True, is_last=True).deleted == 1
    assert alive(connection) == ["2", "3"]


def test_nothing_is_deleted_while_a_row_could_not_be_read(connection, land) -> None:
    land({Change: changes("1", "2")})
    counts = land({Change: [*changes("1"), {"ext_id": "2"}]}, snapshot=True, is_last=True)
    assert (counts.refused, counts.deleted) == (1, 0)
    assert alive(connection) == ["1", "2"]
    assert land({Change: changes("1")}, snapshot=True, is_last=True).deleted == 1, "the next walk is told again"


def test_a_walk_meets_rows_by_their_ids_alone(connection, land) -> None:
    land({Change: changes("1", "2", "3")})
    land({}, snapshot=True, present={Change: ["1"]})
    assert land({}, snapshot=True, present={Change: ["3"]}, is_last=True).deleted == 1
    assert alive(connection) == ["1", "3"]


def reviews(change: str, *names: str) -> list[dict[str, Any]]:
    return [{"ext_id": name, "change": change, "submitted_at": "2026-01-01T00:00:00Z"} for name in names]


def test_rows_that_come_with_their_parent_are_deleted_when_they_come_no_more(connection, land) -> None:
    land({Review: [*reviews("a", "a1", "a2"), *reviews("b", "b1")]})
    counts = land({Review: reviews("a", "a2", "a3")}, whole={Review: Whole("change", ["a"])})
    assert counts == Counts(read=2, inserted=1, unchanged=1, deleted=1)
    assert alive(connection, "reviews") == ["a2", "a3", "b1"]


def test_a_parent_without_any_rows_left_loses_them_all(connection, land) -> None:
    land({Review: [*reviews("a", "a1"), *reviews("b", "b1")]})
    assert land({}, whole={Review: Whole("change", ["a"])}).deleted == 1
    assert alive(connection, "reviews") == ["b1"]


def test_nothing_is_deleted_of_parents_while_one_of_the_rows_is_refused(connection, land) -> None:
    land({Review: reviews("a", "a1", "a2")})
    bad = {"ext_id": "a1", "change": "a", "submitted_at": "yesterday"}
    assert land({Review: [bad]}, whole={Review: Whole("change", ["a"])}).deleted == 0
    assert alive(connection, "reviews") == ["a1", "a2"]


def test_rows_of_the_same_parent_in_another_source_stay(connection, land) -> None:
    land({Review: reviews("a", "a1")}, source="other")
    land({}, source="files", whole={Review: Whole("change", ["a"])})
    assert alive(connection, "reviews") == ["a1"]
