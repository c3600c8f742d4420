"""What a warehouse remembers beside the rows: facts, cursors, coverage and runs. All in `meta`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dxmetrics.warehouse.sql import first_row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from duckdb import DuckDBPyConnection


def facts(connection: DuckDBPyConnection) -> dict[str, Any]:
    """Every fact by name: `schema_version`, `organisation`, `reporting_zone`, `is_sample`, `as_of` ..."""
    rows = connection.execute("select name, value::varchar from meta.facts").fetchall()
    return {name: json.loads(value) for name, value in rows}


def set_fact(connection: DuckDBPyConnection, name: str, value: Any) -> None:
    """Write one fact; nothing is written where it has that value already."""
    text = json.dumps(value)
    row = first_row(connection, "select value::varchar from meta.facts where name = ?", [name])
    if row is not None and row[0] == text:
        return
    connection.execute("delete from meta.facts where name = ?", [name])
    connection.execute("insert into meta.facts (name, value) values (?, ?::json)", [name, text])


def read_cursor(connection: DuckDBPyConnection, source: str, scope: str) -> dict[str, Any] | None:
    """The cursor of the last committed page of a scope; None where there is none."""
    row = first_row(
        connection, 'select "cursor"::varchar from meta.cursors where source = ? and scope = ?', [source, scope]
    )
    if row is None:
        return None
    cursor: dict[str, Any] = json.loads(row[0])
    return cursor


def write_cursor(
    connection: DuckDBPyConnection, source: str, scope: str, cursor: Mapping[str, Any], now: datetime
) -> None:
    """Keep `cursor` as the scope's; one row per scope."""
    connection.execute("delete from meta.cursors where source = ? and scope = ?", [source, scope])
    connection.execute(
        'insert into meta.cursors (source, scope, "cursor", updated_at) values (?, ?, ?::json, ?)',
        [source, scope, json.dumps(dict(cursor)), now],
    )


def cover(
    connection: DuckDBPyConnection, source: str, stream: str, scope: str, covered_from: datetime, covered_to: datetime
) -> None:
    """Add an interval in which nothing of a stream is missing; intervals that touch or overlap become one."""
    if covered_to < covered_from:
        raise ValueError(f"{source} {scope}: coverage of {stream} ends {covered_to} before it starts {covered_from}")
    key = [source, stream, scope]
    row = first_row(
        connection,
        """
        select least(?, min(coverage.covered_from)), greatest(?, max(coverage.covered_to))
        from meta.coverage as coverage
        where coverage.source = ? and coverage.stream = ? and coverage.scope = ?
            and coverage.covered_from <= ? and coverage.covered_to >= ?
        """,
        [covered_from, covered_to, *key, covered_to, covered_from],
    )
    low, high = row if row and row[0] is not None else (covered_from, covered_to)
    connection.execute(
        """
        delete from meta.coverage
        where source = ? and stream = ? and scope = ? and covered_from <= ? and covered_to >= ?
        """,
        [*key, covered_to, covered_from],
    )
    connection.execute(
        "insert into meta.coverage (source, stream, scope, covered_from, covered_to) values (?, ?, ?, ?, ?)",
        [*key, low, high],
    )


def start_run(connection: DuckDBPyConnection, run_id: str, command: str, now: datetime) -> None:
    """Begin a run in `meta.runs`; its status is `running` until `finish_run`."""
    connection.execute(
        "insert into meta.runs (run_id, started_at, status, command) values (?, ?, 'running', ?)",
        [run_id, now, command],
    )


def finish_run(connection: DuckDBPyConnection, run_id: str, status: str, now: datetime) -> None:
    """End a run with `ok` or `failed`."""
    connection.execute("update meta.runs set finished_at = ?, status = ? where run_id = ?", [now, status, run_id])


def start_scope(
    connection: DuckDBPyConnection, run_id: str, source: str, scope: str, title: str, now: datetime
) -> None:
    """Begin a scope of a run in `meta.scope_runs`; `Loader.write` adds its counts and notes."""
    connection.execute(
        """
        insert into meta.scope_runs
            (run_id, source, scope, title, started_at, status, rows_read, rows_changed, rows_refused, notes)
        values (?, ?, ?, ?, ?, 'running', 0, 0, 0, [])
        """,
        [run_id, source, scope, title, now],
    )


def finish_scope(
    connection: DuckDBPyConnection, run_id: str, source: str, scope: str, status: str, error: str | None, now: datetime
) -> None:
    """End a scope of a run with a status of `pipeline.ScopeResult`, and its error."""
    connection.execute(
        """
        update meta.scope_runs set finished_at = ?, status = ?, error = ?
        where run_id = ? and source = ? and scope = ?
        """,
        [now, status, error, run_id, source, scope],
    )


def count_scope(
    connection: DuckDBPyConnection,
    run_id: str,
    source: str,
    scope: str,
    *,
    read: int,
    changed: int,
    refused: int,
    notes: Sequence[str],
) -> None:
    """Add the counts of one page to the scope's run; a note already there is not repeated."""
    connection.execute(
        """
        update meta.scope_runs
        set rows_read = rows_read + ?, rows_changed = rows_changed + ?, rows_refused = rows_refused + ?,
            notes = list_concat(notes, list_filter(?::varchar[], lambda note: not list_contains(notes, note)))
        where run_id = ? and source = ? and scope = ?
        """,
        [read, changed, refused, list(notes), run_id, source, scope],
    )
