"""Batches: every transaction that changes rows has a number, later ones a greater one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dxmetrics.warehouse.sql import quoted, scalar

if TYPE_CHECKING:
    from datetime import datetime

    from duckdb import DuckDBPyConnection

    from dxmetrics.warehouse.schema import Layout


@dataclass(frozen=True)
class Batch:
    """The stamp on every row that one transaction changes."""

    source: str
    scope: str
    id: int
    at: datetime


def next_batch_id(connection: DuckDBPyConnection) -> int:
    """The number of a new transaction, greater than every one before."""
    number: int = scalar(connection, "select nextval('meta.batch_ids')")
    return number


def keep_replaced(connection: DuckDBPyConnection, batch: Batch, shape: Layout, where: str) -> None:
    """Copy the rows of a landing table that this batch is about to change to `replaced`."""
    names = ", ".join(quoted(name) for name in shape.replaced if name != "replaced_by_batch_id")
    connection.execute(
        f"""
        insert into replaced.{shape.table} ({names}, replaced_by_batch_id)
        select {names}, {batch.id} from landing.{shape.table} where {where}
        """
    )
