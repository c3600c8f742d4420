"""What changed since the last build: per input table whether, and as far as it can be told, which rows.

A delta is a temporary table with the old and the new version of every changed row, told apart by `delta_side`: -1 and
1. For a landing table it is made of
the rows stamped with a later batch and of `replaced.<table>`. Whether that is the whole story is checked: the rows a
delta leaves out must have the fingerprint the table had; where someone edited it by hand, the change has no delta and
all that reads it is built whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dxmetrics.records import by_table
from dxmetrics.warehouse.publish import OWN_FACTS
from dxmetrics.warehouse.schema import layout
from dxmetrics.warehouse.sql import first_row, literal, quoted, scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from duckdb import DuckDBPyConnection

SIDE = "delta_side"
UNTRACED = "payload"  # the one column of landing tables that deltas leave out: it is wide, and hardly read

_PRINT = "count(*), coalesce(bit_xor(hash(content_hash, batch_id)), 0)::varchar"


@dataclass
class Change:
    """A table that is not as it was at the last build; `make` gives its delta's name, None: only the whole is known."""

    table: str
    make: Callable[[], str] | None = None
    made: str | None = None

    def delta(self) -> str | None:
        """The temporary table with the changed rows, made on first use."""
        if self.made is None and self.make is not None:
            self.made = self.make()
        return self.made

    def differs_in(self, connection: DuckDBPyConnection, columns: Sequence[str]) -> bool:
        """Whether the rows differ in these columns; true where it is not known which rows are changed."""
        rows = self.delta()
        if rows is None or UNTRACED in columns:
            return True
        seen = f"hash({', '.join(map(quoted, columns))})" if columns else "0"
        found = connection.execute(
            f"select 1 from (select {seen} as seen, {SIDE} from {rows}) group by seen having sum({SIDE}) <> 0 limit 1"
        )
        return found.fetchone() is not None


@dataclass(frozen=True)
class InputState:
    """What a build remembers of a table it did not make."""

    rows: int
    last_batch_id: int
    fingerprint: str


def given_changes(
    connection: DuckDBPyConnection, tables: Iterable[str]
) -> tuple[dict[str, Change], dict[str, InputState]]:
    """The changed ones of the `landing` and `meta` tables, and the present state of all of them."""
    before = {
        name: InputState(rows, last_batch_id, fingerprint)
        for name, rows, last_batch_id, fingerprint in connection.execute(
            "select name, rows, last_batch_id, fingerprint from meta.inputs"
        ).fetchall()
    }
    changes: dict[str, Change] = {}
    states: dict[str, InputState] = {}
    for table in sorted(tables):
        is_landing = table.startswith("landing.")
        states[table] = _landing_state(connection, table) if is_landing else _meta_state(connection, table)
        known = before.get(table)
        if states[table] == known:
            continue
        traceable = known is not None and is_landing and _is_traceable(connection, table, known)
        changes[table] = Change(table, _landing_delta(connection, table, known) if known and traceable else None)
    return changes, states


def remember(connection: DuckDBPyConnection, states: Mapping[str, InputState]) -> None:
    """Keep the states as those of the last build, and drop the overwritten rows: they are in this build."""
    connection.execute("delete from meta.inputs")
    connection.executemany(
        "insert into meta.inputs (name, rows, last_batch_id, fingerprint) values (?, ?, ?, ?)",
        [[name, state.rows, state.last_batch_id, state.fingerprint] for name, state in sorted(states.items())],
    )
    tables = connection.execute(
        "select table_name from duckdb_tables() where schema_name = 'replaced' and estimated_size > 0 order by all"
    ).fetchall()
    for (name,) in tables:
        connection.execute(f"delete from replaced.{quoted(name)}")


def difference(connection: DuckDBPyConnection, name: str, old: str, new: str, columns: Iterable[str]) -> int:
    """Make temporary table `name` of the rows that one of two tables has more often than the other; the number of
    different ones, and no table where that is 0."""
    listed = ", ".join(quoted(column) for column in columns)
    connection.execute(
        f"""
        create or replace temp table different as
        select row_hash
        from (
            select 1 as side, hash({listed}) as row_hash from {new}
            union all
            select -1 as side, hash({listed}) as row_hash from {old}
        )
        group by row_hash
        having sum(side) <> 0
        """
    )
    count: int = scalar(connection, "select count(*) from temp.different")
    if count:
        connection.execute(
            f"""
            create or replace temp table {name} as
            select 1 as {SIDE}, {listed} from {new} where hash({listed}) in (select row_hash from temp.different)
            union all
            select -1 as {SIDE}, {listed} from {old} where hash({listed}) in (select row_hash from temp.different)
            """
        )
    connection.execute("drop table temp.different")
    return count


def columns_of(connection: DuckDBPyConnection, table: str) -> dict[str, str]:
    """The columns of a table or view with their types, in order."""
    # duckdb_columns() would list those of all tables each time
    return dict(connection.execute(f"select column_name, column_type from (describe {table})").fetchall())


def _landing_state(connection: DuckDBPyConnection, table: str) -> InputState:
    row = first_row(connection, f"select {_PRINT}, coalesce(max(batch_id), 0) from {table}") or (0, "0", 0)
    return InputState(row[0], row[2], row[1])


def _meta_state(connection: DuckDBPyConnection, table: str) -> InputState:
    where = ""
    if table == "meta.facts":
        where = f"where one.name not in ({', '.join(map(literal, OWN_FACTS))})"
    row = first_row(
        connection, f"select count(*), coalesce(sum(hash(one)), 0)::varchar from {table} as one {where}"
    ) or (0, "0")
    return InputState(row[0], 0, row[1])


def _is_traceable(connection: DuckDBPyConnection, table: str, known: InputState) -> bool:
    """Whether the rows older than the last build, with those overwritten since, are exactly those there were."""
    row = first_row(
        connection,
        f"""
        select {_PRINT} from (
            select content_hash, batch_id from {table} where batch_id <= $seen
            union all
            select content_hash, batch_id from {_replaced(table)} where batch_id <= $seen
        )
        """,
        {"seen": known.last_batch_id},
    )
    return row == (known.rows, known.fingerprint)


def _landing_delta(connection: DuckDBPyConnection, table: str, known: InputState) -> Callable[[], str]:
    shape = layout(by_table(table.removeprefix("landing.")))
    listed = ", ".join(quoted(name) for name in shape.landing if name != UNTRACED)
    name = f"temp.delta_{table.replace('.', '_')}"

    def make() -> str:
        connection.execute(
            f"""
            create or replace temp table {name} as
            select 1 as {SIDE}, {listed} from {table} where batch_id > {known.last_batch_id}
            union all
            select -1 as {SIDE}, {listed} from {_replaced(table)} where batch_id <= {known.last_batch_id}
            """
        )
        return name

    return make


def _replaced(table: str) -> str:
    return table.replace("landing.", "replaced.", 1)
