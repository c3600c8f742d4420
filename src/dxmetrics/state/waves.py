"""Survey waves: the key of their links, whom they ask by cohort, and which links are spent. Never an answer.

What is kept here cannot be brought together with the answers, which are in a store of their own: a spent link leaves
the digest of its nonce and its cohort, no time and no order. Closing a wave removes the key and every digest, so that
from then on nobody can tell which link was used at all.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update

from dxmetrics.errors import StateError
from dxmetrics.state.tables import (
    survey_cohorts,
    survey_invitations,
    survey_reminders,
    survey_requests,
    survey_spent,
    survey_waves,
)

if TYPE_CHECKING:
    from datetime import datetime

    from dxmetrics.state.database import Database

Request = Literal["invite", "remind"]
KEY_BYTES = 32
MANY = 500  # links from which all of a wave are read instead


@dataclass(frozen=True)
class Cohort:
    """People of one team and band of tenure: all that a link says about its holder."""

    number: int
    team: str | None
    tenure: str | None
    invited: int
    answered: int


@dataclass(frozen=True)
class Wave:
    """One time a survey is asked, with the instrument as it was then."""

    id: str
    survey: str
    name: str
    instrument: Mapping[str, Any]
    opened_at: datetime
    closes_at: datetime
    closed_at: datetime | None
    cohorts: tuple[Cohort, ...]

    @property
    def invited(self) -> int:
        """How many people were asked."""
        return sum(cohort.invited for cohort in self.cohorts)

    @property
    def answered(self) -> int:
        """How many links are spent."""
        return sum(cohort.answered for cohort in self.cohorts)

    def cohort(self, number: int) -> Cohort | None:
        """The cohort of this number, None where there is none."""
        return next((cohort for cohort in self.cohorts if cohort.number == number), None)


class Waves:
    """The waves that were opened, and what was asked to be sent for them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, survey: str, name: str, instrument: Mapping[str, Any], closes_at: datetime) -> Wave:
        """A new wave with a key of its own; StateError where there is one of that name already."""
        now, key = self._database.clock(), secrets.token_hex(4)
        with self._database.writing() as connection:
            made = connection.execute(
                self._database.insert(survey_waves)
                .values(
                    id=key,
                    survey=survey,
                    name=name,
                    instrument=dict(instrument),
                    opened_at=now,
                    closes_at=closes_at,
                    key=secrets.token_bytes(KEY_BYTES),
                )
                .on_conflict_do_nothing()
            ).rowcount
        if not made:
            raise StateError(f"state: wave {name} of survey {survey} is there already: give the new one another name")
        return Wave(key, survey, name, instrument, now, closes_at, None, ())

    def get(self, wave: str) -> Wave | None:
        """The wave of this id."""
        return next(iter(self._read(survey_waves.c.id == wave)), None)

    def find(self, survey: str, name: str) -> Wave | None:
        """The wave of this survey and name."""
        return next(iter(self._read((survey_waves.c.survey == survey) & (survey_waves.c.name == name))), None)

    def all(self) -> list[Wave]:
        """Every wave, the newest first."""
        return self._read()

    def over(self) -> frozenset[str]:
        """The ids of the waves that are closed or past their time: a look that costs next to nothing."""
        is_over = survey_waves.c.closed_at.is_not(None) | (survey_waves.c.closes_at <= self._database.clock())
        with self._database.reading() as connection:
            return frozenset(connection.scalars(select(survey_waves.c.id).where(is_over)))

    def running(self) -> list[Wave]:
        """Those that are not closed yet, also where their time is over."""
        return self._read(survey_waves.c.closed_at.is_(None))

    def key(self, wave: str) -> bytes | None:
        """What signs the links of a wave; None once it is closed, and where there is none of this id."""
        with self._database.reading() as connection:
            found: bytes | None = connection.scalar(select(survey_waves.c.key).where(survey_waves.c.id == wave))
        return found

    def invite(self, wave: str, team: str | None, tenure: str | None, count: int) -> Cohort:
        """Count so many more people of a cohort as invited; the cohort, which is new for the first of them."""
        same = (
            (survey_cohorts.c.wave == wave)
            & survey_cohorts.c.team.is_not_distinct_from(team)
            & survey_cohorts.c.tenure.is_not_distinct_from(tenure)
        )
        with self._database.writing() as connection:
            self._lock(connection, wave)
            row = connection.execute(select(survey_cohorts).where(same)).one_or_none()
            if row is None:
                last = connection.scalar(select(func.max(survey_cohorts.c.number)).where(survey_cohorts.c.wave == wave))
                made = Cohort((last or 0) + 1, team, tenure, count, 0)
                connection.execute(
                    insert(survey_cohorts).values(
                        wave=wave, number=made.number, team=team, tenure=tenure, invited=count, answered=0
                    )
                )
                return made
            connection.execute(update(survey_cohorts).where(same).values(invited=row.invited + count))
            return Cohort(row.number, team, tenure, row.invited + count, row.answered)

    def spend(self, wave: str, digest: bytes, cohort: int, attempt: bytes) -> bool:
        """Use up a link; False where it was used before, or the wave is closed. Of many attempts at once one succeeds.

        `attempt` is random and means nothing but to a response that is not confirmed yet.
        """
        with self._database.writing() as connection:
            self._lock(connection, wave)
            if connection.scalar(select(survey_waves.c.key).where(survey_waves.c.id == wave)) is None:
                return False
            made = self._database.insert(survey_spent).values(wave=wave, digest=digest, cohort=cohort, attempt=attempt)
            return connection.execute(made.on_conflict_do_nothing()).rowcount == 1

    def spent(self, wave: str, digests: Iterable[bytes]) -> set[bytes]:
        """Which of these links were used."""
        wanted = sorted(set(digests))
        of_wave = select(survey_spent.c.digest).where(survey_spent.c.wave == wave)
        with self._database.reading() as connection:
            if len(wanted) > MANY:
                return set(wanted).intersection(connection.scalars(of_wave))
            return set(connection.scalars(of_wave.where(survey_spent.c.digest.in_(wanted))))

    def won(self, wave: str, attempts: Iterable[bytes]) -> set[bytes]:
        """Which of these attempts used up their link."""
        wanted = set(attempts)
        with self._database.reading() as connection:
            rows = connection.scalars(select(survey_spent.c.attempt).where(survey_spent.c.wave == wave))
            return wanted.intersection(rows)

    def stop(self, wave: str) -> None:
        """Remove a wave's key: from now on no link opens it, and none can be spent."""
        with self._database.writing() as connection:
            self._lock(connection, wave)
            connection.execute(update(survey_waves).where(survey_waves.c.id == wave).values(key=None))

    def close(self, wave: str) -> bool:
        """Close a wave: its key and what was spent are gone, counts by cohort stay. False where it was closed."""
        open_wave = (survey_waves.c.id == wave) & survey_waves.c.closed_at.is_(None)
        with self._database.writing() as connection:
            self._lock(connection, wave)
            answered = Counter(
                connection.scalars(select(survey_spent.c.cohort).where(survey_spent.c.wave == wave)).all()
            )
            changed = update(survey_waves).where(open_wave).values(closed_at=self._database.clock(), key=None)
            if connection.execute(changed).rowcount == 0:
                return False
            for number, count in answered.items():
                which = (survey_cohorts.c.wave == wave) & (survey_cohorts.c.number == number)
                connection.execute(update(survey_cohorts).where(which).values(answered=count))
            for table in (survey_spent, survey_requests, survey_invitations, survey_reminders):
                connection.execute(delete(table).where(table.c.wave == wave))
        self._database.forget_removed()
        return True

    def ask(self, wave: str, kind: Request) -> None:
        """Have the worker send invitations or reminders; asking twice is asking once."""
        with self._database.writing() as connection:
            made = self._database.insert(survey_requests).values(wave=wave, kind=kind, asked_at=self._database.clock())
            connection.execute(made.on_conflict_do_nothing())

    def asked(self) -> list[tuple[str, Request]]:
        """What is to be sent: wave and kind, the oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(select(survey_requests).order_by(survey_requests.c.asked_at)).all()
        return [(row.wave, row.kind) for row in rows]

    def sent(self, wave: str, kind: Request) -> None:
        """What was asked for is done."""
        which = (survey_requests.c.wave == wave) & (survey_requests.c.kind == kind)
        with self._database.writing() as connection:
            connection.execute(delete(survey_requests).where(which))

    def _lock(self, connection: Connection, wave: str) -> None:
        """On a server: wait for others that change this wave. SQLite has one writer anyway."""
        if self._database.is_postgresql:
            connection.execute(select(survey_waves.c.id).where(survey_waves.c.id == wave).with_for_update())

    def _read(self, which: ColumnElement[bool] | None = None) -> list[Wave]:
        query = select(survey_waves).order_by(survey_waves.c.opened_at.desc(), survey_waves.c.id)
        with self._database.reading() as connection:
            rows = connection.execute(query if which is None else query.where(which)).all()
            ids = [row.id for row in rows]
            cohorts = connection.execute(
                select(survey_cohorts).where(survey_cohorts.c.wave.in_(ids)).order_by(survey_cohorts.c.number)
            ).all()
            counted = select(survey_spent.c.wave, survey_spent.c.cohort, func.count().label("times"))
            spent = connection.execute(
                counted.where(survey_spent.c.wave.in_(ids)).group_by(survey_spent.c.wave, survey_spent.c.cohort)
            ).all()
        live = {(row.wave, row.cohort): row.times for row in spent}
        return [_wave(row, [one for one in cohorts if one.wave == row.id], live) for row in rows]


def _wave(row: Row[Any], cohorts: Iterable[Row[Any]], live: Mapping[tuple[str, int], int]) -> Wave:
    return Wave(
        row.id,
        row.survey,
        row.name,
        row.instrument,
        row.opened_at,
        row.closes_at,
        row.closed_at,
        tuple(
            Cohort(
                one.number,
                one.team,
                one.tenure,
                one.invited,
                one.answered if row.closed_at else live.get((row.id, one.number), 0),
            )
            for one in cohorts
        ),
    )
