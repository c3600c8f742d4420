"""The row of filters above the numbers. Every choice is in the address, so a view can be shared as a link."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import streamlit as st

from dxmetrics.metrics import complete_weeks
from dxmetrics.ui.reading import Reading

WEEKS = {"4 weeks": 4, "13 weeks": 13, "26 weeks": 26, "52 weeks": 52}
USUAL = "13 weeks"


@dataclass(frozen=True)
class Choice:
    """What the reader looks at: complete weeks from `start` to before `end`, of some teams and services."""

    start: date
    end: date
    teams: tuple[str, ...] = ()
    services: tuple[str, ...] = ()

    @property
    def weeks(self) -> int:
        return (self.end - self.start).days // 7

    @property
    def until(self) -> date:
        """The end of the week that is still running: charts show it too, hollow."""
        return self.end + timedelta(weeks=1)

    @property
    def where(self) -> Mapping[str, Sequence[str]]:
        chosen = {"team": self.teams, "service": self.services}
        return {dimension: values for dimension, values in chosen.items() if values}


def bar(reading: Reading) -> Choice:
    """Draws the filters in one row (`?period=26+weeks&team=…&service=…`) and gives back what they say."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="filters"):
        period = st.segmented_control(
            "Period",
            list(WEEKS),
            default=USUAL,
            required=True,
            key="period",
            bind="query-params",
            label_visibility="collapsed",
        )
        teams = _choose("Teams", "team", reading.values("team"))
        services = _choose("Services", "service", reading.values("service"))
    window = complete_weeks(WEEKS[period or USUAL], reading.metrics.as_of, reading.metrics.reporting_zone)
    return Choice(window.start, window.end, teams, services)


def usual(reading: Reading) -> Choice:
    """What a reader sees who has chosen nothing."""
    window = complete_weeks(WEEKS[USUAL], reading.metrics.as_of, reading.metrics.reporting_zone)
    return Choice(window.start, window.end)


def _choose(title: str, dimension: str, values: Sequence[str]) -> tuple[str, ...]:
    """A multiple choice of a dimension's values; nothing to draw where there is only one."""
    if len(values) < 2:
        return ()
    chosen = st.multiselect(
        title,
        list(values),
        placeholder=f"All {title.lower()}",
        key=dimension,
        bind="query-params",
        label_visibility="collapsed",
        width=260,
    )
    return tuple(chosen)
