"""Which scopes a source was ever read in, and which of them its server does not list any more. All in `meta`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dxmetrics.warehouse.connection import transaction
from dxmetrics.warehouse.sql import first_row

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from duckdb import DuckDBPyConnection


def known_scopes(connection: DuckDBPyConnection, source: str) -> dict[str, str]:
    """The scopes a source was ever read in, with their newest titles."""
    rows = connection.execute(
        "select scope, arg_max(title, started_at) from meta.scope_runs where source = ? group by scope order by scope",
        [source],
    ).fetchall()
    return dict(rows)


def miss_scope(connection: DuckDBPyConnection, source: str, scope: str, now: datetime) -> tuple[int, datetime]:
    """Count that a scope is missing once more; how often in a row it was, and since when."""
    with transaction(connection):
        row = first_row(
            connection,
            "select misses, first_missed_at from meta.missing_scopes where source = ? and scope = ?",
            [source, scope],
        )
        misses, since = (row[0] + 1, row[1]) if row else (1, now)
        unmiss_scopes(connection, source, [scope])
        connection.execute(
            "insert into meta.missing_scopes (source, scope, misses, first_missed_at) values (?, ?, ?, ?)",
            [source, scope, misses, since],
        )
    return misses, since


def unmiss_scopes(connection: DuckDBPyConnection, source: str, scopes: Sequence[str]) -> None:
    """Forget that these scopes were missing."""
    connection.execute(
        "delete from meta.missing_scopes where source = ? and list_contains(?::varchar[], scope)",
        [source, list(scopes)],
    )


def forget_scope(connection: DuckDBPyConnection, source: str, scope: str) -> None:
    """Forget how far a scope was read, what was refused of it, and its runs."""
    with transaction(connection):
        for table in ("cursors", "coverage", "quarantine", "scope_runs", "missing_scopes"):
            connection.execute(f"delete from meta.{table} where source = ? and scope = ?", [source, scope])


def history_left(connection: DuckDBPyConnection, source: str) -> tuple[int, int, float]:
    """How much of a source's history is still to be read: its scopes, those among them that are not read whole, and the
    seconds of time that are missing of these, each back to when its repository was made."""
    row = first_row(
        connection,
        """
        select
            count(*),
            count(*) filter (where missing.seconds > 0),
            coalesce(sum(missing.seconds) filter (where missing.seconds > 0), 0)::double
        from (
            select coverage.scope, max(date_diff('second', repositories.created_at, coverage.began)) as seconds
            from (
                select scope, stream, arg_max(covered_from, covered_to) as began
                from meta.coverage
                where source = $source
                group by scope, stream
            ) as coverage
            inner join (
                select scope, min(created_at) as created_at
                from landing.repositories
                where source = $source and created_at is not null
                group by scope
            ) as repositories
                on coverage.scope = repositories.scope
            group by coverage.scope
        ) as missing
        """,
        {"source": source},
    )
    return row or (0, 0, 0.0)
