"""The run log: what workers did, step by step, for people who ask why a number is old."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sqlalchemy import delete, insert, select

from dxmetrics.state.tables import run_log

if TYPE_CHECKING:
    from datetime import datetime

    from dxmetrics.state.database import Database

Status = Literal["started", "ok", "failed", "timed_out"]


@dataclass(frozen=True)
class LogEntry:
    """One step of a run, or its start. `source` where the step is of one; `seconds` where it has ended."""

    run_id: str
    occurred_at: datetime
    step: str
    source: str | None
    status: Status
    seconds: float | None
    message: str | None


class RunLog:
    """Entries in the order they were written."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        run_id: str,
        step: str,
        status: Status,
        *,
        source: str | None = None,
        seconds: float | None = None,
        message: str | None = None,
    ) -> None:
        """Write an entry, as of now."""
        entry = LogEntry(run_id, self._database.clock(), step, source, status, seconds, message)
        with self._database.writing() as connection:
            connection.execute(insert(run_log).values(vars(entry)))

    def latest(self, limit: int, *, run_id: str | None = None) -> list[LogEntry]:
        """The newest entries, of one run or of all, the newest first."""
        wanted = [name for name in run_log.c if name is not run_log.c.id]
        query = select(*wanted).order_by(run_log.c.id.desc()).limit(limit)
        if run_id is not None:
            query = query.where(run_log.c.run_id == run_id)
        with self._database.reading() as connection:
            return [LogEntry(*row) for row in connection.execute(query)]

    def prune(self, before: datetime) -> int:
        """Remove what was written before then: how many entries."""
        with self._database.writing() as connection:
            return connection.execute(delete(run_log).where(run_log.c.occurred_at < before)).rowcount
