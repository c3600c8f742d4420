"""What the page Surveys tells: the instruments with their checks, what is next, and the waves that are over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import streamlit as st

from dxmetrics import numbers
from dxmetrics import state as states
from dxmetrics.errors import SettingsError
from dxmetrics.pipeline import utc_now
from dxmetrics.survey import Instrument, instrument, library
from dxmetrics.ui import frame, reading

if TYPE_CHECKING:
    from dxmetrics.project import Project
    from dxmetrics.state import State, Wave
    from dxmetrics.survey.read import Surveys

CADENCES = {"once": "once", "monthly": "each month", "quarterly": "each quarter", "yearly": "each year"}


@dataclass(frozen=True)
class Checked:
    """An instrument's file: what it says, or what is wrong with it."""

    name: str
    instrument: Instrument | None
    problem: str | None


@dataclass(frozen=True)
class Desk:
    """Everything the page works with."""

    project: Project
    state: State
    files: tuple[Checked, ...]
    results: Surveys
    zone: ZoneInfo

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """The instruments that are in order by survey, those with an open wave first."""
        found = {one.instrument.survey.id: one.instrument for one in self.files if one.instrument and not one.problem}
        open_ones = {wave.survey for wave in self.state.waves.running()}
        return {name: found[name] for name in sorted(found, key=lambda name: name not in open_ones)}

    @property
    def today(self) -> date:
        """The day in the reporting zone."""
        return utc_now().astimezone(self.zone).date()

    def running(self, survey: str) -> Wave | None:
        """The wave of a survey that is open."""
        return next((wave for wave in self.state.waves.running() if wave.survey == survey), None)


def opened(results: Surveys) -> Desk:
    """The desk of the project this process serves; StateError where its state store cannot be used."""
    project = reading.project()
    state = _state()
    zone = ZoneInfo(project.settings.organisation.reporting_zone)
    return Desk(project, state, checked(project, state.waves.all()), results, zone)


def checked(project: Project, known: Sequence[Wave]) -> tuple[Checked, ...]:
    """Every instrument of the project, each with the first thing that is wrong with it: by itself, beside the others,
    or against the wording of an earlier wave."""
    found: list[Checked] = []
    for file in library.files_of(project):
        try:
            one = instrument.load(file)
        except SettingsError as error:
            found.append(Checked(file.name, None, str(error)))
            continue
        others = [other.instrument for other in found if other.instrument]
        found.append(Checked(file.name, one, _conflict(one, others, known, file.name)))
    return tuple(found)


def listed(desk: Desk) -> tuple[dict[str, object], ...]:
    """One row per instrument: what it asks, whether it is in order, and what is next."""
    return tuple(
        {
            "Survey": one.instrument.survey.id if one.instrument else one.name,
            "Asks": _asks(one.instrument) if one.instrument else "",
            "Check": one.problem or "in order",
            "Next": upcoming(desk, one.instrument) if one.instrument and not one.problem else "correct the file",
        }
        for one in desk.files
    )


def lead(desk: Desk) -> str:
    """What is going on, in a line."""
    running, wrong = desk.state.waves.running(), [one for one in desk.files if one.problem]
    going = f"{numbers.count(len(running), 'wave')} open" if running else "no wave is open"
    check = f"{numbers.count(len(wrong), 'instrument')} to correct" if wrong else "all in order"
    return f"{numbers.count(len(desk.files), 'instrument')}, {check} · {going}"


def history(desk: Desk) -> tuple[dict[str, object], ...]:
    """One row per wave that is over, the newest first: who took part, and where its results are."""
    published = {(one.survey, one.wave) for one in desk.results.all()}
    over: list[dict[str, object]] = [
        {
            "Survey": one.survey,
            "Wave": one.wave,
            "Asked": f"{numbers.day(one.opened_on)} to {numbers.day(one.closed_on)}",
            "Took part": _took_part(one.answered, one.invited),
            "Results": f"experience?survey={one.survey}&wave={one.wave}",
        }
        for one in desk.results.all()
    ]
    waiting: list[dict[str, object]] = [
        {
            "Survey": one.survey,
            "Wave": one.name,
            "Asked": f"{numbers.day(one.opened_at.date())} to {numbers.day(one.closed_at.date())}",
            "Took part": "",
            "Results": None,
        }
        for one in desk.state.waves.all()
        if one.closed_at is not None and (one.survey, one.name) not in published
    ]
    return (*waiting, *over)


def show_history(desk: Desk) -> None:
    """The card of waves that are over."""
    over = history(desk)
    if over:
        with frame.card(
            "history", "Waves that are over", "Results are computed once, with the build after a wave closed"
        ):
            st.dataframe(
                list(over),
                hide_index=True,
                column_config={"Results": st.column_config.LinkColumn(display_text="Experience")},
                placeholder="with the next build",
                alt="Waves that are over, the newest first",
            )


def closes(desk: Desk, running: Wave) -> str:
    closes = running.closes_at.astimezone(desk.zone)
    return f"closes by itself on {numbers.day(closes.date())} at {closes:%H:%M}"


def upcoming(desk: Desk, one: Instrument) -> str:
    """What comes next for a survey."""
    running = desk.running(one.survey.id)
    if running is not None:
        return f"{running.name} is open: {closes(desk, running)}"
    planned = one.wave.opens
    if planned is not None and planned >= desk.today:
        return f"opens by itself on {numbers.day(planned)}"
    last = next((wave for wave in desk.state.waves.all() if wave.survey == one.survey.id), None)
    if last is not None and one.wave.min_gap_days:
        allowed = (last.opened_at + timedelta(days=one.wave.min_gap_days)).astimezone(desk.zone).date()
        if allowed > desk.today:
            return f"can be opened again from {numbers.day(allowed)}"
    return "nothing is planned: open it when you are ready"


def _conflict(one: Instrument, others: Sequence[Instrument], known: Sequence[Wave], where: str) -> str | None:
    if any(other.survey.id == one.survey.id for other in others):
        return f"survey {one.survey.id} is in another file too: give it another id"
    before = [Instrument.from_json(wave.instrument) for wave in known if wave.survey == one.survey.id]
    try:
        for other in (*others, *before):
            library.require_same_wording(one, other, where)
    except SettingsError as error:
        return str(error)
    return None


def _asks(one: Instrument) -> str:
    languages = ", ".join(one.survey.languages)
    cadence = "after a deployment" if one.triggers else CADENCES.get(one.wave.cadence, one.wave.cadence)
    return f"{numbers.count(len(one.items), 'question')}, {cadence}, in {languages}"


def _took_part(answered: int | None, invited: int | None) -> str:
    if answered is None:
        return "too few to tell"
    return f"{100 * answered / invited:.0f} % · {answered:,} of {invited:,}" if invited else f"{answered:,}"


@st.cache_resource(show_spinner=False)
def _state() -> State:
    return states.of_project(reading.project(), utc_now)
