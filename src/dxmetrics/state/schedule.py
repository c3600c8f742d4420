"""When each source ran, how that ended, and when it is due next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import delete, select

from dxmetrics.state.tables import schedule

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from dxmetrics.state.database import Database

Outcome = Literal["ok", "failed", "timed_out"]


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
    """One entry per source."""

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
        """Remove the entry of a source that is not configured any more."""
        with self._database.writing() as connection:
            connection.execute(delete(schedule).where(schedule.c.source == source))

    def _write(self, source: str, values: Mapping[str, Any], where_known: Mapping[str, Any] | None = None) -> None:
        """Write `values` to the entry; where it is there already, `where_known` instead of the same ones of them."""
        insert = self._database.insert(schedule).values({"source": source, "failures": 0, **values})
        known = {**values, **(where_known or {})}
        with self._database.writing() as connection:
            connection.execute(insert.on_conflict_do_update(index_elements=["source"], set_=known))
