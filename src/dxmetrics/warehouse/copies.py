"""A copy of what is collected of one source, to be built under other rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dxmetrics.records import LANDED, Commit
from dxmetrics.warehouse.connection import open_writer, transaction
from dxmetrics.warehouse.schema import META, layout
from dxmetrics.warehouse.sql import literal, quoted, scalar
from dxmetrics.warehouse.state import set_fact

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

COPIED_META = ("coverage", "scope_runs")


def copy_source(publication: Path, data: Path, source: str, now: datetime) -> int:
    """Make a warehouse in `data` with the rows that a publication has of `source`, its commits left out; how many."""
    connection = open_writer(data)
    try:
        connection.execute(f"attach {literal(str(publication))} as published (read_only)")
        copied = 0
        with transaction(connection):
            for record in LANDED:
                shape = layout(record)
                names = ", ".join(quoted(name) for name in shape.landing if name != "payload")
                if record is not Commit:  # many, and no rule asks for them
                    copied += scalar(
                        connection,
                        f"insert into landing.{shape.table} ({names})"
                        f" select {names} from published.landing.{shape.table} where source = ?",
                        [source],
                    )
            for table in COPIED_META:
                names = ", ".join(map(quoted, META[table]))
                connection.execute(
                    f"insert into meta.{table} ({names}) select {names} from published.meta.{table} where source = ?",
                    [source],
                )
            set_fact(connection, "as_of", now.isoformat())
        connection.execute("detach published")
    finally:
        connection.close()
    return copied
