"""The tables of a warehouse: `landing` and `replaced` derived from the records, `meta` listed here.

`landing.<table>` keeps the newest version of every row. `replaced.<table>` keeps the versions that were overwritten
since the last build, so that a build knows which keys a row belonged to before; the build empties it.
"""

from __future__ import annotations

import types
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache, cached_property
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

import pyarrow as pa
from pydantic import AwareDatetime

from dxmetrics.errors import WarehouseError
from dxmetrics.records import LANDED, Record, table_name
from dxmetrics.warehouse.sql import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from duckdb import DuckDBPyConnection

SCHEMA_VERSION = 1
SCHEMAS = ("landing", "replaced", "core", "standards", "metrics", "meta", "survey")

_SCALARS: dict[Any, str] = {
    bool: "boolean",
    int: "bigint",
    float: "double",
    str: "varchar",
    datetime: "timestamp with time zone",
    AwareDatetime: "timestamp with time zone",
    date: "date",
    Decimal: "decimal(18,6)",
}
_ARROW: dict[str, pa.DataType] = {
    "boolean": pa.bool_(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "varchar": pa.string(),
    "json": pa.string(),
    "timestamp with time zone": pa.timestamp("us", tz="UTC"),
    "date": pa.date32(),
    "decimal(18,6)": pa.decimal128(18, 6),
    "varchar[]": pa.list_(pa.string()),
}

META: dict[str, dict[str, str]] = {
    "facts": {"name": "varchar", "value": "json"},
    "cursors": {
        "source": "varchar", "scope": "varchar", "cursor": "json", "updated_at": "timestamp with time zone",
    },
    "coverage": {
        "source": "varchar", "stream": "varchar", "scope": "varchar", "covered_from": "timestamp with time zone",
        "covered_to": "timestamp with time zone",
    },
    "quarantine": {
        "source": "varchar", "scope": "varchar", "record": "varchar", "row_key": "varchar", "payload": "varchar",
        "reason": "varchar", "first_seen_at": "timestamp with time zone", "last_seen_at": "timestamp with time zone",
        "occurrences": "bigint",
    },
    "walks": {"source": "varchar", "scope": "varchar", "table_name": "varchar", "has_refused": "boolean"},
    "walk_seen": {"source": "varchar", "scope": "varchar", "table_name": "varchar", "ext_id": "varchar"},
    "scope_runs": {
        "run_id": "varchar", "source": "varchar", "scope": "varchar", "title": "varchar",
        "started_at": "timestamp with time zone", "finished_at": "timestamp with time zone", "status": "varchar",
        "rows_read": "bigint", "rows_changed": "bigint", "rows_refused": "bigint", "error": "varchar",
        "notes": "varchar[]",
    },
    "missing_scopes": {
        "source": "varchar", "scope": "varchar", "misses": "bigint", "first_missed_at": "timestamp with time zone",
    },
    "runs": {
        "run_id": "varchar", "started_at": "timestamp with time zone", "finished_at": "timestamp with time zone",
        "status": "varchar", "command": "varchar",
    },
    "models": {
        "name": "varchar", "kind": "varchar", "fingerprint": "varchar", "built_at": "timestamp with time zone",
        "mode": "varchar", "rows": "bigint", "seconds": "double", "header": "json", "sql": "varchar",
    },
    "inputs": {"name": "varchar", "rows": "bigint", "last_batch_id": "bigint", "fingerprint": "varchar"},
    "check_results": {
        "name": "varchar", "title": "varchar", "severity": "varchar", "remedy": "varchar",
        "checked_at": "timestamp with time zone", "failures": "bigint", "sample": "json",
    },
}  # fmt: skip

# Results of surveys that stand, with what must not be shown left out: `document` is the whole of them.
SURVEY: dict[str, dict[str, str]] = {
    "waves": {"survey": "varchar", "wave": "varchar", "closed_on": "date", "document": "json"},
    "cells": {
        "survey": "varchar", "wave": "varchar", "closed_on": "date", "measure": "varchar", "cut": "varchar",
        "key": "varchar", "is_shown": "boolean", "n": "varchar", "value": "bigint", "low": "bigint", "high": "bigint",
    },
}  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """The columns of one record in SQL and in Arrow, in declared order."""

    record: type[Record]
    table: str
    columns: Mapping[str, str]

    @property
    def landing(self) -> dict[str, str]:
        """Columns of `landing.<table>` with their SQL types."""
        return {
            "source": "varchar",
            **self.columns,
            "scope": "varchar",
            "payload": "varchar",
            "content_hash": "ubigint",
            "batch_id": "bigint",
            "collected_at": "timestamp with time zone",
            "deleted_at": "timestamp with time zone",
        }

    @property
    def replaced(self) -> dict[str, str]:
        """Columns of `replaced.<table>`: the old row, and the batch that overwrote it."""
        kept = {name: kind for name, kind in self.landing.items() if name != "payload"}
        return {**kept, "replaced_by_batch_id": "bigint"}

    @cached_property
    def arrow(self) -> pa.Schema:
        """The Arrow schema of the record's own columns."""
        return pa.schema([(name, _ARROW[kind]) for name, kind in self.columns.items()])

    @property
    def content_hash(self) -> str:
        """The SQL expression of a row's content hash."""
        return f"hash({', '.join(quoted(name) for name in self.columns)})"


@cache
def layout(record: type[Record]) -> Layout:
    """The layout of `record`'s tables."""
    columns = {name: _sql_type(field.annotation) for name, field in record.model_fields.items()}
    return Layout(record, table_name(record), columns)


def create(connection: DuckDBPyConnection) -> None:
    """Make every schema, table and sequence that is missing, and add columns this program knows and the file lacks."""
    for schema in SCHEMAS:
        connection.execute(f"create schema if not exists {schema}")
    connection.execute("create sequence if not exists meta.batch_ids")
    present = _present(connection)
    for name, columns in META.items():
        _ensure(connection, f"meta.{name}", columns, present)
    for name, columns in SURVEY.items():
        _ensure(connection, f"survey.{name}", columns, present)
    for record in LANDED:
        shape = layout(record)
        added = _ensure(connection, f"landing.{shape.table}", shape.landing, present)
        _ensure(connection, f"replaced.{shape.table}", shape.replaced, present)
        if added:
            rehash(connection, shape)


def rehash(connection: DuckDBPyConnection, shape: Layout) -> None:
    """Compute the content hashes of a landing table anew, as its columns or DuckDB's hash function changed."""
    connection.execute(f"update landing.{shape.table} set content_hash = {shape.content_hash}")


def _present(connection: DuckDBPyConnection) -> dict[str, dict[str, str]]:
    rows = connection.execute(
        """
        select table_schema || '.' || table_name, column_name, lower(data_type)
        from information_schema.columns
        where table_catalog = current_database() and table_schema in ('landing', 'replaced', 'meta', 'survey')
        """
    ).fetchall()
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in rows:
        found.setdefault(table, {})[column] = kind
    return found


def _ensure(
    connection: DuckDBPyConnection,
    table: str,
    columns: Mapping[str, str],
    present: Mapping[str, Mapping[str, str]],
) -> bool:
    """Make `table` have `columns`; True where a column was added to a table that existed."""
    if table not in present:
        ddl = ", ".join(f"{quoted(name)} {kind}" for name, kind in columns.items())
        connection.execute(f"create table {table} ({ddl})")
        return False
    added = False
    for name, kind in columns.items():
        found = present[table].get(name)
        if found is None:
            connection.execute(f"alter table {table} add column {quoted(name)} {kind}")
            added = True
        elif found != kind:
            raise WarehouseError(
                f"warehouse: column {table}.{name} is {found}, this version of dxmetrics needs {kind}: "
                "move dx.duckdb away and collect again"
            )
    return added


def _sql_type(annotation: Any) -> str:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _sql_type(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        (inner,) = (part for part in get_args(annotation) if part is not types.NoneType)
        return _sql_type(inner)
    if origin is Literal:
        return "varchar"
    if origin is tuple and get_args(annotation)[0] is str:
        return "varchar[]"
    return _SCALARS.get(annotation, "json")
