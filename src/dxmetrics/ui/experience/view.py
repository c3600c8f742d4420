"""What the page looks at: one wave of one survey, the wave before it, and what is signal between the two."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import streamlit as st

from dxmetrics.metrics import Window, complete_weeks
from dxmetrics.survey import Cell, Measure, Results
from dxmetrics.survey import read as published
from dxmetrics.survey.read import Change, Surveys
from dxmetrics.survey.results import Cut
from dxmetrics.ui import frame
from dxmetrics.ui.reading import Reading

LANGUAGE = "en"  # of the pages
WEEKS = 13  # the three months that answers speak of


@dataclass(frozen=True)
class View:
    """One wave as the page shows it; `before` is None for a survey's first one."""

    surveys: Surveys
    now: Results
    before: Results | None
    changes: Mapping[tuple[str, Cut, str], Change]

    @classmethod
    def of(cls, surveys: Surveys, survey: str, wave: str | None = None) -> "View":
        """A wave of a survey, the newest where none is named; SettingsError where there is none of these names."""
        now = surveys.find(survey, wave)
        before = surveys.before(now)
        found = published.changes(now, before) if before else ()
        return cls(surveys, now, before, {(one.measure, one.cut, one.key): one for one in found})

    def said(self, texts: Mapping[str, str]) -> str:
        """A text in the pages' language, else in the survey's first one."""
        return text_of(texts, self.now.languages)

    def measures(self, *kinds: str) -> tuple[Measure, ...]:
        """The measures of these kinds, in the survey's order."""
        return tuple(one for one in self.now.measures if one.kind in kinds)

    def cell(self, measure: Measure, cut: Cut = "all", key: str = "") -> Cell | None:
        """What is known of a measure for a group; None where the group is none of this wave."""
        return published.cell(self.now, measure.id, cut, key)

    def change(self, cell: Cell) -> Change | None:
        """What a cell changed by since the wave before; None where one of the two is not shown."""
        return self.changes.get((cell.measure, cell.cut, cell.key))

    @property
    def teams(self) -> tuple[tuple[str, int], ...]:
        """Every team with its depth in the tree, each after the one above it."""
        below: dict[str | None, list[str]] = {}
        known = {team.name for team in self.now.teams}
        for team in self.now.teams:
            below.setdefault(team.parent if team.parent in known else None, []).append(team.name)
        return tuple(_walk(below, None, 0))

    @property
    def leaves(self) -> frozenset[str]:
        """The teams with none below them: a team above speaks for all of these, but owns none of their services."""
        return frozenset(team.name for team in self.now.teams) - {team.parent for team in self.now.teams}

    @property
    def tenures(self) -> tuple[str, ...]:
        """The bands of time in the organisation, the newcomers first."""
        return tuple(sorted(self.now.tenures, key=lambda band: (_years(band), band)))

    def window(self, zone: str) -> Window:
        """The complete weeks before the wave closed that its answers speak of."""
        after = datetime.combine(self.now.closed_on + timedelta(days=1), time(), UTC)
        return complete_weeks(WEEKS, after + timedelta(hours=12), zone)


def choose(reading: Reading) -> View | None:
    """Draws the pickers (`?survey=…&wave=…`) and gives back what they say; None where nothing is published yet."""
    surveys = results(reading)
    names = order(surveys)
    if not names:
        return None
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="filters"):
        asked = st.selectbox(
            "Survey",
            names,
            key="survey",
            bind="query-params",
            label_visibility="collapsed",
            width=240,
        )
        survey = asked if asked in names else names[0]
        waves = [one.wave for one in surveys.waves(survey)]
        wave = st.selectbox("Wave", waves, key="wave", bind="query-params", label_visibility="collapsed", width=140)
    chosen = wave if wave in waves else None
    return reading.once(("experience", survey, chosen), lambda: View.of(surveys, survey, chosen))


def results(reading: Reading) -> Surveys:
    """The results of every wave that is published."""
    return reading.once("surveys", lambda: published.results(Path(reading.data)))


def order(surveys: Surveys) -> list[str]:
    """The surveys by their newest wave; first those with the most items that are set against a metric."""

    def measured(name: str) -> int:
        return sum(one.measured_by is not None for one in surveys.find(name).measures)

    return sorted(surveys.names(), key=measured, reverse=True)


def nothing_yet() -> None:
    """What to do where no wave has results."""
    with frame.card("nothing", "No survey has results yet", "They are computed once, after a wave has closed"):
        st.code(
            "dxmetrics survey check                   # the surveys there are\n"
            "dxmetrics survey open devex-quarterly    # or on the page Surveys\n"
            "dxmetrics survey invite devex-quarterly",
            language="bash",
        )


def text_of(texts: Mapping[str, str], languages: Sequence[str]) -> str:
    """A text in the pages' language, else in the first of `languages`, else in any."""
    return next((texts[one] for one in (LANGUAGE, *languages) if one in texts), next(iter(texts.values())))


def _walk(below: Mapping[str | None, Sequence[str]], above: str | None, depth: int) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    for name in below.get(above, ()):
        found += [(name, depth), *_walk(below, name, depth + 1)]
    return found


def _years(band: str) -> float:
    """The middle of the numbers in a band's name; bands without any come last."""
    numbers = [float(number) for number in re.findall(r"\d+(?:\.\d+)?", band)]
    return sum(numbers) / len(numbers) if numbers else float("inf")
