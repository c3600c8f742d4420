"""Leases: who works on what, so that two workers never do the same thing at once.

A lease ends by itself, so a worker that was killed holds nothing up for longer than that. Times are those of the
database server where there is one, for clocks of machines differ; else those of this machine.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, or_, select, update

from dxmetrics.state.tables import Instant, leases

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from dxmetrics.state.database import Database


class Leases:
    """Names of work, each held by one holder at a time. Each worker gives itself a name of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def acquire(self, name: str, holder: str, length: timedelta) -> bool:
        """Whether `holder` now holds `name` for `length`: nobody held it, its time was over, or it was the holder's."""
        with self._database.writing() as connection:
            now = self._now(connection)
            _shorten(connection, name, now)
            row = {"name": name, "holder": holder, **_until(now, length)}
            insert = self._database.insert(leases).values(row)
            taken = insert.on_conflict_do_update(
                index_elements=["name"],
                set_=row,
                where=or_(leases.c.expires_at <= now, leases.c.holder == holder),
            )
            return connection.execute(taken).rowcount == 1

    def renew(self, name: str, holder: str, length: timedelta) -> bool:
        """Whether `holder` still holds `name`, now for `length` more; False: another has it, stop at once."""
        with self._database.writing() as connection:
            until = _until(self._now(connection), length)
            held = update(leases).where(leases.c.name == name, leases.c.holder == holder)
            return connection.execute(held.values(until)).rowcount == 1

    def release(self, name: str, holder: str) -> bool:
        """Give `name` back; False where `holder` did not hold it any more."""
        with self._database.writing() as connection:
            held = delete(leases).where(leases.c.name == name, leases.c.holder == holder)
            return connection.execute(held).rowcount == 1

    def holder(self, name: str) -> str | None:
        """Who holds `name` now; None: nobody."""
        with self._database.reading() as connection:
            now = self._now(connection)
            held = select(leases.c.holder).where(leases.c.name == name, leases.c.expires_at > now)
            found: str | None = connection.scalar(held)
            return found

    def _now(self, connection: Connection) -> datetime:
        if not self._database.is_postgresql:
            return self._database.clock()
        return connection.execute(select(func.clock_timestamp(type_=Instant()))).scalar_one()


def _until(now: datetime, length: timedelta) -> dict[str, datetime | float]:
    return {"expires_at": now + length, "seconds": length.total_seconds()}


def _shorten(connection: Connection, name: str, now: datetime) -> None:
    """Where a lease ends later than its whole length from now, the clock was set back: it ends after that length.

    Its holder, if it lives, renews it in time; if it was killed, nobody waits for the clock to catch up.
    """
    seconds = connection.scalar(select(leases.c.seconds).where(leases.c.name == name))
    if seconds is not None:
        latest = now + timedelta(seconds=seconds)
        late = update(leases).where(leases.c.name == name, leases.c.expires_at > latest)
        connection.execute(late.values(expires_at=latest))
