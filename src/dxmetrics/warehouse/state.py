"""What a warehouse remembers beside the rows: facts, cursors, coverage and runs. All in `meta`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from dxmetrics.warehouse.sql import first_row, registered

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


def write_cursors(
    connection: DuckDBPyConnection, source: str, cursors: Mapping[str, Mapping[str, Any]], now: datetime
) -> None:
    """Keep the cursors of scopes; one row per scope."""
    if not cursors:
        return
    texts = [json.dumps(dict(one)) for one in cursors.values()]
    fresh = pa.table({"scope": pa.array(list(cursors), pa.string()), "text": pa.array(texts, pa.string())})
    with registered(connection, "fresh_cursors", fresh):
        connection.execute(
            "delete from meta.cursors where source = ? and scope in (select scope from fresh_cursors)", [source]
        )
        connection.execute(
            'insert into meta.cursors (source, scope, "cursor", updated_at)'
            " select ?, scope, text::json, ? from fresh_cursors",
            [source, now],
        )


def cover_all(
    connection: DuckDBPyConnection, source: str, covers: Sequence[tuple[str, str, datetime, datetime]]
) -> None:
    """Add intervals in which nothing is missing, as (stream, scope, from, to); those that touch become one."""
    if not covers:
        return
    for stream, scope, covered_from, covered_to in covers:
        if covered_to < covered_from:
            raise ValueError(
                f"{source} {scope}: coverage of {stream} ends {covered_to} before it starts {covered_from}"
            )
    keys = {(stream, scope) for stream, scope, _, _ in covers}
    with registered(connection, "covered_keys", _table(["stream", "scope"], sorted(keys))):
        known = connection.execute(
            """
            select coverage.stream, coverage.scope, coverage.covered_from, coverage.covered_to
            from meta.coverage as coverage
            semi join covered_keys on coverage.stream = covered_keys.stream and coverage.scope = covered_keys.scope
            where coverage.source = ?
            """,
            [source],
        ).fetchall()
        connection.execute(
            """
            delete from meta.coverage as coverage
            using covered_keys
            where coverage.source = ? and coverage.stream = covered_keys.stream and coverage.scope = covered_keys.scope
            """,
            [source],
        )
    joined = _joined([*known, *covers])
    instant = pa.timestamp("us", tz="UTC")
    types: list[pa.DataType] = [pa.string(), pa.string(), instant, instant]
    with registered(connection, "joined", _table(["stream", "scope", "covered_from", "covered_to"], joined, types)):
        connection.execute(
            """
            insert into meta.coverage (source, stream, scope, covered_from, covered_to)
            select ?, stream, scope, covered_from, covered_to from joined
            """,
            [source],
        )


def _joined(covers: Sequence[tuple[str, str, datetime, datetime]]) -> list[tuple[str, str, datetime, datetime]]:
    """The intervals of each stream and scope, those that touch made one."""
    found: list[tuple[str, str, datetime, datetime]] = []
    for stream, scope, low, high in sorted(covers):
        if found and found[-1][:2] == (stream, scope) and low <= found[-1][3]:
            found[-1] = (stream, scope, found[-1][2], max(high, found[-1][3]))
        else:
            found.append((stream, scope, low, high))
    return found


def _table(
    names: Sequence[str], rows: Sequence[tuple[Any, ...]], types: Sequence[pa.DataType] | None = None
) -> pa.Table:
    kinds = types or [pa.string()] * len(names)
    columns = list(zip(*rows, strict=True)) or [() for _ in names]
    return pa.table([pa.array(column, kind) for column, kind in zip(columns, kinds, strict=True)], names=list(names))


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


class Progress(NamedTuple):
    """What one page added to a scope's run."""

    scope: str
    read: int
    changed: int
    refused: int
    notes: Sequence[str]


def count_scopes(connection: DuckDBPyConnection, run_id: str, source: str, progress: Sequence[Progress]) -> None:
    """Add the counts of pages to their scopes' runs; a note already there is not repeated."""
    kinds: list[pa.DataType] = [pa.string(), pa.int64(), pa.int64(), pa.int64(), pa.list_(pa.string())]
    rows = [(one.scope, one.read, one.changed, one.refused, list(one.notes)) for one in progress]
    with registered(connection, "page_counts", _table(Progress._fields, rows, kinds)):
        connection.execute(
            """
            update meta.scope_runs as runs
            set
                rows_read = runs.rows_read + added.read,
                rows_changed = runs.rows_changed + added.changed,
                rows_refused = runs.rows_refused + added.refused,
                notes = list_concat(
                    runs.notes, list_filter(added.notes, lambda note: not list_contains(runs.notes, note))
                )
            from (
                select
                    scope,
                    sum("read")::bigint as "read",
                    sum(changed)::bigint as changed,
                    sum(refused)::bigint as refused,
                    list_distinct(flatten(list(notes))) as notes
                from page_counts
                group by scope
            ) as added
            where runs.run_id = ? and runs.source = ? and runs.scope = added.scope
            """,
            [run_id, source],
        )
