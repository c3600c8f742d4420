"""Reports that are written by their schedule: each once for a team and a period, when the data covers all of it.

A report is due at a time of its cron expression, for the last period that was over then. Of several times that were
missed the last one counts. What was begun is gone on with after anything: a team that has its document is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

from dxmetrics import cadence, numbers
from dxmetrics.errors import SettingsError, WarehouseError
from dxmetrics.metrics import Metrics
from dxmetrics.metrics.periods import label
from dxmetrics.reports import calendar, library, writing
from dxmetrics.reports.archive import Archive
from dxmetrics.reports.document import Document
from dxmetrics.reports.library import ReportFile
from dxmetrics.state.deliveries import Planned, Target

if TYPE_CHECKING:
    from dxmetrics.project import Project
    from dxmetrics.state import State

LONGEST_LOOK_BACK = timedelta(days=100)  # from where on every time is looked at, to find the last one

Said = tuple[Literal["ok", "failed"], str]
Write = Callable[["Project", ReportFile, str | None, str], Document]


def written(project: Project, report: ReportFile, team: str | None, period: str) -> Document:
    """The document from the newest publication."""
    return writing.written(project, report, team=team, period=period)


def write_due(
    project: Project,
    state: State,
    now: datetime,
    *,
    write: Write | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[Said]:
    """Write what is due and plan its deliveries; what was done, and what keeps a report from being written."""
    planned = state.deliveries.scheduled()
    files = library.files_of(project)
    for name in planned.keys() - files.keys():
        state.deliveries.unschedule(name)
    for name, file in files.items():
        try:
            report = library.load(file)
        except SettingsError as error:
            if name in planned:
                yield from _waits(state, planned[name], str(error))
            continue
        due = _planned(project, state, report, planned.get(name), now)
        if due is not None and due.next_at <= now and not stop():
            yield from _Due(project, state, report, due, now, write or written).write(stop)


def targets(report: ReportFile, team: str | None) -> list[Target]:
    """Where the document of a team goes, or the one of all teams (None)."""
    found = []
    for one in report.deliver:
        if not one.teams or team in one.teams:
            found += [Target(one.channel, recipient) for recipient in one.mail or (getattr(one, one.channel),)]
    return found


def _planned(
    project: Project, state: State, report: ReportFile, planned: Planned | None, now: datetime
) -> Planned | None:
    """When it is written next, by the schedule that its file has now; None: not by itself."""
    if report.schedule is None:
        if planned is not None:
            state.deliveries.unschedule(report.name)
        return None
    is_stale = planned is not None and planned.waits_for is not None and planned.next_at > now  # its file was mended
    if planned is None or planned.schedule != report.schedule or is_stale:
        next_at = _following(project, report.schedule, now)
        state.deliveries.schedule(report.name, report.schedule, next_at)
        return Planned(report.name, report.schedule, next_at, None)
    return planned


def _waits(state: State, planned: Planned, why: str, status: Literal["ok", "failed"] = "failed") -> Iterator[Said]:
    """Remember what keeps a report from being written; told once."""
    if planned.waits_for != why:
        state.deliveries.schedule(planned.report, planned.schedule, planned.next_at, why)
        yield status, f"report {planned.report}: {why}"


def _following(project: Project, schedule: str, moment: datetime) -> datetime:
    found = cadence.following(schedule, moment, ZoneInfo(project.settings.organisation.reporting_zone))
    if found is None:
        raise SettingsError(f"schedule {schedule!r} never comes: write a cron expression, or leave it out")
    return found


class _Due:
    """A report that is due."""

    def __init__(
        self, project: Project, state: State, report: ReportFile, planned: Planned, now: datetime, write: Write
    ) -> None:
        self._project = project
        self._state = state
        self._report = report
        self._planned = planned
        self._now = now
        self._write = write

    def write(self, stop: Callable[[], bool]) -> Iterator[Said]:
        """Write it for every team that has it not yet, once the data covers its period."""
        report, due_at = self._report, self._last_time()
        try:
            metrics = Metrics.open(self._project.data)
        except WarehouseError as error:
            yield from _waits(self._state, self._planned, str(error))
            return
        window = calendar.last_complete(report.period, due_at, metrics.reporting_zone)
        if not calendar.is_over(window, metrics.as_of, metrics.reporting_zone):
            period, reached = calendar.words(window, report.period), numbers.instant(metrics.as_of)
            why = f"waits for data to the end of {period}: it reaches to {reached}"
            yield from _waits(self._state, self._planned, why, "ok")
            return
        problems = []
        for team in writing.teams_of(report, metrics):
            if stop():
                return
            try:
                yield from self._of_team(team, label(window.start, report.period))
            except SettingsError as error:
                problems.append(str(error))
        if problems:
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            yield from _waits(self._state, self._planned, f"{problems[0]}{more}")
            return
        following = _following(self._project, self._planned.schedule, due_at)
        self._state.deliveries.schedule(report.name, self._planned.schedule, following)

    def _of_team(self, team: str | None, period: str) -> Iterator[Said]:
        report, deliveries = self._report, self._state.deliveries
        if deliveries.has_run(report.name, team, period):
            return
        kept = Archive(self._state).keep(self._write(self._project, report, team, period))
        if deliveries.ran(report.name, team, period, (kept.id, kept.edition), targets(report, team), report.formats):
            yield "ok", f"report {kept.id} is written, edition {kept.edition}"

    def _last_time(self) -> datetime:
        """The last of its times that have come."""
        due_at, schedule = self._planned.next_at, self._planned.schedule
        if due_at < self._now - LONGEST_LOOK_BACK:
            later = _following(self._project, schedule, self._now - LONGEST_LOOK_BACK)
            due_at = later if later <= self._now else due_at
        while (following := _following(self._project, schedule, due_at)) <= self._now:
            due_at = following
        return due_at
