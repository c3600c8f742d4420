"""When each source ran, how that ended, when it is due next, and which of its scopes somebody asked to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import delete, select

from dxmetrics.state.tables import looks, schedule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from dxmetrics.state.database import Database

Outcome = Literal["ok", "failed", "timed_out"]

WHOLE = ""  # the scope of a look at a whole source


@dataclass(frozen=True)
class Entry:
    """A source's place in the schedule. `running` while nobody holds its lease: it was killed.

    `failures` counts how often it ended otherwise since it last ended `ok`.
    """

    source: str
    last_started_at: datetime | None
    last_finished_at: datetime | None
    last_status: Outcome | Literal["running"] | None
    failures: int
    next_at: datetime | None


class Schedule:
    """One entry per source, and the looks that were asked for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def entries(self) -> dict[str, Entry]:
        """Every entry by its source, in alphabetical order."""
        with self._database.reading() as connection:
            rows = connection.execute(select(schedule).order_by(schedule.c.source)).all()
        return {row.source: Entry(*row) for row in rows}

    def plan(self, source: str, next_at: datetime | None) -> None:
        """It is due then; None: only when asked."""
        self._write(source, {"next_at": next_at})

    def start(self, source: str) -> None:
        """It starts now."""
        self._write(source, {"last_started_at": self._database.clock(), "last_status": "running"})

    def finish(self, source: str, outcome: Outcome, next_at: datetime | None) -> None:
        """It ended now, and is due again then."""
        ended = {"last_finished_at": self._database.clock(), "last_status": outcome, "next_at": next_at}
        if outcome == "ok":
            self._write(source, ended | {"failures": 0})
        else:
            self._write(source, ended | {"failures": 1}, {"failures": schedule.c.failures + 1})

    def forget(self, source: str) -> None:
        """Remove the entry and the looks of a source that is not configured any more."""
        with self._database.writing() as connection:
            connection.execute(delete(schedule).where(schedule.c.source == source))
            connection.execute(delete(looks).where(looks.c.source == source))

    def look(self, source: str, scopes: Iterable[str] | None) -> None:
        """Something changed in these scopes of the source (None: in its list of scopes): they are due at once."""
        now = self._database.clock()
        asked = [
            {"source": source, "scope": scope, "asked_at": now}
            for scope in sorted([WHOLE] if scopes is None else set(scopes))
        ]
        if not asked:
            return
        insert = self._database.insert(looks)
        again = insert.on_conflict_do_update(
            index_elements=["source", "scope"], set_={"asked_at": insert.excluded.asked_at}
        )
        with self._database.writing() as connection:
            connection.execute(again, asked)

    def looks(self) -> dict[str, frozenset[str] | None]:
        """The scopes to look at by source; None: all of them."""
        with self._database.reading() as connection:
            rows = connection.execute(select(looks.c.source, looks.c.scope)).all()
        found: dict[str, set[str]] = {}
        for source, scope in rows:
            found.setdefault(source, set()).add(scope)
        return {source: None if WHOLE in scopes else frozenset(scopes) for source, scopes in found.items()}

    def looked(self, source: str, since: datetime) -> None:
        """The source was read from `since` on: what was asked for by then is answered."""
        with self._database.writing() as connection:
            connection.execute(delete(looks).where(looks.c.source == source, looks.c.asked_at <= since))

    def _write(self, source: str, values: Mapping[str, Any], where_known: Mapping[str, Any] | None = None) -> None:
        """Write `values` to the entry; where it is there already, `where_known` instead of the same ones of them."""
        insert = self._database.insert(schedule).values({"source": source, "failures": 0, **values})
        known = {**values, **(where_known or {})}
        with self._database.writing() as connection:
            connection.execute(insert.on_conflict_do_update(index_elements=["source"], set_=known))
