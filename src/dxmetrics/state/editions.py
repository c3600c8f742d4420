"""Editions of reports: each a document that never changes, under the id of its report, team and period."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from dxmetrics.state.tables import report_editions

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy import Column

    from dxmetrics.state.database import Database


@dataclass(frozen=True)
class Edition:
    """What is known of an edition without reading it. Days are half-open; `team` is None for all teams."""

    id: str
    edition: int
    report: str
    title: str
    team: str | None
    starts_on: date
    ends_on: date
    as_of: datetime
    made_at: datetime


class Editions:
    """Every edition that was kept, with its document as bytes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        key: str,
        edition: int,
        document: bytes,
        *,
        report: str,
        title: str,
        team: str | None,
        starts_on: date,
        ends_on: date,
        as_of: datetime,
    ) -> bool:
        """Keep an edition; False where another process has kept one of that number already."""
        row = Edition(key, edition, report, title, team, starts_on, ends_on, as_of, self._database.clock())
        made = self._database.insert(report_editions).values(**vars(row), document=document)
        with self._database.writing() as connection:
            return connection.execute(made.on_conflict_do_nothing()).rowcount == 1

    def read(self, key: str, edition: int | None = None) -> bytes | None:
        """The document of an edition, of the newest where none is named; None where there is none."""
        query = select(report_editions.c.document).where(report_editions.c.id == key)
        if edition is not None:
            query = query.where(report_editions.c.edition == edition)
        with self._database.reading() as connection:
            found: bytes | None = connection.scalar(query.order_by(report_editions.c.edition.desc()).limit(1))
        return found

    def newest(self) -> list[Edition]:
        """The newest edition of every report, team and period, what was made last first."""
        last = select(report_editions.c.id, func.max(report_editions.c.edition).label("edition"))
        newest = last.group_by(report_editions.c.id).subquery()
        query = select(*_listed()).join(
            newest, (report_editions.c.id == newest.c.id) & (report_editions.c.edition == newest.c.edition)
        )
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(report_editions.c.made_at.desc(), report_editions.c.id)).all()
        return [Edition(*row) for row in rows]

    def of(self, key: str) -> list[Edition]:
        """Every edition of one report, team and period, the newest first."""
        query = select(*_listed()).where(report_editions.c.id == key).order_by(report_editions.c.edition.desc())
        with self._database.reading() as connection:
            return [Edition(*row) for row in connection.execute(query)]


def _listed() -> list[Column[Any]]:
    """What an `Edition` is made of."""
    return [column for column in report_editions.c if column is not report_editions.c.document]
