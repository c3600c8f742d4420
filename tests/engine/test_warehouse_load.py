"""Committing pages: what is inserted, updated, left alone; and that a page is kept whole or not at all."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from duckdb import DuckDBPyConnection

from dxmetrics import warehouse
from dxmetrics.collectors import Page, Scope
from dxmetrics.records import Change, CostLine, Incident, Job, Record, Repository, UsageFact
from dxmetrics.warehouse import Counts, Loader, load
from dxmetrics.warehouse.sql import first_row, scalar

T0 = datetime(2026, 1, 1, tzinfo=UTC)
ONE = Scope("one", "One")


def change(ext_id: str = "1", **values: Any) -> dict[str, Any]:
    return {"ext_id": ext_id, "repository": "r", **values}


def titles(connection: DuckDBPyConnection) -> dict[str, str]:
    query = "select ext_id, title from landing.changes where deleted_at is null order by all"
    return dict(connection.execute(query).fetchall())


def test_records_land_with_source_scope_and_stamps(connection: DuckDBPyConnection, land, clock) -> None:
    merged_at = datetime(2026, 1, 1, 12, tzinfo=UTC)
    counts = land({Change: [change(merged_at="2026-01-01T13:00:00+01:00", labels=["bug"], number=7)]}, scope="repo")
    assert counts == Counts(read=1, inserted=1)
    row = first_row(
        connection,
        "select source, ext_id, merged_at, labels, paths, number, scope, collected_at, deleted_at from landing.changes",
    )
    assert row == ("files", "1", merged_at, ["bug"], None, 7, "repo", clock(), None)


def test_nested_values_amounts_and_dates_land_as_they_are(connection: DuckDBPyConnection, land) -> None:
    day = {"provider": "p", "subject": "s", "subject_kind": "team", "metric": "m"}
    charge = {"provider": "p", "period_start": "2026-01-01", "period_end": "2026-02-01", "currency": "EUR"}
    land(
        {
            UsageFact: [{"ext_id": "1", "occurred_on": "2026-01-01", "value": 2, "dimensions": {"k": "v"}, **day}],
            CostLine: [{"ext_id": "1", "amount": "12.12345678", **charge}],
        }
    )
    usage = first_row(connection, "select occurred_on, value, dimensions ->> '$.k' from landing.usage_facts")
    assert usage == (date(2026, 1, 1), 2.0, "v")
    assert scalar(connection, "select amount from landing.cost_lines") == Decimal("12.123457")


def test_a_payload_is_mapped_by_the_modules_function_of_the_records_name(connection, clock) -> None:
    def incident(payload: dict[str, Any]) -> Incident:
        return Incident(ext_id=str(payload["id"]), detected_at=payload["created"], title=payload["summary"])

    module = SimpleNamespace(incident=incident)
    loader = Loader(connection, "pager", module, clock=clock)  # type: ignore[arg-type]  # any object with functions
    page = Page({Incident: [{"id": 7, "created": T0, "summary": "down"}], Change: [change()]})
    assert loader.write(ONE, page).inserted == 2, "a record without a function is in its own shape"
    assert first_row(connection, "select ext_id, title, payload from landing.incidents") == (
        "7",
        "down",
        '{"id":7,"created":"2026-01-01T00:00:00Z","summary":"down"}',
    )


def test_payloads_are_not_kept_of_a_source_that_can_be_read_again(connection, clock) -> None:
    Loader(connection, "git", clock=clock, keeps_payloads=False).write(ONE, Page({Change: [change()]}))
    assert scalar(connection, "select payload from landing.changes") is None


def test_reading_the_same_again_writes_nothing(connection: DuckDBPyConnection, land, clock) -> None:
    land({Change: [change(), change("2")]})
    before = connection.execute("select * from landing.changes order by ext_id").fetchall()
    clock.advance(hours=1)
    assert land({Change: [change(), change("2")]}) == Counts(read=2, unchanged=2)
    assert connection.execute("select * from landing.changes order by ext_id").fetchall() == before


def test_a_changed_row_is_replaced_and_stamped_with_a_later_batch(connection: DuckDBPyConnection, land) -> None:
    land({Change: [change(title="old"), change("2", title="other")]})
    first = scalar(connection, "select max(batch_id) from landing.changes")
    assert land({Change: [change(title="new"), change("2", title="other")]}) == Counts(read=2, updated=1, unchanged=1)
    assert titles(connection) == {"1": "new", "2": "other"}
    assert connection.execute("select ext_id from landing.changes where batch_id > ?", [first]).fetchall() == [("1",)]


def test_an_older_version_never_overwrites_a_newer_one(connection: DuckDBPyConnection, land) -> None:
    land({Change: [change(title="newer", updated_at=T0 + timedelta(hours=1))]})
    assert land({Change: [change(title="older", updated_at=T0)]}) == Counts(read=1, unchanged=1)
    assert titles(connection) == {"1": "newer"}
    assert land({Change: [change(title="same age", updated_at=T0 + timedelta(hours=1))]}).updated == 1


def test_of_a_key_that_comes_twice_in_a_page_the_newest_counts(connection: DuckDBPyConnection, land) -> None:
    twice = [
        change(title="newest", updated_at=T0 + timedelta(hours=2)),
        change(title="older", updated_at=T0),
        change("2", title="first"),
        change("2", title="last"),
    ]
    assert land({Change: twice}) == Counts(read=4, inserted=2, unchanged=2)
    assert titles(connection) == {"1": "newest", "2": "last"}


def test_the_same_key_in_two_sources_is_two_rows(connection: DuckDBPyConnection, land) -> None:
    land({Change: [change(title="a")]}, source="a")
    assert land({Change: [change(title="b")]}, source="b").inserted == 1
    assert connection.execute("select source, title from landing.changes order by all").fetchall() == [
        ("a", "a"),
        ("b", "b"),
    ]


def test_what_the_vendor_added_to_a_payload_is_kept_without_a_rebuild(connection, clock) -> None:
    def repository(payload: dict[str, Any]) -> Repository:
        return Repository(ext_id=payload["id"], name=payload["name"])

    loader = Loader(connection, "hub", {"repository": repository}, clock=clock)
    loader.write(ONE, Page({Repository: [{"id": "1", "name": "r"}]}))
    counts = loader.write(ONE, Page({Repository: [{"id": "1", "name": "r", "stars": 5}]}))
    assert counts == Counts(read=1, unchanged=1)
    assert first_row(connection, "select payload, batch_id from landing.repositories") == (
        '{"id":"1","name":"r","stars":5}',
        1,
    )


def test_a_big_page_is_merged_in_chunks_as_one(connection, land, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "CHUNK", 3)
    rows = [change(str(number)) for number in range(10)]
    assert land({Change: [*rows, change("0", title="again")]}) == Counts(read=11, inserted=10, updated=1)
    assert scalar(connection, "select count(distinct batch_id) from landing.changes") == 1


def test_text_with_a_null_character_and_every_plane_of_unicode_is_kept(connection, land) -> None:
    title = "a\0b – 😀 \u202e"
    assert land({Change: [change(title=title)]}).inserted == 1
    assert titles(connection) == {"1": title}


def test_a_page_is_kept_whole_or_not_at_all(connection: DuckDBPyConnection, clock) -> None:
    backwards = {Change: (T0, T0 - timedelta(days=1))}
    loader = Loader(connection, "files", clock=clock)
    with pytest.raises(ValueError, match=r"ends .* before it starts"):
        loader.write(ONE, Page({Change: [change(), {"ext_id": "2"}]}, cursor={"page": 2}, covers=backwards))
    assert titles(connection) == {}
    assert scalar(connection, "select count(*) from meta.quarantine") == 0
    assert warehouse.read_cursor(connection, "files", "one") is None
    assert loader.write(ONE, Page({Change: [change()]}, cursor={"page": 2})).inserted == 1


def test_cursor_and_coverage_are_committed_with_the_rows(connection: DuckDBPyConnection, land) -> None:
    land({Change: [change()]}, cursor={"after": "x", "n": [1]}, covers={Change: (T0, T0 + timedelta(days=1))})
    assert warehouse.read_cursor(connection, "files", "one") == {"after": "x", "n": [1]}
    land({Change: []})
    assert warehouse.read_cursor(connection, "files", "one") == {"after": "x", "n": [1]}, "a page without a cursor"
    land({}, cursor={"after": "y"})
    assert warehouse.read_cursor(connection, "files", "one") == {"after": "y"}
    covered = connection.execute("select stream, covered_from, covered_to from meta.coverage").fetchall()
    assert covered == [("changes", T0, T0 + timedelta(days=1))]


def test_counts_and_notes_of_all_pages_add_up_in_the_scopes_run(connection: DuckDBPyConnection, clock) -> None:
    warehouse.start_run(connection, "r1", "collect", clock())
    warehouse.start_scope(connection, "r1", "files", "one", "One", clock())
    loader = Loader(connection, "files", clock=clock, run_id="r1")
    loader.write(ONE, Page({Change: [change(), {"ext_id": "2"}]}, notes=("shallow",)))
    loader.write(ONE, Page({Change: [change(title="new"), change("3")]}, notes=("shallow", "slow")))
    warehouse.finish_scope(connection, "r1", "files", "one", "ok", None, clock())
    query = "select status, rows_read, rows_changed, rows_refused, notes, error from meta.scope_runs"
    assert first_row(connection, query) == ("ok", 4, 3, 1, ["shallow", "slow"], None)
    warehouse.finish_run(connection, "r1", "ok", clock())
    assert first_row(connection, "select status, finished_at from meta.runs") == ("ok", clock())


@pytest.mark.parametrize("record", [Change, Job, Incident])
def test_a_page_without_rows_is_nothing(land, record: type[Record]) -> None:
    assert land({record: []}) == Counts()


def test_pages_of_several_scopes_are_one_transaction_each_with_its_own_counts(connection, clock) -> None:
    def page(*names: str, **more: Any) -> Page:
        return Page({Change: [{"ext_id": name, "repository": "r"} for name in names]}, **more)

    loader = warehouse.Loader(connection, "files", clock=clock)
    start, end = clock() - timedelta(days=2), clock()
    loader.write(Scope("one", "one"), page("a"))
    counts = loader.write_all(
        [
            (Scope("one", "one"), page("a", "b", cursor={"at": 1})),
            (Scope("two", "two"), page("c", cursor={"at": 2}, covers={Change: (start, end)})),
            (Scope("one", "one"), page("b", "d", cursor={"at": 3}, covers={Change: (start, end)})),
        ]
    )
    assert [(one.read, one.inserted, one.unchanged) for one in counts] == [(2, 0, 2), (1, 1, 0), (2, 2, 0)]
    landed = connection.execute("select ext_id, scope, batch_id from landing.changes order by all").fetchall()
    assert landed == [("a", "one", 1), ("b", "one", 2), ("c", "two", 2), ("d", "one", 2)]
    cursors = connection.execute('select scope, "cursor"::varchar from meta.cursors order by scope').fetchall()
    assert cursors == [("one", '{"at": 3}'), ("two", '{"at": 2}')]
    covered = connection.execute("select scope, covered_from from meta.coverage order by scope").fetchall()
    assert covered == [("one", start), ("two", start)]


def test_rows_that_are_mapped_already_are_taken_as_they_are_and_not_mapped_again(connection, clock) -> None:
    def refusing(_payload: Any) -> Change:
        raise KeyError("pull")

    loader = Loader(connection, "files", {"change": refusing}, clock=clock)
    assert loader.write(ONE, Page({Change: [change()]})).refused == 1
    assert loader.write(ONE, Page({Change: [change()]}, is_mapped=True)).inserted == 1
    assert connection.execute("select payload from landing.changes").fetchall() == [(None,)]
    assert warehouse.replay(connection, "files", {"change": refusing}, clock=clock).deleted == 0
