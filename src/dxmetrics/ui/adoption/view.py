"""What the page looks at: a window, the capabilities that are declared, and the one it tells more about."""

from dataclasses import dataclass
from datetime import date, timedelta

import streamlit as st

from dxmetrics import numbers
from dxmetrics.metrics import FEW_PEOPLE, Cell, complete_weeks
from dxmetrics.settings.entries import CapabilityEntry
from dxmetrics.ui import frame, reading
from dxmetrics.ui.filters import USUAL, WEEKS, Choice
from dxmetrics.ui.reading import Filter, Reading

EXAMPLE = """\
[[capabilities]]
name = "golden-path"                    # as events, usage and tickets call it
title = "Golden path"
unit = "service"                        # what adopts it: services, or people
types = ["service"]                     # whom it could serve
actions = ["scaffold", "deploy"]        # what is of use to somebody; a login is not
"""

YEAR = timedelta(weeks=52)


@dataclass(frozen=True)
class View:
    """A window of complete weeks over all teams: cutting out one team at a time would tell of few people."""

    read: Reading
    capabilities: tuple[CapabilityEntry, ...]
    chosen: CapabilityEntry
    choice: Choice

    @property
    def titles(self) -> dict[str, str]:
        """The capabilities' titles by name, in the order they are declared in."""
        return {one.name: title_of(one) for one in self.capabilities}

    @property
    def where(self) -> Filter:
        """What keeps the chosen capability only."""
        return {"capability": (self.chosen.name,)}

    @property
    def year(self) -> Choice:
        """The last year: what is new is too rare for a quarter of one to tell of it."""
        return Choice(self.choice.end - YEAR, self.choice.until)

    def by_capability(self, metric: str, start: date | None = None, end: date | None = None) -> dict[str, Cell]:
        """The metric's value for each capability it knows, in the window or between other dates."""
        window = (start or self.choice.start, end or self.choice.end)
        cells = self.read.cells(metric, *window, {}, by=("capability",))
        return {name: cell for cell in cells if (name := cell.dimensions["capability"]) is not None}


def lead(seen: View) -> str:
    """What the page tells of, and how fresh it is."""
    declared = numbers.count(len(seen.capabilities), "capability", "capabilities")
    return (
        f"{declared} as declared in dx.toml · data to {numbers.instant(seen.read.metrics.as_of)} · "
        f"no number of {FEW_PEOPLE}"
    )


def title_of(one: CapabilityEntry) -> str:
    """What a capability is called on pages."""
    return one.title or one.name


def choose(read: Reading) -> View | None:
    """Draws the pickers (`?period=26+weeks&capability=…`); None where dx.toml declares no capability."""
    declared = reading.project().settings.capabilities
    if not declared:
        return None
    titles = {title_of(one): one for one in declared}
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="filters"):
        period = st.segmented_control(
            "Period", list(WEEKS), default=USUAL, required=True, key="period", bind="query-params",
            label_visibility="collapsed",
        )  # fmt: skip
        asked = st.selectbox(
            "Capability", list(titles), key="capability", bind="query-params", label_visibility="collapsed", width=260
        )
    window = complete_weeks(WEEKS[period or USUAL], read.metrics.as_of, read.metrics.reporting_zone)
    return View(read, declared, titles.get(asked or "", declared[0]), Choice(window.start, window.end))


def nothing_yet() -> None:
    """What to write where no capability is declared."""
    note = "Say in dx.toml what the platform offers, who could use it, and what counts as using it; then build again"
    with frame.card("nothing", "No capability is declared yet", note):
        st.code(EXAMPLE, language="toml")
