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
from dxmetrics.warehouse.batches import Batch, keep_replaced, next_batch_id
from dxmetrics.warehouse.connection import transaction
from dxmetrics.warehouse.mapping import as_json, map_rows, mapper_of
from dxmetrics.warehouse.schema import layout
from dxmetrics.warehouse.sql import quoted, registered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
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
    def is_mapped(self) -> bool: ...
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


@dataclass(frozen=True)
class _Part:
    """A page and the stamp its rows get; all pages of a transaction have one number."""

    batch: Batch
    page: PageLike


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
        return self.write_all([(scope, page)])[0]

    def write_all(self, pages: Sequence[tuple[ScopeLike, PageLike]]) -> list[Counts]:
        """Commit several pages in one transaction, in their order; the counts of each.

        A statement costs nearly the same for a few rows as for thousands: pages that wait are written together.
        """
        counts = [Counts() for _ in pages]
        with transaction(self.connection):
            number, now = next_batch_id(self.connection), self.clock()
            parts = [_Part(Batch(self.source, scope.id, number, now), page) for scope, page in pages]
            records = dict.fromkeys(record for _, page in pages for record in (*page.rows, *page.whole))
            has_waiting = quarantine.has_rows(self.connection, self.source)
            for record in records:
                for place, count in self._write_rows(record, parts, has_waiting=has_waiting):
                    counts[place] += count
            for place, part in enumerate(parts):
                if part.page.snapshot:
                    counts[place] += self._walk_on(part)
            self._write_state(parts, counts)
        log.debug("source=%s batch=%s pages=%d %s", self.source, number, len(pages), sum(counts, start=Counts()))
        return counts

    def _write_rows(
        self, record: type[Record], parts: Sequence[_Part], *, has_waiting: bool
    ) -> Iterator[tuple[int, Counts]]:
        """Merge the rows of one type that the pages have; the counts by the page's place."""
        shape = layout(record)
        made_by = mapper_of(record, self.mappers)
        ready: list[Rows] = []
        met: dict[int, list[pa.Table]] = {}
        refused: set[int] = set()
        for place, part in enumerate(parts):
            payloads = part.page.rows.get(record)
            if payloads is None:
                continue
            if part.page.snapshot:
                walks.visit(self.connection, part.batch, shape)
            mapper = None if part.page.is_mapped else made_by
            keeps = self.keeps_payloads and not part.page.is_mapped
            for start in range(0, len(payloads), CHUNK):
                mapped = map_rows(shape, payloads[start : start + CHUNK], mapper)
                texts = [as_json(one) for one in mapped.payloads] if keeps else None
                ready.append(Rows(place, part.batch, mapped.rows, texts))
                if sum(one.rows.num_rows for one in ready) >= CHUNK:
                    yield from merge(self.connection, shape, ready)
                    ready = []
                if mapped.refused:
                    refused.add(place)
                    yield place, Counts(refused=len(mapped.refused), read=len(mapped.refused))
                if has_waiting or mapped.refused:
                    quarantine.update(self.connection, part.batch, record, mapped)
                met.setdefault(place, []).append(mapped.rows.select(["ext_id"]))
                if part.page.snapshot:
                    walks.see(self.connection, part.batch, shape, mapped.rows, has_refused=bool(mapped.refused))
        yield from merge(self.connection, shape, ready)
        whole = [
            (place, part)
            for place, part in enumerate(parts)
            if record in part.page.whole and place not in refused  # a refused row may be one of those that are there
        ]
        if whole:
            stated = [part.page.whole[record] for _, part in whole]
            parents = [name for one in stated for name in one.of]
            present = [table for place, _ in whole for table in met.get(place, ())]
            gone = walks.prune(self.connection, whole[0][1].batch, shape, stated[0].parent, parents, present)
            yield whole[0][0], Counts(deleted=gone)

    def _walk_on(self, part: _Part) -> Counts:
        for record, names in part.page.present.items():
            walks.visit(self.connection, part.batch, layout(record))
            walks.meet(self.connection, part.batch, layout(record), names)
        return Counts(deleted=walks.finish(self.connection, part.batch)) if part.page.is_last else Counts()

    def _write_state(self, parts: Sequence[_Part], counts: Sequence[Counts]) -> None:
        covers = [
            (layout(record).table, part.batch.scope, *interval)
            for part in parts
            for record, interval in part.page.covers.items()
        ]
        state.cover_all(self.connection, self.source, covers)
        cursors = {part.batch.scope: part.page.cursor for part in parts if part.page.cursor is not None}
        state.write_cursors(self.connection, self.source, cursors, parts[0].batch.at)
        if self.run_id is not None:
            progress = [
                state.Progress(part.batch.scope, one.read, one.changed, one.refused, part.page.notes)
                for part, one in zip(parts, counts, strict=True)
            ]
            state.count_scopes(self.connection, self.run_id, self.source, progress)


@dataclass(frozen=True)
class Rows:
    """Rows to merge: of which page, with which stamp, and their payloads as JSON."""

    place: int
    batch: Batch
    rows: pa.Table
    payloads: Sequence[str] | None

    @property
    def table(self) -> pa.Table:
        """The rows with payload, place and scope beside them."""
        size = self.rows.num_rows
        texts = pa.nulls(size, pa.string()) if self.payloads is None else pa.array(self.payloads, pa.string())
        placed = self.rows.append_column("payload", texts)
        placed = placed.append_column("place", pa.array(np.full(size, self.place, np.int64)))
        return placed.append_column("scope", pa.array([self.batch.scope] * size, pa.string()))


def merge(
    connection: DuckDBPyConnection, shape: Layout, parts: Sequence[Rows], *, guards_age: bool = True
) -> Iterator[tuple[int, Counts]]:
    """Merge rows into the landing table: new ones in, changed ones over the old, deleted ones back, others untouched.

    Of a key that comes twice the newest counts; a row older than the one kept is skipped unless `guards_age` is off.
    Yields the counts by the parts' places.
    """
    parts = [part for part in parts if part.rows.num_rows]
    if not parts:
        return
    incoming = pa.concat_tables([part.table for part in parts])
    incoming = incoming.append_column("position", pa.array(np.arange(incoming.num_rows)))
    is_unique = pc.count_distinct(incoming["ext_id"]).as_py() == incoming.num_rows
    batch = parts[0].batch
    with registered(connection, "incoming_rows", incoming):
        connection.execute(_stage_sql(shape, guards_age=guards_age, is_unique=is_unique), {"source": batch.source})
    found = connection.execute("select place, merge_action, count(*) from temp.staged group by all").fetchall()
    actions = {action for _, action, _ in found}
    if actions & {"update", "refresh"}:
        _update(connection, batch, shape)
    if "insert" in actions:
        _insert(connection, batch, shape)
    connection.execute("drop table temp.staged")
    done = {(place, action): count for place, action, count in found}
    for place in dict.fromkeys(part.place for part in parts):
        read = sum(part.rows.num_rows for part in parts if part.place == place)
        inserted, updated = done.get((place, "insert"), 0), done.get((place, "update"), 0)
        yield place, Counts(read, inserted, updated, unchanged=read - inserted - updated)


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
            {names}, incoming.payload, incoming.content_hash, incoming.place, incoming.scope,
            target.rowid as target_row,
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
        set {sets}, scope = staged.scope, batch_id = ?, collected_at = ?, deleted_at = null
        from temp.staged as staged
        where target.rowid = staged.target_row and staged.merge_action = 'update'
        """,
        [batch.id, batch.at],
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
        select ?, {names}, scope, ?, ? from temp.staged where merge_action = 'insert'
        """,
        [batch.source, batch.id, batch.at],
    )
