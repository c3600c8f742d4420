"""What every figure in Plotly's terms begins with: the layout, an axis of values, and one of calendar periods."""

import math
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any

from dxmetrics.metrics import Cell
from dxmetrics.palette import FONT, Tokens

Figure = dict[str, Any]

DAY = 86_400_000  # milliseconds, as Plotly's date axes count
MOST_TICKS = 6  # as many dates as a phone's width holds
STEPS = (1, 2, 5)


def layout(colour: Tokens, height: int) -> Figure:
    """A transparent figure of this height, with our font, without mode bar, legend or dragging."""
    return {
        "template": {},  # without one Plotly copies its own, of which nothing would be used
        "height": height,
        "margin": {"l": 8, "r": 12, "t": 18, "b": 24},
        "font": {"family": FONT, "size": 12, "color": colour.muted},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "showlegend": False,
        "dragmode": False,
        "hovermode": "x unified",
        "hoverlabel": {
            "bgcolor": colour.card,
            "bordercolor": colour.grid,
            "font": {"family": FONT, "size": 12, "color": colour.ink},
            "align": "left",
        },
    }


def values(colour: Tokens, suffix: str = "") -> Figure:
    """An axis of values with a light grid; the unit stands behind each number."""
    return {
        "gridcolor": colour.grid,
        "zeroline": False,
        "color": colour.muted,
        "nticks": 5,
        "fixedrange": True,
        "automargin": True,
        "ticksuffix": suffix,
    }


def periods(cells: Sequence[Cell], colour: Tokens) -> Figure:
    """An axis of the cells' weeks or months; each mark stands on the first day of its period."""
    axis: Figure = {
        "type": "date", "showgrid": False, "zeroline": False, "color": colour.muted, "fixedrange": True,
        "linecolor": colour.grid,
    }  # fmt: skip
    if not cells:
        return axis
    first, last = cells[0], cells[-1]
    is_week = (first.period_end - first.period_start).days == 7
    every = -(-len(cells) // MOST_TICKS)
    half = (first.period_end - first.period_start) / 2
    is_year = (last.period_end - first.period_start).days <= 366
    return axis | {
        "tickangle": 0,
        "tickformat": "%-d %b" if is_week else "%b" if is_year else "%b %Y",
        "hoverformat": "Week of %-d %b %Y" if is_week else "%B %Y",
        "tick0": first.period_start.isoformat(),
        "dtick": every * 7 * DAY if is_week else f"M{every}",
        "range": [
            (_midnight(first.period_start) - half).isoformat(),
            (_midnight(last.period_start) + half).isoformat(),
        ],
    }


def logarithmic(low: float, high: float, suffix: str) -> Figure:
    """What makes an axis of values logarithmic from `low` to `high`, with few, round numbers on it."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [tick for decade in decades for step in STEPS if low <= (tick := step * 10.0**decade) <= high]
    shown = ticks[:: -(-len(ticks) // MOST_TICKS)] if ticks else []
    return {
        "type": "log",
        "range": [math.log10(low), math.log10(high)],
        "tickvals": shown,
        "ticktext": [f"{tick:g}{suffix}" for tick in shown],
    }


def hollow(cells: Sequence[Cell], tone: str, colour: Tokens) -> Figure:
    """The colours of marks: those of periods that are not over are outlines only."""
    return {
        "color": [colour.card if cell.is_partial else tone for cell in cells],
        "line": {"color": tone, "width": [1.4 if cell.is_partial else 0 for cell in cells]},
    }


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())
