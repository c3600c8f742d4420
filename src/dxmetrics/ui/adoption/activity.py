"""People who used a capability, by week."""

from collections.abc import Sequence
from datetime import datetime, time

from dxmetrics import numbers
from dxmetrics.metrics import FEW_PEOPLE, Cell
from dxmetrics.palette import Tokens
from dxmetrics.ui import canvas
from dxmetrics.ui.canvas import DAY, Figure


def weekly(cells: Sequence[Cell], colour: Tokens) -> Figure:
    """Distinct people a week as bars; the running week is hollow, a week of too few people a grey field."""
    shown = [cell for cell in cells if cell.value is not None]
    return {
        "data": [
            {
                "type": "bar",
                "x": [cell.period_start.isoformat() for cell in shown],
                "y": [cell.value for cell in shown],
                "width": [(cell.period_end - cell.period_start).days * DAY * 0.74 for cell in shown],
                "marker": canvas.hollow(shown, colour.accent, colour),
                "hovertemplate": "%{y:,} people<extra></extra>",
            }
        ],
        "layout": {
            **canvas.layout(colour, height=220),
            "barcornerradius": 4,
            "xaxis": canvas.periods(cells, colour),
            "shapes": [_field(cell, colour) for cell in cells if cell.is_hidden],
            "yaxis": {**canvas.values(colour), "rangemode": "tozero", "tickformat": ",d"},
        },
    }


def sticky(cell: Cell) -> str:
    """The stickiness in a sentence."""
    if cell.value is None:
        return f"Stickiness is not known: {cell.reason or 'no use in four weeks'}."
    sure = numbers.interval(cell.ci_low, cell.ci_high, cell.unit)
    return (
        f"Stickiness {numbers.text(cell.value, cell.unit)}: on a workday so many of the {cell.n:,} people of the last "
        f"four weeks use it{f' (95 %: {sure})' if sure else ''}. What one needs rarely need not be sticky."
    )


def hidden(cells: Sequence[Cell]) -> int:
    """In how many weeks there were too few people to count them out."""
    return sum(cell.is_hidden for cell in cells)


def note(cells: Sequence[Cell]) -> str:
    """How to read the chart, and what is not in it."""
    unseen = hidden(cells)
    words = "Each person once a week, by what they got done; the week still running is hollow"
    return f"{words}. {numbers.count(unseen, 'week')} of {FEW_PEOPLE} hidden: grey" if unseen else words


def _field(cell: Cell, colour: Tokens) -> Figure:
    half = (cell.period_end - cell.period_start) / 2
    first = datetime.combine(cell.period_start, time())
    return {
        "type": "rect", "yref": "paper", "y0": 0, "y1": 1, "fillcolor": colour.grid, "line": {"width": 0},
        "layer": "below", "x0": (first - half * 0.74).isoformat(), "x1": (first + half * 0.74).isoformat(),
    }  # fmt: skip
