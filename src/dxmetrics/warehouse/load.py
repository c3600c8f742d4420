"""Committing pages: payloads become rows of `landing`, merged by `(source, ext_id)`.

Rows, deletions, cursor, coverage, notes and quarantine of one page are one transaction: after a crash the warehouse
holds the page whole or not at all, and committing it again changes nothing.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dxmetrics.warehouse import quarantine, state, walks
from dxmetrics.warehouse.batches import Batch, keep_replaced, next_batch
from dxmetrics.warehouse.connection import transaction
from dxmetrics.warehouse.mapping import as_json, map_rows, mapper_of
from dxmetrics.warehouse.schema import layout
from dxmetrics.warehouse.sql import quoted, registered

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from types import ModuleType

    from duckdb import DuckDBPyConnection

    from dxmetrics.records import Record
    from dxmetrics.warehouse.mapping import Mapper, Payload
    from dxmetrics.warehouse.schema import Layout

CHUNK = 50_000  # rows merged at a time: what bounds the memory of a big page

log = logging.getLogger("dxmetrics.warehouse")


class ScopeLike(Protocol):
    """What a page belongs to (`collectors.Scope`)."""

    @property
    def id(self) -> str: ...


class PageLike(Protocol):
    """What is committed at once (`collectors.Page`, where the fields are described)."""

    @property
    def rows(self) -> Mapping[type[Record], Sequence[Payload]]: ...
    @property
    def cursor(self) -> Mapping[str, Any] | None: ...
    @property
    def covers(self) -> Mapping[type[Record], tuple[datetime, datetime]]: ...
    @property
    def snapshot(self) -> bool: ...
    @property
    def is_last(self) -> bool: ...
    @property
    def present(self) -> Mapping[type[Record], Sequence[str]]: ...
    @property
    def whole(self) -> Mapping[type[Record], WholeLike]: ...
    @property
    def notes(self) -> tuple[str, ...]: ...


class WholeLike(Protocol):
    """Which parents' rows a page holds all of (`collectors.Whole`)."""

    @property
    def parent(self) -> str: ...
    @property
    def of(self) -> Sequence[str]: ...


@dataclass(frozen=True)
class Counts:
    """What became of the payloads of a page. `unchanged` includes repeated and outdated ones."""

    read: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    deleted: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

    @property
    def changed(self) -> int:
        """Rows of `landing` that are different now."""
        return self.inserted + self.updated + self.deleted


class Loader:
    """Writes the pages of one source. A `(source, ext_id)` belongs to the scope that wrote it last."""

    def __init__(
        self,
        connection: DuckDBPyConnection,
        source: str,
        mappers: ModuleType | Mapping[str, Mapper] | None = None,
        *,
        clock: Callable[[], datetime],
        keeps_payloads: bool = True,
        run_id: str | None = None,
    ) -> None:
        self.connection = connection
        self.source = source
        self.mappers = mappers
        self.clock = clock
        self.keeps_payloads = keeps_payloads
        self.run_id = run_id

    def write(self, scope: ScopeLike, page: PageLike) -> Counts:
        """Commit `page` in one transaction; counts of its payloads by what became of them."""
        with transaction(self.connection):
            batch = next_batch(self.connection, self.source, scope.id, self.clock())
            counts = Counts()
            for record in dict.fromkeys((*page.rows, *page.whole)):
                counts += self._write_rows(batch, record, page.rows.get(record, ()), page)
            if page.snapshot:
                for record, names in page.present.items():
                    walks.visit(self.connection, batch, layout(record))
                    walks.meet(self.connection, batch, layout(record), names)
            if page.snapshot and page.is_last:
                counts += Counts(deleted=walks.finish(self.connection, batch))
            self._write_state(batch, page, counts)
        log.debug("source=%s scope=%s batch=%s %s", self.source, scope.id, batch.id, counts)
        return counts

    def _write_rows(self, batch: Batch, record: type[Record], payloads: Sequence[Payload], page: PageLike) -> Counts:
        shape = layout(record)
        mapper = mapper_of(record, self.mappers)
        counts = Counts()
        met: list[pa.Table] = []
        if page.snapshot:
            walks.visit(self.connection, batch, shape)
        for start in range(0, len(payloads), CHUNK):
            mapped = map_rows(shape, payloads[start : start + CHUNK], mapper)
            texts = [as_json(one) for one in mapped.payloads] if self.keeps_payloads else None
            counts += merge(self.connection, batch, shape, mapped.rows, texts)
            counts += Counts(refused=len(mapped.refused), read=len(mapped.refused))
            quarantine.update(self.connection, batch, record, mapped)
            met.append(mapped.rows.select(["ext_id"]))
            if page.snapshot:
                walks.see(self.connection, batch, shape, mapped.rows, has_refused=bool(mapped.refused))
        if (whole := page.whole.get(record)) and not counts.refused:  # a refused row may be one of those that are there
            counts += Counts(deleted=walks.prune(self.connection, batch, shape, whole.parent, whole.of, met))
        return counts

    def _write_state(self, batch: Batch, page: PageLike, counts: Counts) -> None:
        for record, (covered_from, covered_to) in page.covers.items():
            stream = layout(record).table
            state.cover(self.connection, batch.source, stream, batch.scope, covered_from, covered_to)
        if page.cursor is not None:
            state.write_cursor(self.connection, batch.source, batch.scope, page.cursor, batch.at)
        if self.run_id is not None:
            state.count_scope(
                self.connection,
                self.run_id,
                batch.source,
                batch.scope,
                read=counts.read,
                changed=counts.changed,
                refused=counts.refused,
                notes=page.notes,
            )


def merge(
    connection: DuckDBPyConnection,
    batch: Batch,
    shape: Layout,
    rows: pa.Table,
    payloads: Sequence[str] | None,
    *,
    guards_age: bool = True,
) -> Counts:
    """Merge rows into the landing table: new ones in, changed ones over the old, deleted ones back, others untouched.

    Of a key that comes twice the newest counts; a row older than the one kept is skipped unless `guards_age` is off.
    """
    if rows.num_rows == 0:
        return Counts()
    texts = pa.nulls(rows.num_rows, pa.string()) if payloads is None else pa.array(payloads, pa.string())
    places = pa.array(np.arange(rows.num_rows))
    incoming = rows.append_column("payload", texts).append_column("position", places)
    is_unique = pc.count_distinct(rows["ext_id"]).as_py() == rows.num_rows
    with registered(connection, "incoming_rows", incoming):
        connection.execute(_stage_sql(shape, guards_age=guards_age, is_unique=is_unique), {"source": batch.source})
    found = connection.execute("select merge_action, count(*) from temp.staged group by merge_action").fetchall()
    actions: dict[str, int] = dict(found)
    if actions.get("update") or actions.get("refresh"):
        _update(connection, batch, shape)
    if actions.get("insert"):
        _insert(connection, batch, shape)
    connection.execute("drop table temp.staged")
    inserted, updated = actions.get("insert", 0), actions.get("update", 0)
    return Counts(rows.num_rows, inserted, updated, unchanged=rows.num_rows - inserted - updated)


def _stage_sql(shape: Layout, *, guards_age: bool, is_unique: bool) -> str:
    names = ", ".join(f"incoming.{quoted(name)}" for name in shape.columns)
    newest = 'qualify row_number() over (partition by ext_id order by updated_at desc nulls last, "position" desc) = 1'
    older = "incoming.updated_at < target.updated_at" if guards_age else "false"
    return f"""
        create or replace temp table staged as
        with incoming as (
            select incoming_rows.*, {shape.content_hash} as content_hash
            from incoming_rows
            {"" if is_unique else newest}
        )
        select
            {names}, incoming.payload, incoming.content_hash, target.rowid as target_row,
            case
                when target.rowid is null then 'insert'
                when target.deleted_at is not null then 'update'
                when {older} then 'skip'
                when target.content_hash <> incoming.content_hash then 'update'
                when incoming.payload is distinct from target.payload then 'refresh'
                else 'skip'
            end as merge_action
        from incoming
        left join landing.{shape.table} as target
            on target.source = $source and target.ext_id = incoming.ext_id
    """


def _update(connection: DuckDBPyConnection, batch: Batch, shape: Layout) -> None:
    rows = "rowid in (select target_row from temp.staged where merge_action = 'update')"
    keep_replaced(connection, batch, shape, rows)
    sets = ", ".join(f"{quoted(name)} = staged.{quoted(name)}" for name in (*shape.columns, "payload", "content_hash"))
    connection.execute(
        f"""
        update landing.{shape.table} as target
        set {sets}, scope = ?, batch_id = ?, collected_at = ?, deleted_at = null
        from temp.staged as staged
        where target.rowid = staged.target_row and staged.merge_action = 'update'
        """,
        [batch.scope, batch.id, batch.at],
    )
    # The vendor added something that no column holds: kept for a later mapping, and nothing is rebuilt for it.
    connection.execute(
        f"""
        update landing.{shape.table} as target set payload = staged.payload
        from temp.staged as staged
        where target.rowid = staged.target_row and staged.merge_action = 'refresh'
        """
    )


def _insert(connection: DuckDBPyConnection, batch: Batch, shape: Layout) -> None:
    names = ", ".join(quoted(name) for name in (*shape.columns, "payload", "content_hash"))
    connection.execute(
        f"""
        insert into landing.{shape.table} (source, {names}, scope, batch_id, collected_at)
        select ?, {names}, ?, ?, ? from temp.staged where merge_action = 'insert'
        """,
        [batch.source, batch.scope, batch.id, batch.at],
    )
