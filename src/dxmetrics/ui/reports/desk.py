"""What the page Reports works with: the report files with their checks, the archive, and documents written now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from dxmetrics import state as states
from dxmetrics.errors import SettingsError
from dxmetrics.metrics import Window, periods
from dxmetrics.pipeline import utc_now
from dxmetrics.reports import calendar, library, writing
from dxmetrics.reports.archive import Archive
from dxmetrics.state import REPORTS
from dxmetrics.survey import actions
from dxmetrics.ui import reading
from dxmetrics.ui.experience import view
from dxmetrics.ui.lock import Lock
from dxmetrics.ui.reading import Reading

if TYPE_CHECKING:
    from dxmetrics.project import Project
    from dxmetrics.reports.document import Document
    from dxmetrics.reports.library import ReportFile
    from dxmetrics.state import State
    from dxmetrics.state.editions import Edition

LOCK = Lock(REPORTS)
PERIODS = 8  # that can be chosen: the last two years of quarters


@dataclass(frozen=True)
class Checked:
    """A report's file: what it says, or what is wrong with it."""

    name: str
    report: ReportFile | None
    problem: str | None


@dataclass(frozen=True)
class Desk:
    """Everything the page works with."""

    read: Reading
    project: Project
    state: State
    files: tuple[Checked, ...]

    @property
    def reports(self) -> Mapping[str, ReportFile]:
        """The reports that are in order, by name."""
        return {one.name: one.report for one in self.files if one.report}

    @property
    def archive(self) -> Archive:
        """Every edition that is kept."""
        return Archive(self.state)

    @property
    def is_unlocked(self) -> bool:
        """Whether this session may change anything."""
        return LOCK.refusal(self.state) is None

    def periods(self, report: ReportFile) -> list[Window]:
        """The last complete periods of a report, the newest first."""
        metrics, kind = self.read.metrics, report.period
        last = calendar.last_complete(kind, metrics.as_of, metrics.reporting_zone)
        spread = calendar.before(last, PERIODS - 1, kind)
        return [Window(one.start, one.end) for one in periods.buckets(spread, kind, metrics.reporting_zone)][::-1]

    def kept(self, report: str, team: str | None, window: Window) -> Edition | None:
        """The newest edition of a report for a team and period; None where none is kept."""
        wanted = (report, team, window.start, window.end)
        editions = self.state.editions.newest()
        return next((one for one in editions if (one.report, one.team, one.starts_on, one.ends_on) == wanted), None)

    def edition(self, key: str, number: int | None) -> Document:
        """The document of an edition, which never changes; SettingsError where there is none."""
        number = number or next((one.edition for one in self.archive.editions(key)), None)
        return self.read.once(("edition", key, number), lambda: self.archive.find(key, number))

    def written(self, report: ReportFile, team: str | None, window: Window) -> Document:
        """The document as the newest numbers make it; SettingsError where it cannot be written."""
        surveys = view.results(self.read)
        return self.read.once(
            ("written", report, team, window),
            lambda: writing.write(
                report, self.read.metrics, surveys, team=team, period=periods.label(window.start, report.period),
                actions=actions.of_project(self.project, surveys),
            ),
        )  # fmt: skip


def opened(read: Reading) -> Desk:
    """The desk of the project this process serves; StateError where its state store cannot be used."""
    project = reading.project()
    files = library.files_of(project)
    return Desk(read, project, _state(), tuple(_checked(read, name, file) for name, file in files.items()))


def _checked(read: Reading, name: str, file: Path) -> Checked:
    try:
        changed = file.stat().st_mtime_ns
    except OSError as error:  # it was removed between the two looks
        return Checked(name, None, f"{file}: cannot be read: {error}")
    return read.once(("report file", file, changed), lambda: _loaded(name, file))


def _loaded(name: str, file: Path) -> Checked:
    try:
        return Checked(name, library.load(file), None)
    except SettingsError as error:
        return Checked(name, None, str(error))


@st.cache_resource(show_spinner=False)
def _state() -> State:
    return states.of_project(reading.project(), utc_now)
