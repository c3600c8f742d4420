"""Quarantine: a row that is no record waits there with its reason, and the others go on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from duckdb import DuckDBPyConnection

from dxmetrics.collectors import Page, Scope
from dxmetrics.errors import PayloadError
from dxmetrics.records import Change, Incident, Job
from dxmetrics.warehouse import Counts, Loader
from dxmetrics.warehouse.sql import first_row, scalar


def waiting(connection: DuckDBPyConnection) -> list[tuple[str, str]]:
    return connection.execute("select row_key, reason from meta.quarantine order by all").fetchall()


def test_a_bad_row_is_set_aside_with_its_payload_and_the_good_ones_land(connection, land, clock) -> None:
    counts = land({Change: [{"ext_id": "1", "repository": "r"}, {"ext_id": "2"}, {"ext_id": "3", "repository": "r"}]})
    assert counts == Counts(read=3, inserted=2, refused=1)
    row = first_row(connection, "select * exclude (row_key) from meta.quarantine")
    reason = "repository: Field required"
    assert row == ("files", "one", "change", '{"ext_id":"2"}', reason, clock(), clock(), 1)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"merged_at": "2026-01-01T10:00:00"}, "merged_at: Input should have timezone info"),
        ({"merged_at": "soon"}, "merged_at: Input should be a valid datetime"),
        ({"titel": "typo"}, "titel: Extra inputs are not permitted"),
        ({"number": 2**64}, "too large"),
        ({"title": "\ud800 half a character"}, "title: Input should be a valid string"),
        ({"state": "half open"}, "state: Input should be 'open'"),
    ],
)
def test_the_reason_says_where_and_what(connection, land, values: dict[str, Any], reason: str) -> None:
    assert land({Change: [{"ext_id": "1", "repository": "r", **values}]}) == Counts(read=1, refused=1)
    ((_, found),) = waiting(connection)
    assert reason in found
    assert "half a character" not in found, "a reason never shows the row's content"


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"id": 1}, "created: missing in the payload"),
        ({"id": 2, "created": None}, "AttributeError"),
        ({"id": 3, "created": "x"}, "not a time"),
    ],
)
def test_whatever_a_mapping_function_stumbles_over_is_one_bad_row(connection, clock, payload, reason: str) -> None:
    def incident(payload: dict[str, Any]) -> Incident:
        if payload["created"].upper() == "X":
            raise PayloadError("not a time")
        return Incident(ext_id=str(payload["id"]), detected_at=payload["created"])

    loader = Loader(connection, "pager", {"incident": incident}, clock=clock)
    good = {"id": 9, "created": "2026-01-01T00:00:00Z"}
    assert loader.write(Scope("s", "s"), Page({Incident: [payload, good]})) == Counts(2, inserted=1, refused=1)
    assert reason in waiting(connection)[0][1]


def test_a_function_that_makes_another_record_is_refused(connection, clock) -> None:
    def incident(_: dict[str, Any]) -> Any:
        return Job(ext_id="1", pipeline_run="r", name="n")

    loader = Loader(connection, "pager", {"incident": incident}, clock=clock)
    assert loader.write(Scope("s", "s"), Page({Incident: [{"id": 1}]})).refused == 1
    assert waiting(connection) == [("id=1", "the mapping function made Job, not Incident")]


def test_the_same_bad_row_is_counted_not_repeated(connection, land, clock) -> None:
    first = clock()
    land({Change: [{"ext_id": "1"}]})
    clock.advance(hours=1)
    land({Change: [{"ext_id": "1", "title": "x"}, {"ext_id": "1"}]})
    query = "select first_seen_at, last_seen_at, occurrences, payload from meta.quarantine"
    assert connection.execute(query).fetchall() == [(first, first + timedelta(hours=1), 3, '{"ext_id":"1"}')]


def test_a_row_leaves_quarantine_when_it_loads_well(connection, land) -> None:
    land({Change: [{"ext_id": "1"}, {"ext_id": "2"}]})
    land({Change: [{"ext_id": "1", "repository": "r"}]})
    assert [key for key, _ in waiting(connection)] == ["ext_id=2"]


def test_keys_are_those_of_their_scope(connection, land) -> None:
    land({Change: [{"ext_id": "1"}]}, scope="a")
    land({Change: [{"ext_id": "1", "repository": "r"}]}, scope="b")
    assert len(waiting(connection)) == 1


def test_a_payload_without_any_id_is_known_by_its_content(connection, land) -> None:
    land({Change: [{"title": "nameless"}, {"title": "nameless"}, {"title": "another"}]})
    assert sorted(n for (n,) in connection.execute("select occurrences from meta.quarantine").fetchall()) == [1, 2]


def test_a_payload_that_is_no_object_is_set_aside_too(connection, land) -> None:
    assert land({Change: ["not an object", {"ext_id": "1", "repository": "r"}]}) == Counts(2, inserted=1, refused=1)  # type: ignore[list-item]  # on purpose
    assert scalar(connection, "select payload from meta.quarantine") == '"not an object"'
