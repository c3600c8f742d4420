"""Snapshot walks: a walk that reads everything of a scope marks what it did not meet as deleted.

What a walk has met so far is kept in `meta`, so that a walk resumed after a crash still knows its first pages. A walk
that starts over may keep a vanished row alive until the next walk; it never deletes one that is there.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pyarrow as pa

from dxmetrics.records import by_table
from dxmetrics.warehouse.batches import keep_replaced
from dxmetrics.warehouse.schema import layout
from dxmetrics.warehouse.sql import quoted, registered, scalar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duckdb import DuckDBPyConnection

    from dxmetrics.warehouse.batches import Batch
    from dxmetrics.warehouse.schema import Layout

log = logging.getLogger("dxmetrics.warehouse")


def visit(connection: DuckDBPyConnection, batch: Batch, shape: Layout) -> None:
    """Note that the open walk of the scope reads this record type, even where it has no rows of it any more."""
    connection.execute(
        """
        insert into meta.walks (source, scope, table_name, has_refused)
        select ?, ?, ?, false
        where not exists (select 1 from meta.walks where source = ? and scope = ? and table_name = ?)
        """,
        [batch.source, batch.scope, shape.table] * 2,
    )


def see(connection: DuckDBPyConnection, batch: Batch, shape: Layout, rows: pa.Table, *, has_refused: bool) -> None:
    """Note the rows a page of the walk contained."""
    with registered(connection, "seen_rows", rows.select(["ext_id"])):
        connection.execute(
            "insert into meta.walk_seen (source, scope, table_name, ext_id) select ?, ?, ?, ext_id from seen_rows",
            [batch.source, batch.scope, shape.table],
        )
    if has_refused:
        connection.execute(
            "update meta.walks set has_refused = true where source = ? and scope = ? and table_name = ?",
            [batch.source, batch.scope, shape.table],
        )


def meet(connection: DuckDBPyConnection, batch: Batch, shape: Layout, names: Sequence[str]) -> None:
    """Note rows the walk met by their ids alone."""
    rows = pa.table({"ext_id": pa.array(names, pa.string())})
    see(connection, batch, shape, rows, has_refused=False)


def prune(
    connection: DuckDBPyConnection,
    batch: Batch,
    shape: Layout,
    parent: str,
    of: Sequence[str],
    present: Sequence[pa.Table],
) -> int:
    """Mark the source's rows deleted whose column `parent` is among `of` and whose id is not `present`; their number.

    For rows that belong to another row and come with it, such as the commits of a request.
    """
    parents = pa.table({"name": pa.array(of, pa.string())})
    kept = pa.concat_tables([pa.table({"ext_id": pa.array([], pa.string())}), *present])
    with registered(connection, "whole_parents", parents), registered(connection, "whole_rows", kept):
        connection.execute(
            f"""
            create or replace temp table pruned as
            select target.rowid as place
            from landing.{shape.table} as target
            semi join whole_parents on target.{quoted(parent)} = whole_parents.name
            anti join whole_rows on target.ext_id = whole_rows.ext_id
            where target.source = ? and target.deleted_at is null
            """,
            [batch.source],
        )
    gone: int = scalar(connection, "select count(*) from temp.pruned")
    if gone:
        where = "rowid in (select place from temp.pruned)"
        keep_replaced(connection, batch, shape, where)
        connection.execute(
            f"update landing.{shape.table} set deleted_at = ?, batch_id = ? where {where}", [batch.at, batch.id]
        )
    connection.execute("drop table temp.pruned")
    return gone


def finish(connection: DuckDBPyConnection, batch: Batch) -> int:
    """End the scope's walk: mark what it did not contain, of the record types it read; the number of rows marked.

    A type of which the walk had a row that could not be read keeps all its rows: it may be one of them.
    """
    deleted = 0
    walked = connection.execute(
        "select table_name, has_refused from meta.walks where source = ? and scope = ? order by table_name",
        [batch.source, batch.scope],
    ).fetchall()
    for table, has_refused in walked:
        if has_refused:
            log.warning("source=%s scope=%s table=%s deletions=skipped, as a row was refused", *_of(batch), table)
            continue
        gone = f"""
            rowid in (
                select target.rowid
                from landing.{table} as target
                anti join meta.walk_seen as seen
                    on seen.source = target.source and seen.scope = target.scope and seen.ext_id = target.ext_id
                    and seen.table_name = '{table}'
                where target.source = getvariable('walk_source') and target.scope = getvariable('walk_scope')
                    and target.deleted_at is null
            )
        """
        connection.execute("set variable walk_source = ?", [batch.source])
        connection.execute("set variable walk_scope = ?", [batch.scope])
        keep_replaced(connection, batch, layout(by_table(table)), gone)
        deleted += scalar(
            connection,
            f"update landing.{table} set deleted_at = ?, batch_id = ? where {gone}",
            [batch.at, batch.id],
        )
    for name in ("walks", "walk_seen"):
        connection.execute(f"delete from meta.{name} where source = ? and scope = ?", _of(batch))
    return deleted


def _of(batch: Batch) -> list[str]:
    return [batch.source, batch.scope]
