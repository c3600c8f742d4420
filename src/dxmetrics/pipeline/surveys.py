"""The end of a survey's line: waves whose time is over are closed, and their results computed once and published.

Results are frozen in the answers store and copied from there into the warehouse, so that a warehouse built anew shows
the very same ones, whatever teams have become since.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from dxmetrics import state as states
from dxmetrics import survey
from dxmetrics.errors import SettingsError
from dxmetrics.survey import themes, waves
from dxmetrics.warehouse import surveys as warehouse

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from dxmetrics.project import Project
    from dxmetrics.state import State, Wave
    from dxmetrics.survey import Answers, Instrument

Clock = Callable[[], datetime]

THEMES = "data/seeds/survey_themes.toml"

log = logging.getLogger("dxmetrics.pipeline")


def bring_up_to_date(connection: DuckDBPyConnection, project: Project, clock: Clock) -> int:
    """Close what is over, compute what is closed, forget what is too old; how many waves were computed.

    A wave of which nothing can be computed, as no instrument describes it, waits until one does.
    """
    if not survey.has_answers(project) and not _has_state(project):
        return 0
    with states.of_project(project, clock) as state, survey.answers_of(project, clock) as answers:
        now = clock()
        for wave in state.waves.running():
            if now >= wave.closes_at or state.waves.key(wave.id) is None:
                waves.close(state, answers, wave)
        instruments, computed = _instruments(project), 0
        for one in _due(project, state, answers, instruments, now):
            answers.freeze(one.survey, one.name, _compute(connection, project, answers, one).model_dump(mode="json"))
            computed += 1
        _expire(answers, instruments, now.date())
        standing = {key: document for key, document in answers.frozen().items() if document is not None}
        warehouse.write_results(connection, standing)
    return computed


@dataclass(frozen=True)
class _Due:
    """A wave that is over and has no results yet. `wave` is None for one that another tool asked."""

    survey: str
    name: str
    instrument: Instrument
    opened_on: date
    closed_on: date
    wave: Wave | None


def _due(
    project: Project, state: State, answers: Answers, instruments: Mapping[str, Instrument], now: datetime
) -> list[_Due]:
    frozen = answers.frozen()
    own = {(wave.survey, wave.name): wave for wave in state.waves.all()}
    zone = ZoneInfo(project.settings.organisation.reporting_zone)
    due = [
        _Due(
            wave.survey,
            wave.name,
            survey.Instrument.from_json(wave.instrument),
            wave.opened_at.astimezone(zone).date(),
            wave.closed_at.astimezone(zone).date(),
            wave,
        )
        for key, wave in own.items()
        if wave.closed_at is not None and key not in frozen
    ]
    quiet = timedelta(days=project.settings.surveys.quiet_days)
    for one in (one for one in answers.waiting() if (one.survey, one.wave) not in own):
        instrument = instruments.get(one.survey)
        if instrument is not None and one.last_on + quiet < now.astimezone(UTC).date():
            due.append(_Due(one.survey, one.wave, instrument, one.first_on, one.last_on, None))
    return due


def _compute(connection: DuckDBPyConnection, project: Project, answers: Answers, due: _Due) -> survey.Results:
    tree = warehouse.team_tree(connection)
    facts = survey.Facts(
        wave=due.name,
        opened_on=due.opened_on,
        closed_on=due.closed_on,
        teams=[survey.TeamNode(name=name, parent=parent) for name, parent in tree.parents.items()],
        team_of=tree.team_of,
        invited=_invited(connection, due, tree),
        names=warehouse.people_names(connection),
        themes=themes.load(project.content(THEMES)),
    )
    log.info("survey=%s wave=%s computed", due.survey, due.name)
    return survey.compute(
        due.instrument, facts, answers.responses(due.survey, due.name), answers.comments(due.survey, due.name)
    )


def _invited(connection: DuckDBPyConnection, due: _Due, tree: warehouse.Tree) -> Mapping[str | None, int] | None:
    """How many of each team were asked: those who got a link; where another tool asked, the members of that day."""
    if due.wave is None:
        return warehouse.members(connection, due.opened_on) or None
    invited: dict[str | None, int] = {}
    for cohort in due.wave.cohorts:
        team = tree.team_of(cohort.team) if cohort.team else None
        invited[team] = invited.get(team, 0) + cohort.invited
    return invited


def _expire(answers: Answers, instruments: Mapping[str, Instrument], today: date) -> None:
    """Erase answers that are older than their survey keeps them."""
    for name, instrument in instruments.items():
        erased = answers.expire(name, today - timedelta(days=instrument.privacy.retention_days))
        if erased:
            log.info("survey=%s erased=%d reason=retention", name, erased)


def _instruments(project: Project) -> Mapping[str, Instrument]:
    try:
        return survey.instruments_of(project)
    except SettingsError as error:
        log.warning("surveys: %s", error)
        return {}


def _has_state(project: Project) -> bool:
    return project.settings.state.url is not None or (project.data / "state.sqlite").exists()
