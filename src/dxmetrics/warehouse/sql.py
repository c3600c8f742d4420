"""Small pieces of talking SQL to DuckDB that every module here needs."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import duckdb

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa
    from duckdb import DuckDBPyConnection


def quoted(name: str) -> str:
    """`name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """`text` as an SQL string, where no parameter can stand (DDL)."""
    return "'" + text.replace("'", "''") + "'"


def first_row(
    connection: DuckDBPyConnection, query: str, parameters: Sequence[Any] | Mapping[str, Any] = ()
) -> tuple[Any, ...] | None:
    """The first row of a query, None where it has none. The result is read to its end: DuckDB 2 refuses further work
    on a connection that has an unfinished one."""
    rows = connection.execute(query, parameters).fetchall()
    return rows[0] if rows else None


def scalar(connection: DuckDBPyConnection, query: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> Any:
    """The single value of a query that always returns one row, such as a count."""
    ((value,),) = connection.execute(query, parameters).fetchall()
    return value


@contextmanager
def registered(connection: DuckDBPyConnection, name: str, table: pa.Table) -> Iterator[None]:
    """`table` readable as `name` inside the block."""
    connection.register(name, table)
    try:
        yield
    except BaseException:
        # In an aborted transaction nothing can be done but to roll back, which forgets the name as well.
        with suppress(duckdb.TransactionException):
            connection.unregister(name)
        raise
    connection.unregister(name)
