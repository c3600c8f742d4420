"""What is delivered of reports to whom, and what the schedule has written: each once.

A delivery is claimed before anything is sent. Whoever claimed it and was killed leaves it as `sending`; the next one
decides by its channel whether that can be done again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from sqlalchemy import Row, delete, select, update

from dxmetrics.state.tables import report_deliveries, report_runs, report_schedule

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

    from dxmetrics.state.database import Database

Channel = Literal["mail", "slack", "webhook", "folder", "store"]
CHANNELS: tuple[Channel, ...] = get_args(Channel)
# planned   waits for `next_at`, perhaps after attempts that failed: `why` tells of the last
# sending   somebody is at it, or was killed at it
# sent      it is there; `why` may say what of it is not
# refused   it is not wanted there, and not tried again
# unclear   it may have arrived, and is sent again only by who asks for it
# failed    given up after many attempts
Status = Literal["planned", "sending", "sent", "refused", "unclear", "failed"]


@dataclass(frozen=True)
class Target:
    """Where an edition goes: an address, a Slack channel, the name of a webhook, a folder, the address of a store."""

    channel: Channel
    recipient: str


@dataclass(frozen=True)
class ReportDelivery:
    """One edition for one recipient. `formats` are its files, the first of them what a message has attached."""

    id: str
    edition: int
    channel: Channel
    recipient: str
    formats: tuple[str, ...]
    status: Status
    attempts: int
    planned_at: datetime
    next_at: datetime | None
    ended_at: datetime | None
    why: str | None

    @property
    def target(self) -> Target:
        """Where it goes."""
        return Target(self.channel, self.recipient)


@dataclass(frozen=True)
class Planned:
    """When a report is written next by its schedule; `waits_for` says what keeps it from being written."""

    report: str
    schedule: str
    next_at: datetime
    waits_for: str | None


class Deliveries:
    """What is to be delivered, what was, and what is written when."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # -- deliveries ---------------------------------------------------------------------------------------------------

    def plan(self, key: str, edition: int, targets: Iterable[Target], formats: Sequence[str]) -> None:
        """Have an edition delivered; whoever is to get it already is not planned anew."""
        with self._database.writing() as connection:
            self._plan(connection, key, edition, targets, formats)

    def of(self, key: str | None = None, edition: int | None = None) -> list[ReportDelivery]:
        """The deliveries of an edition, of all editions of an id, or all there are: by channel and recipient."""
        query = select(report_deliveries)
        if key is not None:
            query = query.where(report_deliveries.c.id == key)
        if edition is not None:
            query = query.where(report_deliveries.c.edition == edition)
        order = (report_deliveries.c.planned_at.desc(), *report_deliveries.primary_key)
        with self._database.reading() as connection:
            return [_delivery(row) for row in connection.execute(query.order_by(*order))]

    def due(self) -> list[ReportDelivery]:
        """What can be sent now, what was planned first before all else."""
        is_due = (report_deliveries.c.status == "planned") & (report_deliveries.c.next_at <= self._database.clock())
        order = (report_deliveries.c.planned_at, *report_deliveries.primary_key)
        with self._database.reading() as connection:
            return [
                _delivery(row) for row in connection.execute(select(report_deliveries).where(is_due).order_by(*order))
            ]

    def claim(self, one: ReportDelivery) -> bool:
        """Begin to send it; False where somebody else did."""
        with self._database.writing() as connection:
            changed = update(report_deliveries).where(_of(one), report_deliveries.c.status == "planned")
            begun = changed.values(status="sending", attempts=report_deliveries.c.attempts + 1)
            return connection.execute(begun).rowcount == 1

    def end(self, one: ReportDelivery, status: Status, why: str | None = None) -> None:
        """It is sent, refused, unclear or given up."""
        self._write(one, status=status, ended_at=self._database.clock(), next_at=None, why=why)

    def put_off(self, one: ReportDelivery, next_at: datetime, why: str) -> None:
        """It is tried again then."""
        self._write(one, status="planned", next_at=next_at, why=why, attempts=one.attempts + 1)

    def resume(self, one: ReportDelivery) -> None:
        """It was broken off, and can be done again at once."""
        self._write(one, status="planned", next_at=self._database.clock())

    def broken_off(self) -> list[ReportDelivery]:
        """What is being sent; for whom nobody else can be sending: what a killed process was sending."""
        query = select(report_deliveries).where(report_deliveries.c.status == "sending")
        with self._database.reading() as connection:
            return [_delivery(row) for row in connection.execute(query.order_by(*report_deliveries.primary_key))]

    def again(self, one: ReportDelivery) -> None:
        """Somebody asks for it once more: it is due at once, with all its attempts."""
        self._write(one, status="planned", next_at=self._database.clock(), ended_at=None, attempts=0, why=None)

    def doubt(self, why: str) -> None:
        """A backup was put back: what waits may have been sent since, and what is due may have been written.

        Neither is done by itself: whoever did not get it asks for it.
        """
        now = self._database.clock()
        waits = report_deliveries.c.status.in_(["planned", "sending"])
        with self._database.writing() as connection:
            doubted = update(report_deliveries).where(waits)
            connection.execute(doubted.values(status="unclear", next_at=None, ended_at=now, why=why))
            connection.execute(delete(report_schedule).where(report_schedule.c.next_at <= now))

    # -- what the schedule has written --------------------------------------------------------------------------------

    def ran(
        self,
        report: str,
        team: str | None,
        period: str,
        written: tuple[str, int],
        targets: Iterable[Target],
        formats: Sequence[str],
    ) -> bool:
        """A report is written for a period as this id and edition, and is to be delivered: once, False where it was."""
        key, edition = written
        row = {"report": report, "team": team or "", "period": period, "id": key, "edition": edition}
        with self._database.writing() as connection:
            made = self._database.insert(report_runs).values(**row, written_at=self._database.clock())
            if connection.execute(made.on_conflict_do_nothing()).rowcount == 0:
                return False
            self._plan(connection, key, edition, targets, formats)
        return True

    def has_run(self, report: str, team: str | None, period: str) -> bool:
        """Whether the schedule has written it."""
        same = (
            (report_runs.c.report == report) & (report_runs.c.team == (team or "")) & (report_runs.c.period == period)
        )
        with self._database.reading() as connection:
            return connection.scalar(select(report_runs.c.id).where(same)) is not None

    # -- when it writes next ------------------------------------------------------------------------------------------

    def scheduled(self) -> dict[str, Planned]:
        """What is planned, by report."""
        with self._database.reading() as connection:
            rows = connection.execute(select(report_schedule).order_by(report_schedule.c.report)).all()
        return {row.report: Planned(*row) for row in rows}

    def schedule(self, report: str, schedule: str, next_at: datetime, waits_for: str | None = None) -> None:
        """It is written then, as this schedule says."""
        values = {"schedule": schedule, "next_at": next_at, "waits_for": waits_for}
        made = self._database.insert(report_schedule).values(report=report, **values)
        with self._database.writing() as connection:
            connection.execute(made.on_conflict_do_update(index_elements=["report"], set_=values))

    def unschedule(self, report: str) -> None:
        """It is not written by itself any more."""
        with self._database.writing() as connection:
            connection.execute(delete(report_schedule).where(report_schedule.c.report == report))

    # -- all ----------------------------------------------------------------------------------------------------------

    def _plan(
        self, connection: Connection, key: str, edition: int, targets: Iterable[Target], formats: Sequence[str]
    ) -> None:
        now = self._database.clock()
        fresh = {"id": key, "edition": edition, "formats": list(formats), "status": "planned", "attempts": 0}
        rows = [
            {**fresh, "channel": one.channel, "recipient": one.recipient, "planned_at": now, "next_at": now}
            for one in dict.fromkeys(targets)
        ]
        if rows:
            connection.execute(self._database.insert(report_deliveries).on_conflict_do_nothing(), rows)

    def _write(self, one: ReportDelivery, **values: Any) -> None:
        with self._database.writing() as connection:
            connection.execute(update(report_deliveries).where(_of(one)).values(values))


def _of(one: ReportDelivery) -> ColumnElement[bool]:
    table = report_deliveries.c
    return (
        (table.id == one.id)
        & (table.edition == one.edition)
        & (table.channel == one.channel)
        & (table.recipient == one.recipient)
    )


def _delivery(row: Row[Any]) -> ReportDelivery:
    values = dict(zip(row._fields, row, strict=True))
    return ReportDelivery(**{**values, "formats": tuple(row.formats)})
