"""Mapping kept payloads again, after a mapping function was mended: what was collected once is never fetched twice."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow as pa

from dxmetrics.records import LANDED, snake_name
from dxmetrics.warehouse import load, quarantine
from dxmetrics.warehouse.batches import Batch, keep_replaced, next_batch_id
from dxmetrics.warehouse.connection import transaction
from dxmetrics.warehouse.load import Counts, Rows, merge
from dxmetrics.warehouse.mapping import as_json, map_rows, mapper_of
from dxmetrics.warehouse.schema import layout
from dxmetrics.warehouse.sql import literal, registered, scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime
    from types import ModuleType

    from duckdb import DuckDBPyConnection

    from dxmetrics.records import Record
    from dxmetrics.warehouse.mapping import Mapper


def replay(
    connection: DuckDBPyConnection,
    source: str,
    mappers: ModuleType | Mapping[str, Mapper] | None,
    *,
    clock: Callable[[], datetime],
) -> Counts:
    """Map every kept payload of `source` again, those in quarantine too, in one transaction; what became of them.

    A row whose payload is refused now stays as it is, and the payload is in quarantine. A row that gets another key is
    marked deleted under its old one. The age of rows is not compared: what an older mapping made of `updated_at` may be
    the very mistake.
    """
    counts = Counts()
    with transaction(connection):
        for record in LANDED:
            for scope in _scopes(connection, source, record):
                batch = Batch(source, scope, next_batch_id(connection), clock())
                counts += _replay_scope(connection, batch, record, mapper_of(record, mappers))
    return counts


def _scopes(connection: DuckDBPyConnection, source: str, record: type[Record]) -> list[str]:
    rows = connection.execute(
        f"""
        select scope from landing.{layout(record).table} where source = $source and payload is not null
        union
        select scope from meta.quarantine where source = $source and record = $record
        order by scope
        """,
        {"source": source, "record": snake_name(record)},
    ).fetchall()
    return [scope for (scope,) in rows]


def _replay_scope(connection: DuckDBPyConnection, batch: Batch, record: type[Record], mapper: Mapper | None) -> Counts:
    shape = layout(record)
    connection.execute("create or replace temp table replayed (ext_id varchar)")
    counts = Counts()
    for names, texts in _kept(connection, batch, record):
        payloads = [json.loads(text) for text in texts]
        mapped = map_rows(shape, payloads, mapper)
        rows = mapped.rows
        part = Rows(0, batch, rows, list(map(as_json, mapped.payloads)))
        counts += sum((count for _, count in merge(connection, shape, [part], guards_age=False)), start=Counts())
        counts += Counts(read=len(mapped.refused), refused=len(mapped.refused))
        quarantine.update(connection, batch, record, mapped)
        refused = {id(one.payload) for one in mapped.refused}
        stay = [name for name, payload in zip(names, payloads, strict=True) if id(payload) in refused and name]
        met = pa.table({"ext_id": pa.array([*rows["ext_id"].to_pylist(), *stay], pa.string())})
        with registered(connection, "met", met):
            connection.execute("insert into temp.replayed select ext_id from met")
    gone = f"""
        source = {literal(batch.source)} and scope = {literal(batch.scope)} and payload is not null
        and deleted_at is null and ext_id not in (select ext_id from temp.replayed)
    """
    keep_replaced(connection, batch, shape, gone)
    deleted = scalar(
        connection,
        f"update landing.{shape.table} set deleted_at = ?, batch_id = ? where {gone}",
        [batch.at, batch.id],
    )
    connection.execute("drop table temp.replayed")
    return counts + Counts(deleted=deleted)


def _kept(
    connection: DuckDBPyConnection, batch: Batch, record: type[Record]
) -> Iterator[tuple[Sequence[str | None], Sequence[str]]]:
    """Keys and payloads of a scope's live rows, chunk by chunk, and then the payloads in quarantine, without keys."""
    table = f"landing.{layout(record).table}"
    place = [batch.source, batch.scope]
    # An update gives a row a new rowid, beyond the last one there is now: each row is met once.
    last = scalar(connection, f"select coalesce(max(rowid), -1) from {table}")
    after = -1
    waiting = connection.execute(
        "select payload from meta.quarantine where source = ? and scope = ? and record = ?",
        [*place, snake_name(record)],
    ).fetchall()
    while True:
        rows = connection.execute(
            f"""
            select rowid, ext_id, payload from {table}
            where rowid > ? and rowid <= ? and source = ? and scope = ? and payload is not null
                and deleted_at is null
            order by rowid
            limit {load.CHUNK}
            """,
            [after, last, *place],
        ).fetchall()
        if not rows:
            break
        after = rows[-1][0]
        yield [row[1] for row in rows], [row[2] for row in rows]
    if waiting:
        yield [None] * len(waiting), [text for (text,) in waiting]
