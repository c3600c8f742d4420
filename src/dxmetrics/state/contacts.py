"""Who was asked, and how far a round of messages came; of those who answered this knows nothing.

An invitation is kept under a digest that only the key of its wave can make again, and goes with that key when the wave
closes. A contact is kept across waves, under a salted digest and with its day, so that nobody is asked too often.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal

from sqlalchemy import delete, insert, select, update

from dxmetrics.state.tables import survey_cohorts, survey_contacts, survey_invitations, survey_reminders, survey_salt

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

    from dxmetrics.state.database import Database

Kind = Literal["wave", "trigger"]
Status = Literal["planned", "sending", "sent"]
SALT_BYTES = 32


@dataclass(frozen=True)
class Invitation:
    """One person's place in a wave."""

    cohort: int
    status: Status


@dataclass(frozen=True)
class Reminders:
    """The last round of reminders of a wave. `position`: up to which digest it came, None at the beginning."""

    began_at: datetime
    position: bytes | None
    is_over: bool


class Contacts:
    """Invitations and reminders of waves, and when people were last asked. Persons are 32-byte digests or addresses."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # -- invitations of a wave ----------------------------------------------------------------------------------------

    def plan(self, wave: str, cohorts: Mapping[bytes, int]) -> None:
        """Give people their cohorts, all of them or nobody; one who has a cohort keeps it."""
        if not cohorts:
            return
        rows = [
            {"wave": wave, "person": person, "cohort": cohort, "status": "planned"}
            for person, cohort in cohorts.items()
        ]
        with self._database.writing() as connection:
            connection.execute(self._database.insert(survey_invitations).on_conflict_do_nothing(), rows)

    def invitations(self, wave: str) -> dict[bytes, Invitation]:
        """Everybody who has a place in the wave, in the order of the digests."""
        query = select(survey_invitations).where(survey_invitations.c.wave == wave)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(survey_invitations.c.person)).all()
        return {row.person: Invitation(row.cohort, row.status) for row in rows}

    def claim(self, wave: str, person: bytes) -> bool:
        """Begin to send to somebody; False where that was begun before: nobody is written to twice."""
        planned = _one(wave, person) & (survey_invitations.c.status == "planned")
        with self._database.writing() as connection:
            changed = update(survey_invitations).where(planned).values(status="sending")
            return connection.execute(changed).rowcount == 1

    def sent(self, wave: str, person: bytes) -> None:
        """The message is on its way: its receiver counts as invited."""
        with self._database.writing() as connection:
            _count(connection, wave, _one(wave, person))

    def unsent(self, wave: str, person: bytes) -> None:
        """The message was not taken: it can be tried again."""
        claimed = _one(wave, person) & (survey_invitations.c.status == "sending")
        with self._database.writing() as connection:
            connection.execute(update(survey_invitations).where(claimed).values(status="planned"))

    def settle(self, wave: str) -> None:
        """Take as sent what a killed process was just sending: whoever did not get it gets the reminder."""
        with self._database.writing() as connection:
            _count(connection, wave, survey_invitations.c.wave == wave)

    # -- reminders of a wave ------------------------------------------------------------------------------------------

    def reminders(self, wave: str) -> Reminders | None:
        """The last round, None before the first."""
        query = select(survey_reminders).where(survey_reminders.c.wave == wave)
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else Reminders(row.began_at, row.position, row.is_over)

    def begin_reminders(self, wave: str) -> None:
        """A new round begins."""
        with self._database.writing() as connection:
            connection.execute(delete(survey_reminders).where(survey_reminders.c.wave == wave))
            began = {"wave": wave, "began_at": self._database.clock(), "position": None, "is_over": False}
            connection.execute(insert(survey_reminders).values(began))

    def reach(self, wave: str, position: bytes) -> None:
        """The round has come to this digest, whether or not anything is sent there."""
        self._mark(wave, position=position)

    def end_reminders(self, wave: str) -> None:
        """The round is over; where it came to is forgotten."""
        self._mark(wave, position=None, is_over=True)

    def _mark(self, wave: str, **values: object) -> None:
        with self._database.writing() as connection:
            connection.execute(update(survey_reminders).where(survey_reminders.c.wave == wave).values(values))

    # -- across waves -------------------------------------------------------------------------------------------------

    def asked_since(self, kind: Kind, addresses: Iterable[str], since: date) -> set[str]:
        """Which of these people were asked on that day or later."""
        by_digest = self._digests(addresses)
        recent = (survey_contacts.c.kind == kind) & (survey_contacts.c.asked_on >= since)
        with self._database.reading() as connection:
            found = connection.scalars(select(survey_contacts.c.person).where(recent)).all()
        return {by_digest[digest] for digest in found if digest in by_digest}

    def ask(self, kind: Kind, address: str, today: date) -> None:
        """Remember that somebody is asked today."""
        (digest,) = self._digests([address])
        made = self._database.insert(survey_contacts).values(kind=kind, person=digest, asked_on=today)
        with self._database.writing() as connection:
            connection.execute(made.on_conflict_do_update(index_elements=["kind", "person"], set_={"asked_on": today}))

    def unask(self, kind: Kind, address: str) -> None:
        """Somebody was not asked after all."""
        (digest,) = self._digests([address])
        which = (survey_contacts.c.kind == kind) & (survey_contacts.c.person == digest)
        with self._database.writing() as connection:
            connection.execute(delete(survey_contacts).where(which))

    def forget(self, before: date) -> None:
        """Forget contacts older than that day."""
        with self._database.writing() as connection:
            connection.execute(delete(survey_contacts).where(survey_contacts.c.asked_on < before))

    def _digests(self, addresses: Iterable[str]) -> dict[bytes, str]:
        salt = self._salt()
        return {hmac.digest(salt, address.casefold().encode(), hashlib.sha256): address for address in addresses}

    def _salt(self) -> bytes:
        kept = select(survey_salt.c.value).where(survey_salt.c.name == "contacts")
        with self._database.reading() as connection:
            found: bytes | None = connection.scalar(kept)
        if found is not None:
            return found
        made = self._database.insert(survey_salt).values(name="contacts", value=secrets.token_bytes(SALT_BYTES))
        with self._database.writing() as connection:
            connection.execute(made.on_conflict_do_nothing())
            first: bytes = connection.execute(kept).scalar_one()
        return first


def _one(wave: str, person: bytes) -> ColumnElement[bool]:
    return (survey_invitations.c.wave == wave) & (survey_invitations.c.person == person)


def _count(connection: Connection, wave: str, which: ColumnElement[bool]) -> None:
    """Of what is being sent: it is sent, and counted as invited in its cohort."""
    sending = which & (survey_invitations.c.status == "sending")
    changed = update(survey_invitations).where(sending).values(status="sent").returning(survey_invitations.c.cohort)
    for number in connection.scalars(changed).all():
        cohort = (survey_cohorts.c.wave == wave) & (survey_cohorts.c.number == number)
        connection.execute(update(survey_cohorts).where(cohort).values(invited=survey_cohorts.c.invited + 1))
