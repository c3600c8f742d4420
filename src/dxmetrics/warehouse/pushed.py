"""What a warehouse remembers of rows that come by themselves: one lasting run, and what they are known until."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from dxmetrics.records import snake_name
from dxmetrics.warehouse.connection import transaction
from dxmetrics.warehouse.schema import layout
from dxmetrics.warehouse.sql import first_row, registered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from duckdb import DuckDBPyConnection

    from dxmetrics.records import Record

RUN = "inbox"  # the one row of `meta.runs` that stands for everything that was pushed


def note_pushes(connection: DuckDBPyConnection, source: str, scopes: Mapping[str, str], now: datetime) -> None:
    """Keep that something came for these scopes (titles by id), as of now; `Loader.write` adds to their counts."""
    titles = pa.table({"scope": pa.array(scopes, pa.string()), "title": pa.array(scopes.values(), pa.string())})
    told = {"run": RUN, "source": source, "now": now}
    with transaction(connection), registered(connection, "pushed_scopes", titles):
        connection.execute("delete from meta.runs where run_id = ?", [RUN])
        connection.execute(
            """
            insert into meta.runs (run_id, started_at, finished_at, status, command)
            values ($run, $now, $now, 'ok', 'pushes')
            """,
            {"run": RUN, "now": now},
        )
        connection.execute(
            """
            update meta.scope_runs set started_at = $now, finished_at = $now, status = 'ok', error = null
            where run_id = $run and source = $source and scope in (select scope from pushed_scopes)
            """,
            told,
        )
        connection.execute(
            """
            insert into meta.scope_runs
                (run_id, source, scope, title, started_at, finished_at, status, rows_read, rows_changed, rows_refused,
                notes)
            select $run, $source, pushed.scope, pushed.title, $now, $now, 'ok', 0, 0, 0, []
            from pushed_scopes as pushed
            anti join meta.scope_runs as known
                on known.run_id = $run and known.source = $source and pushed.scope = known.scope
            """,
            told,
        )


def known_until(connection: DuckDBPyConnection, sources: Sequence[str], now: datetime) -> bool:
    """All that was pushed is known until now: what did not come did not happen. False where nothing ever was."""
    with transaction(connection):
        connection.execute(
            "update meta.coverage set covered_to = $now where list_contains($sources, source) and covered_to < $now",
            {"now": now, "sources": list(sources)},
        )
        found = first_row(
            connection, "select 1 from meta.coverage where list_contains(?, source) limit 1", [list(sources)]
        )
    return found is not None


def payloads(
    connection: DuckDBPyConnection, source: str, record: type[Record], ext_ids: Sequence[str]
) -> dict[str, str]:
    """The payloads that are kept of these rows by `ext_id`, those in quarantine too; a row that is nowhere is absent.

    Their payloads have a field `ext_id`, which is what quarantine knows them by.
    """
    wanted = pa.table({"ext_id": pa.array(ext_ids, pa.string())})
    with registered(connection, "wanted_rows", wanted):
        rows = connection.execute(
            f"""
            select refused.row_key[8:], refused.payload
            from meta.quarantine as refused
            semi join wanted_rows on refused.row_key = 'ext_id=' || wanted_rows.ext_id
            where refused.source = $source and refused.record = $record
            union all
            select landed.ext_id, landed.payload
            from landing.{layout(record).table} as landed
            semi join wanted_rows on landed.ext_id = wanted_rows.ext_id
            where landed.source = $source and landed.payload is not null
            """,
            {"source": source, "record": snake_name(record)},
        ).fetchall()
    return dict(rows)


def forget_healed(connection: DuckDBPyConnection, source: str, records: Sequence[type[Record]]) -> None:
    """Drop from quarantine what has landed since, in whatever scope."""
    for record in records:
        connection.execute(
            f"""
            delete from meta.quarantine as refused
            using landing.{layout(record).table} as landed
            where
                refused.source = $source and refused.record = $record
                and landed.source = $source and refused.row_key = 'ext_id=' || landed.ext_id
            """,
            {"source": source, "record": snake_name(record)},
        )
