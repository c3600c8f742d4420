"""Rows that could not become records, with their payload and the reason, until the same row loads well."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from dxmetrics.records import snake_name
from dxmetrics.warehouse.mapping import as_json
from dxmetrics.warehouse.sql import registered, scalar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from duckdb import DuckDBPyConnection

    from dxmetrics.records import Record
    from dxmetrics.warehouse.batches import Batch
    from dxmetrics.warehouse.mapping import Mapped

# The names vendors give the id of a row, most specific first. A payload with none of them is its own key.
ID_FIELDS = ("ext_id", "node_id", "id", "uuid", "gid", "sha", "key", "iid", "number", "name")


def row_key(payload: Mapping[str, Any], text: str) -> str:
    """What identifies a payload within its scope and record type, before any mapping; `text` is it as JSON."""
    for name in ID_FIELDS:
        value = payload.get(name) if hasattr(payload, "get") else None
        if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
            return f"{name}={value}".encode("utf-8", "replace").decode()
    return hashlib.sha256(text.encode()).hexdigest()


def has_rows(connection: DuckDBPyConnection, source: str) -> bool:
    """Whether any row of the source waits here; else there is nothing that loading well could drop."""
    return bool(scalar(connection, "select count(*) from meta.quarantine where source = ?", [source]))


def update(connection: DuckDBPyConnection, batch: Batch, record: type[Record], mapped: Mapped) -> None:
    """Add the refused rows of a page, counting those already there, and drop those that loaded well this time."""
    name = snake_name(record)
    place = [batch.source, batch.scope, name]
    waiting = scalar(
        connection, "select count(*) from meta.quarantine where source = ? and scope = ? and record = ?", place
    )
    if waiting and mapped.payloads:
        healed = [row_key(payload, as_json(payload)) for payload in mapped.payloads]
        connection.execute(
            """
            delete from meta.quarantine
            where source = ? and scope = ? and record = ? and row_key in (select unnest(?))
            """,
            [*place, healed],
        )
    if not mapped.refused:
        return
    texts = [as_json(one.payload) for one in mapped.refused]
    keys = [row_key(one.payload, text) for one, text in zip(mapped.refused, texts, strict=True)]
    reasons = [one.reason.encode("utf-8", "replace").decode() for one in mapped.refused]
    rows = pa.table({"row_key": keys, "payload": texts, "reason": reasons})
    with registered(connection, "refused_rows", rows):
        _count(connection, batch, name)


def _count(connection: DuckDBPyConnection, batch: Batch, name: str) -> None:
    connection.execute(
        """
        merge into meta.quarantine as kept
        using (
            select row_key, last(payload) as payload, last(reason) as reason, count(*) as occurrences
            from refused_rows
            group by row_key
        ) as refused
            on kept.source = $source and kept.scope = $scope and kept.record = $record
            and kept.row_key = refused.row_key
        when matched then update set
            payload = refused.payload, reason = refused.reason, last_seen_at = $now,
            occurrences = kept.occurrences + refused.occurrences
        when not matched then insert
            (source, scope, record, row_key, payload, reason, first_seen_at, last_seen_at, occurrences)
            values ($source, $scope, $record, refused.row_key, refused.payload, refused.reason, $now, $now,
                refused.occurrences)
        """,
        {"source": batch.source, "scope": batch.scope, "record": name, "now": batch.at},
    )
