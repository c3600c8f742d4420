"""Replaying: kept payloads pass a mended mapping function, with nothing fetched again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from duckdb import DuckDBPyConnection

from dxmetrics.collectors import Page, Scope
from dxmetrics.records import Incident
from dxmetrics.warehouse import Counts, Loader, load, replay

T0 = datetime(2026, 1, 1, tzinfo=UTC)
PAYLOADS = [
    {"id": number, "created": (T0 + timedelta(hours=number)).isoformat(), "sev": f"P{number}"} for number in (1, 2, 3)
]


def without_severity(payload: dict[str, Any]) -> Incident:
    return Incident(ext_id=str(payload["id"]), detected_at=payload["created"], updated_at=T0 + timedelta(days=9))


def with_severity(payload: dict[str, Any]) -> Incident:
    made = without_severity(payload)
    return made.model_copy(update={"severity": int(payload["sev"][1:]), "updated_at": T0})


@pytest.fixture
def collected(connection: DuckDBPyConnection, clock) -> DuckDBPyConnection:
    loader = Loader(connection, "pager", {"incident": without_severity}, clock=clock)
    loader.write(Scope("a", "A"), Page({Incident: PAYLOADS[:2]}))
    loader.write(Scope("b", "B"), Page({Incident: PAYLOADS[2:]}))
    return connection


def severities(connection: DuckDBPyConnection) -> list[tuple[str, int | None, str]]:
    query = "select ext_id, severity, scope from landing.incidents where deleted_at is null order by all"
    return connection.execute(query).fetchall()


def test_a_mended_mapping_reaches_every_kept_row_even_where_it_makes_it_older(collected, clock) -> None:
    counts = replay(collected, "pager", {"incident": with_severity}, clock=clock)
    assert counts == Counts(read=3, updated=3)
    assert severities(collected) == [("1", 1, "a"), ("2", 2, "a"), ("3", 3, "b")]


def test_the_same_mapping_changes_nothing(collected, clock) -> None:
    assert replay(collected, "pager", {"incident": without_severity}, clock=clock) == Counts(read=3, unchanged=3)


def test_more_rows_than_a_chunk_are_each_met_once(collected, clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "CHUNK", 1)
    assert replay(collected, "pager", {"incident": with_severity}, clock=clock) == Counts(read=3, updated=3)


def test_a_row_that_is_refused_now_stays_and_its_payload_waits(collected, clock) -> None:
    def picky(payload: dict[str, Any]) -> Incident:
        if payload["id"] == 2:
            raise KeyError("region")
        return with_severity(payload)

    counts = replay(collected, "pager", {"incident": picky}, clock=clock)
    assert counts == Counts(read=3, updated=2, refused=1)
    assert severities(collected) == [("1", 1, "a"), ("2", None, "a"), ("3", 3, "b")]
    assert collected.execute("select reason from meta.quarantine").fetchall() == [("region: missing in the payload",)]


def test_a_payload_in_quarantine_lands_when_the_mapping_is_mended(connection: DuckDBPyConnection, clock) -> None:
    def broken(payload: dict[str, Any]) -> Incident:
        return Incident(ext_id=str(payload["id"]), detected_at=payload["wrong"])

    Loader(connection, "pager", {"incident": broken}, clock=clock).write(Scope("a", "A"), Page({Incident: PAYLOADS}))
    assert severities(connection) == []
    assert replay(connection, "pager", {"incident": with_severity}, clock=clock) == Counts(read=3, inserted=3)
    assert severities(connection) == [("1", 1, "a"), ("2", 2, "a"), ("3", 3, "a")]
    assert connection.execute("select count(*) from meta.quarantine").fetchall() == [(0,)]


def test_a_row_that_gets_another_key_is_deleted_under_its_old_one(collected, clock) -> None:
    def renamed(payload: dict[str, Any]) -> Incident:
        return without_severity(payload).model_copy(update={"ext_id": f"incident/{payload['id']}"})

    assert replay(collected, "pager", {"incident": renamed}, clock=clock) == Counts(read=3, inserted=3, deleted=3)
    assert [name for name, *_ in severities(collected)] == ["incident/1", "incident/2", "incident/3"]


def test_other_sources_and_rows_without_payload_are_left_alone(collected, land, clock) -> None:
    row = {"ext_id": "9", "detected_at": T0}
    Loader(collected, "git", clock=clock, keeps_payloads=False).write(Scope("a", "A"), Page({Incident: [row]}))
    assert replay(collected, "git", None, clock=clock) == Counts()
    assert replay(collected, "nowhere", None, clock=clock) == Counts()
    assert len(severities(collected)) == 4
