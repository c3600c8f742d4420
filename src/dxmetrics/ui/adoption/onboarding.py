"""How long new services and people take until the platform carries something of theirs; who still waits counts."""

from dataclasses import dataclass
from html import escape

import streamlit as st

from dxmetrics import numbers
from dxmetrics.metrics import Cell
from dxmetrics.ui import bars, frame, receipt

SERVICES = "New services, to their first production deployment"
PEOPLE = "People who join, to their"
NOTE = "Medians of the last year; who is not there yet counts as waiting"


@dataclass(frozen=True)
class Wait:
    """How long it takes until something; `of_people` says that people wait, not services."""

    words: str
    cell: Cell
    of_people: bool = False


def show(waits: tuple[Wait, ...]) -> None:
    """The card; nothing where neither a service nor anybody was new."""
    if waits:
        with frame.card("onboarding", "Until the first result", NOTE):
            st.html(drawn(waits))
            receipt.button("service_onboarding_time", "time to production", place="onboarding")


def drawn(waits: tuple[Wait, ...]) -> str:
    """The waits as bars on one scale, those of services first."""
    longest = max((one.cell.value for one in waits if one.cell.value is not None), default=0.0) or 1.0
    groups = ((SERVICES, False), (PEOPLE, True))
    return "".join(
        f'<p class="dx-group">{escape(title)}</p>'
        + bars.drawn((_row(one, longest) for one in waits if one.of_people is of_people), is_wide=True)
        for title, of_people in groups
        if any(one.of_people is of_people for one in waits)
    )


def _row(one: Wait, longest: float) -> str:
    cell = one.cell
    if cell.is_hidden:
        return bars.hidden(one.words, cell.reason or "")
    if cell.value is None:
        return bars.bar(one.words, None, "not known", cell.reason or "")
    sure = numbers.interval(cell.ci_low, cell.ci_high, cell.unit)
    note = f"{cell.k or 0:,} of {cell.n:,}" + (f", 95 %: {sure}" if sure else "")
    return bars.bar(one.words, cell.value / longest, numbers.text(cell.value, cell.unit), note)
