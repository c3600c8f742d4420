"""The page's charts: pure functions of months and colours."""

from collections.abc import Sequence

from dxmetrics import numbers
from dxmetrics.metrics import Cell
from dxmetrics.palette import Tokens
from dxmetrics.ui import canvas
from dxmetrics.ui.canvas import Figure
from dxmetrics.ui.cost.view import Month


def months(found: Sequence[Month], currency: str, colour: Tokens) -> Figure:
    """Money by month: what is spent on services and teams, what all share, and what belongs to nobody."""
    cells = [month.cell for month in found]
    series = (
        ("Direct", [month.direct for month in found], colour.accent),
        ("Shared", [month.shared for month in found], colour.bars),
        ("Unallocated", [month.unallocated for month in found], colour.bad),
    )
    return {
        "data": [_bars(name, cells, values, currency, tone, colour) for name, values, tone in series],
        "layout": {
            **canvas.layout(colour, 236),
            "barmode": "relative",
            "barcornerradius": 4,
            "xaxis": canvas.periods(cells, colour),
            "yaxis": canvas.values(colour) | {"tickformat": "~s"},
        },
    }


def unit_cost(cells: Sequence[Cell], each: Sequence[float | None], currency: str, what: str, colour: Tokens) -> Figure:
    """Money per unit by month; the last complete value is written beside its point."""
    complete = [
        (cell, value) for cell, value in zip(cells, each, strict=True) if value is not None and not cell.is_partial
    ]
    highest = max((value for value in each if value is not None), default=0.0)
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "lines+markers",
                "x": [cell.period_start.isoformat() for cell in cells],
                "y": list(each),
                "line": {"color": colour.accent, "width": 2.2},
                "marker": {
                    "size": [8 if cell.is_partial else 5 for cell in cells],
                    "color": [colour.card if cell.is_partial else colour.accent for cell in cells],
                    "line": {"color": colour.accent, "width": 1.6},
                },
                "hovertemplate": f"%{{y:,.2f}} {currency} {what}<extra></extra>",
            }
        ],
        "layout": {
            **canvas.layout(colour, 236),
            "xaxis": canvas.periods(cells, colour),
            "yaxis": canvas.values(colour) | {"range": [0, 1.25 * highest or 1.0]},
            "annotations": [
                {
                    "x": cell.period_start.isoformat(), "y": value, "text": f"<b>{numbers.decimal(value)}</b>",
                    "showarrow": False, "yshift": 14, "bgcolor": colour.card, "borderpad": 2,
                    "font": {"color": colour.accent, "size": 12},
                }
                for cell, value in complete[-1:]
            ],
        },
    }  # fmt: skip


def _bars(
    name: str, cells: Sequence[Cell], values: Sequence[float], currency: str, tone: str, colour: Tokens
) -> Figure:
    return {
        "type": "bar",
        "name": name,
        "x": [cell.period_start.isoformat() for cell in cells],
        "y": [value or None for value in values],  # a hollow bar of nothing would be a line
        "width": [(cell.period_end - cell.period_start).days * canvas.DAY * 0.6 for cell in cells],
        "marker": canvas.hollow(cells, tone, colour),
        "hovertemplate": f"%{{y:,.0f}} {currency} {name.lower()}<extra></extra>",
    }
