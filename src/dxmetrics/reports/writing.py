"""Writing a report: its file, one period and the numbers of one publication become a document.

Only complete periods are written. What is not known is said, with the reason; a period of which nothing is known gives
a whole document that says so.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from dxmetrics import numbers
from dxmetrics.errors import SettingsError
from dxmetrics.metrics import Metrics
from dxmetrics.reports import calendar
from dxmetrics.reports.context import Context
from dxmetrics.reports.document import Document, Figure, Section, Sentences, Table, Tiles, Value
from dxmetrics.reports.library import ReportFile
from dxmetrics.reports.sections import Definitions, Entry
from dxmetrics.survey import actions as acting
from dxmetrics.survey import read as published
from dxmetrics.survey.actions import Action
from dxmetrics.survey.read import Surveys

if TYPE_CHECKING:
    from dxmetrics.project import Project


def written(project: Project, report: ReportFile, *, team: str | None = None, period: str | None = None) -> Document:
    """The document from the newest publication of a project; as `write` does it."""
    metrics, surveys = Metrics.open(project.data), published.results(project.data)
    return write(report, metrics, surveys, team=team, period=period, actions=acting.of_project(project, surveys))


def write(
    report: ReportFile,
    metrics: Metrics,
    surveys: Surveys,
    *,
    team: str | None = None,
    period: str | None = None,
    actions: Sequence[Action] = (),
) -> Document:
    """The document of one period, "2026-10", "2026-W44", "2026-Q3" or the last complete one, and of one team or all.

    SettingsError: the period is not over or of another kind, the team is none or none is named, a metric or survey
    that the file names does not exist.
    """
    window = calendar.named(period, report.period, metrics.as_of, metrics.reporting_zone)
    _require_team(report, metrics, team)
    _require_metrics(report, metrics)
    context = Context(metrics, surveys, actions, window, report.period, team)
    sections = _merged(_sections(report, context))
    if not any(_knows(one) for one in sections if not one.is_current):
        sections = [_nothing(context), *sections]
    return Document(
        report=report.name,
        title=report.title,
        organisation=metrics.organisation,
        team=team,
        start=window.start,
        end=window.end,
        compared_with=context.before_words,
        zone=metrics.reporting_zone,
        as_of=metrics.as_of,
        data_version=metrics.data_version,
        is_sample=metrics.is_sample,
        sections=tuple(sections),
        footnotes=tuple(context.footnotes),
    )


def teams_of(report: ReportFile, metrics: Metrics) -> tuple[str | None, ...]:
    """For whom there is a document: each team that is named, else each that owns services; None for all together."""
    if report.audience == "organisation":
        return (None,)
    return report.teams or metrics.values("team")


def _require_team(report: ReportFile, metrics: Metrics, team: str | None) -> None:
    known = metrics.values("team")
    if report.audience == "organisation":
        if team is not None:
            raise SettingsError(
                f"report {report.name} is one document for all teams: leave the team out, or write a report of your "
                "own with audience: team"
            )
        return
    if team is None:
        raise SettingsError(
            f"report {report.name} is one document for each team: name one of {', '.join(known) or 'none'}"
        )
    if team not in known:
        close = difflib.get_close_matches(team, known, n=1, cutoff=0.5)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise SettingsError(f"team {team!r} is not known: {hint}there are {', '.join(known) or 'none yet'}")


def _require_metrics(report: ReportFile, metrics: Metrics) -> None:
    for place, entry in enumerate(report.sections, start=1):
        for name in entry.metrics_named:
            try:
                metrics.definition(name)
            except SettingsError as error:
                raise SettingsError(f"report {report.name}, section {place} ({entry.section}): {error}") from error


def _sections(report: ReportFile, context: Context) -> Iterator[Section]:
    """What the sections say; definitions last, as only then it is known of what."""
    later = [one for one in report.sections if isinstance(one, Definitions)]
    for entry in (*(one for one in report.sections if one not in later), *later[:1]):
        section = _written(report, entry, context)
        if section is not None:
            yield section


def _written(report: ReportFile, entry: Entry, context: Context) -> Section | None:
    try:
        return entry.write(context)
    except SettingsError as error:
        raise SettingsError(f"report {report.name}, section {entry.section}: {error}") from error


def _merged(sections: Iterable[Section]) -> list[Section]:
    """Sections of one title that follow each other as one: three metrics over time are one part of a report."""
    found: list[Section] = []
    for section in sections:
        if found and (found[-1].name, found[-1].title) == (section.name, section.title):
            found[-1] = found[-1].model_copy(update={"blocks": (*found[-1].blocks, *section.blocks)})
        else:
            found.append(section)
    return found


def _knows(section: Section) -> bool:
    """Whether a section tells any number."""
    for block in section.blocks:
        if isinstance(block, Tiles) and any(tile.value.value is not None for tile in block.tiles):
            return True
        if isinstance(block, Figure) and not block.chart.is_empty:
            return True
        if isinstance(block, Sentences) and block.sentences:
            return True
        if isinstance(block, Table) and any(_is_known(cell) for row in block.rows for cell in row):
            return True
    return False


def _is_known(cell: object) -> bool:
    return isinstance(cell, Value) and (cell.value is not None or cell.is_hidden)


def _nothing(context: Context) -> Section:
    """That nothing is known of the period, and of when something is."""
    window, health = context.window, context.health
    since = min((row["complete_since"] for row in health.coverage if row["complete_since"]), default=None)
    until = max((row["complete_until"] for row in health.coverage if row["complete_until"]), default=None)
    told = "No source has been read yet."
    if since and until:
        told = f"What the sources tell reaches from {numbers.day(since.date())} to {numbers.day(until.date())}."
    whom = f" of {context.team}" if context.team else ""
    return Section(
        name="nothing",
        title="Nothing is known of this period",
        lead=f"No number{whom} is known from {numbers.span(window.start, window.end)}. {told}",
        blocks=(),
    )
