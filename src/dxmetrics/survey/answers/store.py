"""The store itself.

A SQLite file beside the state store, or a PostgreSQL database of its own. A response has a random id, a day and a
cohort; a comment is a row of its own that knows neither. Both ids are digests of a code that only the respondent has,
so nobody else can bring a comment and a response together. Rows lie in the order of their ids, the file keeps no log of
what was written when, and what is removed is overwritten.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, and_, delete, func, insert, select, update

from dxmetrics.errors import StateError
from dxmetrics.state.database import Database, Store, connect
from dxmetrics.survey.answers import copies
from dxmetrics.survey.answers.collected import Collected
from dxmetrics.survey.answers.rewriting import Rewriting
from dxmetrics.survey.answers.tables import comments, is_frozen, metadata, responses, results

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dxmetrics.project import Project

NAME = "answers"
UNSURE = timedelta(hours=1)  # a response that nobody confirmed for so long was never sent whole


@dataclass(frozen=True)
class Comment:
    """Somebody's own words, and whether they may be shown word for word."""

    item: str
    text: str
    may_share: bool


@dataclass(frozen=True)
class Given:
    """What one respondent answered: a code, the name of an option, or None for "does not apply", by item."""

    answers: Mapping[str, int | str | None]
    comments: Sequence[Comment] = ()
    language: str | None = None


@dataclass(frozen=True)
class Response:
    """One response without its comments."""

    submitted_on: date
    team: str | None
    tenure: str | None
    answers: Mapping[str, Any]
    language: str | None = None


@dataclass(frozen=True)
class WaveAnswers:
    """A wave that has responses and no results yet."""

    survey: str
    wave: str
    first_on: date
    last_on: date


class Answers(Store):
    """The store. Safe to use from many threads; StateError from any method: nothing of that call is kept."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.collected = Collected(database)
        self._rewriting = Rewriting(database)

    def close(self) -> None:
        """Close every connection."""
        self._rewriting.finish()
        super().close()

    def backup(self, path: Path) -> None:
        """Write everything, raw answers too, to the new SQLite file `path`, as of one moment, while others go on."""
        copies.backup(self._database, path)

    def restore(self, path: Path) -> None:
        """Put what a backup holds in the place of what is here. A wave that was erased meanwhile stays erased."""
        copies.restore(self._database, path)

    # -- our own form -------------------------------------------------------------------------------------------------

    def pend(
        self,
        survey: str,
        wave: str,
        given: Given,
        *,
        submitted_on: date,
        team: str | None,
        tenure: str | None,
    ) -> tuple[str, bytes]:
        """Keep a response that does not count yet; its code, of which only digests are kept, and a random attempt.

        The attempt is what its link is spent with, and is kept here until `confirm`: should the process end just then,
        `settle` finds out with it whether this response, and no other of the same link, spent the link.
        """
        code, attempt = secrets.token_urlsafe(16), secrets.token_bytes(32)
        of_wave = {"survey": survey, "wave": wave, "pending": attempt}
        with self._database.writing() as connection:
            connection.execute(
                insert(responses).values(
                    id=_response_id(code),
                    submitted_on=submitted_on,
                    team=team,
                    tenure=tenure,
                    language=given.language,
                    answers=dict(given.answers),
                    pending_at=self._database.clock(),
                    **of_wave,
                )
            )
            for one in given.comments:
                said = {"item": one.item, "text": one.text, "may_share": one.may_share}
                connection.execute(insert(comments).values(id=_comment_id(code, one.item), **said, **of_wave))
        return code, attempt

    def confirm(self, code: str) -> None:
        """The link is spent: the response counts, and nothing is left of the attempt.

        The file is soon written anew, as the bytes of its pages would tell in which order responses and comments came.
        """
        which = responses.c.id == _response_id(code)
        with self._database.writing() as connection:
            own = comments.c.id.in_(_own_comments(connection, code))
            connection.execute(update(responses).where(which).values(pending=None, pending_at=None))
            connection.execute(update(comments).where(own).values(pending=None))
        self._rewriting.soon()

    def drop(self, code: str) -> None:
        """The link was spent before: the response is gone."""
        which = responses.c.id == _response_id(code)
        with self._database.writing() as connection:
            connection.execute(delete(comments).where(comments.c.id.in_(_own_comments(connection, code))))
            connection.execute(delete(responses).where(which))

    def settle(self, survey: str, wave: str, won: Callable[[Iterable[bytes]], set[bytes]]) -> None:
        """Decide on responses that a killed process left undecided: those that spent their link count, old others go.

        `won` says which attempts did. To be called before the wave forgets them.
        """
        of_wave = and_(responses.c.survey == survey, responses.c.wave == wave, responses.c.pending.is_not(None))
        with self._database.reading() as connection:
            found = connection.execute(select(responses.c.pending, responses.c.pending_at).where(of_wave)).all()
        counting = won({row.pending for row in found})
        before = self._database.clock() - UNSURE
        stale = {row.pending for row in found if row.pending not in counting and row.pending_at < before}
        if not counting and not stale:
            return
        with self._database.writing() as connection:
            of_winners = responses.c.pending.in_(counting)
            connection.execute(update(comments).where(comments.c.pending.in_(counting)).values(pending=None))
            connection.execute(update(responses).where(of_winners).values(pending=None, pending_at=None))
            for table in (responses, comments):
                connection.execute(delete(table).where(table.c.pending.in_(stale)))
        self._database.rewrite()

    def withdraw(self, code: str) -> bool:
        """Erase the response of this code with its comments; False where there is none, or its results stand."""
        which = responses.c.id == _response_id(code)
        with self._database.writing() as connection:
            row = connection.execute(select(responses.c.survey, responses.c.wave).where(which)).one_or_none()
            if row is None or is_frozen(connection, row.survey, row.wave):
                return False
            connection.execute(delete(comments).where(comments.c.id.in_(_own_comments(connection, code))))
            connection.execute(delete(responses).where(which))
        return True

    # -- results ------------------------------------------------------------------------------------------------------

    def waiting(self) -> list[WaveAnswers]:
        """The waves that have responses and no results yet, by name."""
        query = (
            select(
                responses.c.survey,
                responses.c.wave,
                func.min(responses.c.submitted_on),
                func.max(responses.c.submitted_on),
            )
            .outerjoin(results, and_(results.c.survey == responses.c.survey, results.c.wave == responses.c.wave))
            .where(results.c.survey.is_(None), responses.c.pending.is_(None))
            .group_by(responses.c.survey, responses.c.wave)
            .order_by(responses.c.survey, responses.c.wave)
        )
        with self._database.reading() as connection:
            return [WaveAnswers(*row) for row in connection.execute(query)]

    def responses(self, survey: str, wave: str) -> list[Response]:
        """Every response of a wave that counts. Only `evaluation.compute` may see them."""
        which = and_(responses.c.survey == survey, responses.c.wave == wave, responses.c.pending.is_(None))
        query = select(
            responses.c.submitted_on, responses.c.team, responses.c.tenure, responses.c.answers, responses.c.language
        )
        with self._database.reading() as connection:
            return [Response(*row) for row in connection.execute(query.where(which).order_by(responses.c.id))]

    def comments(self, survey: str, wave: str) -> list[Comment]:
        """Every comment of a wave, in an order that says nothing."""
        which = and_(comments.c.survey == survey, comments.c.wave == wave, comments.c.pending.is_(None))
        query = select(comments.c.item, comments.c.text, comments.c.may_share).where(which).order_by(comments.c.id)
        with self._database.reading() as connection:
            return [Comment(*row) for row in connection.execute(query)]

    def freeze(self, survey: str, wave: str, document: Mapping[str, Any]) -> None:
        """Let these be the results of a wave for good; StateError where there are some already."""
        with self._database.writing() as connection:
            if is_frozen(connection, survey, wave):
                raise StateError(f"{NAME}: the results of {survey} {wave} stand: they are not computed twice")
            connection.execute(insert(results).values(survey=survey, wave=wave, document=dict(document)))

    def frozen(self) -> dict[tuple[str, str], Mapping[str, Any] | None]:
        """The results that stand, by survey and wave; None for those that were erased."""
        with self._database.reading() as connection:
            rows = connection.execute(select(results).order_by(results.c.survey, results.c.wave)).all()
        return {(row.survey, row.wave): row.document for row in rows}

    # -- forgetting ---------------------------------------------------------------------------------------------------

    def expire(self, survey: str, before: date) -> int:
        """Erase the answers of waves of a survey whose last response is older; results stay. How many responses."""
        newest = (
            select(responses.c.wave)
            .where(responses.c.survey == survey)
            .group_by(responses.c.wave)
            .having(func.max(responses.c.submitted_on) < before)
        )
        with self._database.reading() as connection:
            waves = connection.scalars(newest).all()
        return sum(self.erase(survey, wave, with_results=False) for wave in waves)

    def erase(self, survey: str, wave: str, *, with_results: bool) -> int:
        """Erase the answers of a wave, on request its results too, which are not computed again. How many responses."""
        with self._database.writing() as connection:
            of_wave = and_(responses.c.survey == survey, responses.c.wave == wave)
            erased = connection.execute(delete(responses).where(of_wave)).rowcount
            connection.execute(delete(comments).where(comments.c.survey == survey, comments.c.wave == wave))
            if with_results:
                connection.execute(delete(results).where(results.c.survey == survey, results.c.wave == wave))
                connection.execute(insert(results).values(survey=survey, wave=wave, document=None))
        self._database.rewrite()
        return erased


def open_answers(url: str, folder: Path, clock: Callable[[], datetime]) -> Answers:
    """The answers store of `url`, or `folder/answers.sqlite` where it is blank; made if need be.

    SettingsError where the URL cannot be used, StateError where the store cannot.
    """
    database = connect(url, folder, clock, name=NAME, leaves_traces=False)
    try:
        with database.writing() as connection:
            metadata.create_all(connection)
    except BaseException:
        database.close()
        raise
    return Answers(database)


def of_project(project: Project, clock: Callable[[], datetime]) -> Answers:
    """The answers store of a project: that of `[surveys] url`, else the file in its data folder."""
    url = project.settings.surveys.url
    return open_answers(url.get_secret_value() if url else "", project.data, clock)


def exists(project: Project) -> bool:
    """Whether a project has an answers store already; looking makes none."""
    return project.settings.surveys.url is not None or (project.data / f"{NAME}.sqlite").exists()


def _own_comments(connection: Connection, code: str) -> list[str]:
    """The ids that the comments of a response have, where it has any: only its code tells."""
    of_response = select(responses.c.survey, responses.c.wave).where(responses.c.id == _response_id(code))
    row = connection.execute(of_response).one_or_none()
    if row is None:
        return []
    of_wave = and_(comments.c.survey == row.survey, comments.c.wave == row.wave)
    return [_comment_id(code, item) for item in connection.scalars(select(comments.c.item).where(of_wave).distinct())]


def _response_id(code: str) -> str:
    return hashlib.sha256(f"response\0{code.strip()}".encode()).hexdigest()


def _comment_id(code: str, item: str) -> str:
    return hashlib.sha256(f"comment\0{item}\0{code.strip()}".encode()).hexdigest()
