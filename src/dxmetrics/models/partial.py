"""Rebuilding only the keys of a key-local model that a change can affect.

The model's own select runs, unchanged but for the names of its tables, over inputs restricted to the affected keys;
its rows replace those of these keys. Rows that came out as they were are no change for what reads the model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dxmetrics.models.delta import Change, columns_of, difference
from dxmetrics.models.nodes import CHANGED, Model, affecting
from dxmetrics.models.query import Parser
from dxmetrics.warehouse.sql import quoted, scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from duckdb import DuckDBPyConnection

    from dxmetrics.models.nodes import Node

FEW_ROWS = 1_000  # always worth it
LARGEST_SHARE = 0.2  # of the table's rows: beyond it a whole rebuild is faster

AFFECTED = "temp.affected_keys"


@dataclass(frozen=True)
class Done:
    """A partial rebuild; `change` is None where no row came out different."""

    change: Change | None


def rebuild(
    connection: DuckDBPyConnection,
    node: Node,
    changes: Sequence[Change],
    fill: Callable[[Node, Mapping[str, str], str], None],
) -> Done | None:
    """Rebuild the keys that `changes` affect; None where they cannot be told, or are too many."""
    sources = [_affected_by(connection, node, change) for change in changes]
    if not node.key or None in sources:
        return None
    union = " union all ".join(source for source in sources if source is not None)
    names = ", ".join(_part(number) for number in range(len(node.key)))
    connection.execute(
        f"create or replace temp table {AFFECTED} as select distinct * from ({union}) as found ({names})"
    )
    if scalar(connection, f"select count(*) from {AFFECTED}") == 0:
        return Done(None)
    if not _is_small(connection, node):
        return None
    restricted = _restrict(connection, node)
    fill(node, restricted, "temp.fresh_rows")
    done = Done(_replace(connection, node))
    for table in (*restricted.values(), "temp.fresh_rows", "temp.old_rows", "temp.old_places"):
        connection.execute(f"drop table {table}")
    return done


def _is_small(connection: DuckDBPyConnection, node: Node) -> bool:
    """Make `temp.old_rows` of the affected keys' rows if they are few enough for a partial rebuild to pay."""
    limit = max(FEW_ROWS, LARGEST_SHARE * scalar(connection, f"select count(*) from {node.name}"))
    if scalar(connection, f"select count(*) from {AFFECTED}") > limit:
        return False
    own = [quoted(name) for name in node.key]
    connection.execute(f"create or replace temp table temp.old_places as {_places(node.name, own)}")
    if scalar(connection, "select count(*) from temp.old_places") > limit:
        return False
    connection.execute(
        f"""
        create or replace temp table temp.old_rows as
        select * from {node.name} where rowid in (select place from temp.old_places)
        """
    )
    return True


def _affected_by(connection: DuckDBPyConnection, node: Node, change: Change) -> str | None:
    """A select of the keys a change affects; None where that cannot be told."""
    expressions = key_of(connection, node, change.table)
    if change.table not in node.affects and expressions is None:
        return None
    rows = change.delta()
    if rows is None:
        return None
    if change.table in node.affects:
        select = affecting(node, change.table, Parser()).reading({CHANGED: rows})
        return f"select * from ({select})"
    return f"select {', '.join(expressions or ())} from {rows}"


def key_of(connection: DuckDBPyConnection, node: Node, table: str) -> Sequence[str] | None:
    """The SQL expressions that give an input row's key: as declared, else its columns of the key's names; None where
    it has not all of them."""
    if table in node.keys:
        return node.keys[table]
    if table in node.affects:
        return None
    if "ext_id" in node.key and not table.startswith("landing."):
        return None  # a core table's `ext_id` names another kind of thing
    columns = columns_of(connection, table)
    return [quoted(name) for name in node.key] if all(name in columns for name in node.key) else None


def _restrict(connection: DuckDBPyConnection, node: Node) -> dict[str, str]:
    """Temporary copies of the rows of the affected keys, by the input they stand for."""
    restricted = {}
    for table in node.inputs:
        expressions = key_of(connection, node, table)
        if expressions is None:
            continue
        name = f"temp.restricted_{table.replace('.', '_')}"
        listed = _columns_read(connection, node, table)
        if _is_view(connection, table):
            rows = f"select {listed} from {table} as input semi join {AFFECTED} as affected on {_same(expressions)}"
        else:
            rows = f"select {listed} from {table} as input where rowid in ({_places(table, expressions)})"
        connection.execute(f"create or replace temp table {name} as {rows}")
        restricted[table] = name
    return restricted


def _places(table: str, expressions: Sequence[str]) -> str:
    """A select of the row ids of the affected keys' rows. It reads the key's columns only; fetching rows by their ids
    then costs a fraction of a join that carries all columns of all rows along."""
    return f"select input.rowid as place from {table} as input semi join {AFFECTED} as affected on {_same(expressions)}"


def _is_view(connection: DuckDBPyConnection, table: str) -> bool:
    query = "select count(*) from duckdb_views() where not internal and schema_name || '.' || view_name = ?"
    return bool(scalar(connection, query, [table]))


def _columns_read(connection: DuckDBPyConnection, node: Node, table: str) -> str:
    """What to copy of an input: payloads are wide, and most models leave them alone."""
    columns = read_columns(connection, node, table) or list(columns_of(connection, table))[:1]
    return ", ".join(f"input.{quoted(name)}" for name in columns)


def read_columns(connection: DuckDBPyConnection, node: Node, table: str) -> list[str]:
    """The columns of an input that the node can read."""
    columns = list(columns_of(connection, table))
    if isinstance(node, Model) and not node.query.has_star:
        return [name for name in columns if name.lower() in node.query.columns]
    return columns


def _same(expressions: Sequence[str]) -> str:
    """The condition that `expressions`, the parts of a key, are those of an affected key; null equals null."""
    return " and ".join(
        f"affected.{_part(number)} is not distinct from ({expression})" for number, expression in enumerate(expressions)
    )


def _part(number: int) -> str:
    """A name for a part of the key that no input's column has: expressions over the input stay unambiguous."""
    return f"affected_key_{number}"


def _replace(connection: DuckDBPyConnection, node: Node) -> Change | None:
    """Put the fresh rows in the place of the affected keys' old ones; None where they are the same."""
    columns = columns_of(connection, node.name)
    listed = ", ".join(map(quoted, columns))
    name = f"temp.delta_{node.name.replace('.', '_')}"
    if difference(connection, name, "temp.old_rows", "temp.fresh_rows", columns) == 0:
        return None
    connection.execute(f"delete from {node.name} where rowid in (select place from temp.old_places)")
    connection.execute(f"insert into {node.name} ({listed}) select {listed} from temp.fresh_rows")
    return Change(node.name, made=name)
