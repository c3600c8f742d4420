"""What surveys need of the warehouse, and the results that are published with it. Answers are never in it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from dxmetrics.warehouse.connection import transaction
from dxmetrics.warehouse.sql import registered

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_TEXT, _NUMBER = pa.string(), pa.int64()
_CELL: dict[str, pa.DataType] = {
    "survey": _TEXT, "wave": _TEXT, "closed_on": pa.date32(), "measure": _TEXT, "cut": _TEXT, "key": _TEXT,
    "is_shown": pa.bool_(), "n": _TEXT, "value": _NUMBER, "low": _NUMBER, "high": _NUMBER,
}  # fmt: skip


@dataclass(frozen=True)
class Tree:
    """The teams as they are now, each with the one above it, and what else a team is called."""

    parents: Mapping[str, str | None]
    names: Mapping[str, str]  # slug or name in lower case -> name

    def team_of(self, text: str) -> str | None:
        """The team that is called so, None where there is none."""
        return self.names.get(text.strip().casefold())


def team_tree(connection: DuckDBPyConnection) -> Tree:
    """The teams of the last build."""
    rows = connection.execute(
        """
        select teams.team, any_value(above.team)
        from core.teams as teams
        left join core.team_keys as above on lower(teams.parent) = above.key
        group by teams.team
        order by teams.team
        """
    ).fetchall()
    names = connection.execute("select key, team from core.team_keys").fetchall()
    return Tree(dict(rows), {key.casefold(): team for key, team in names})


def members(connection: DuckDBPyConnection, day: date) -> dict[str | None, int]:
    """How many people every team had on a day."""
    rows = connection.execute(
        """
        select memberships.team, count(distinct memberships.person_id)
        from core.memberships as memberships
        where memberships.valid_from <= $day and $day < memberships.valid_to
        group by memberships.team
        """,
        {"day": day},
    ).fetchall()
    return dict(rows)


def people_names(connection: DuckDBPyConnection) -> frozenset[str]:
    """The names and logins of people, to be taken out of what is shown."""
    rows = connection.execute(
        """
        select distinct unnest([accounts.name, accounts.login])
        from landing.identities as accounts
        inner join core.identities as identities
            on accounts.source = identities.source and accounts.ext_id = identities.account
        where not identities.is_bot and accounts.deleted_at is null
        """
    ).fetchall()
    return frozenset(name for (name,) in rows if name)


def write_results(connection: DuckDBPyConnection, documents: Mapping[tuple[str, str], Mapping[str, Any]]) -> bool:
    """Let the warehouse have exactly these results, by survey and wave; whether anything changed."""
    texts = {key: json.dumps(document, sort_keys=True, ensure_ascii=False) for key, document in documents.items()}
    found = connection.execute("select survey, wave, document::varchar from survey.waves").fetchall()
    if {(survey, wave): text for survey, wave, text in found} == texts:
        return False
    with transaction(connection):
        for table in ("waves", "cells"):
            connection.execute(f"delete from survey.{table}")
        for (survey, wave), text in texts.items():
            closed_on = documents[survey, wave]["closed_on"]
            connection.execute("insert into survey.waves values (?, ?, ?, ?)", [survey, wave, closed_on, text])
        with registered(connection, "result_cells", _cells(documents)):
            connection.execute("insert into survey.cells select * from result_cells")
    return True


def _cells(documents: Mapping[tuple[str, str], Mapping[str, Any]]) -> pa.Table:
    rows: Sequence[dict[str, Any]] = [
        {
            "survey": survey,
            "wave": wave,
            "closed_on": date.fromisoformat(document["closed_on"]),
            "is_shown": cell["shown"],
            **{name: cell[name] for name in ("measure", "cut", "key", "n", "value", "low", "high")},
        }
        for (survey, wave), document in documents.items()
        for cell in document["cells"]
    ]
    return pa.Table.from_pylist(rows, schema=pa.schema(_CELL))
