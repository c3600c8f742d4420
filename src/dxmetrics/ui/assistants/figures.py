"""The page's charts: pure functions of cells and colours."""

from collections.abc import Sequence

from dxmetrics import numbers
from dxmetrics.metrics import Cell
from dxmetrics.palette import Tokens
from dxmetrics.ui import canvas
from dxmetrics.ui.assistants.view import Spending
from dxmetrics.ui.canvas import Figure


def share(weeks: Sequence[Cell], what: str, colour: Tokens) -> Figure:
    """A share by week in percent; the last complete value is written beside its point, the running week is hollow."""
    complete = [cell for cell in weeks if cell.value is not None and not cell.is_partial]
    highest = max((cell.value for cell in weeks if cell.value is not None), default=0)
    line = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": [cell.period_start.isoformat() for cell in weeks],
        "y": [cell.value for cell in weeks],
        "line": {"color": colour.accent, "width": 2.2},
        "marker": {
            "size": [8 if cell.is_partial else 5 for cell in weeks],
            "color": [colour.card if cell.is_partial else colour.accent for cell in weeks],
            "line": {"color": colour.accent, "width": 1.6},
        },
        "customdata": [[cell.k or 0, cell.n] for cell in weeks],
        "hovertemplate": "%{y:.1f} %<br>%{customdata[0]:,} of %{customdata[1]:,} " + what + "<extra></extra>",
    }
    axis = canvas.values(colour, " %") | {"range": [0, min(104.0, 1.25 * highest or 1.0)]}
    annotations = [_written(complete[-1], colour)] if complete else []
    return {
        "data": [line],
        "layout": {
            **canvas.layout(colour, 220),
            "xaxis": canvas.periods(weeks, colour),
            "yaxis": axis,
            "annotations": annotations,
        },
    }


def cost(spending: Spending, colour: Tokens) -> Figure:
    """Money per merged change by month; the month that is still running is hollow."""
    cells = [month.cell for month in spending.months]
    each = [month.per_change for month in spending.months]
    said = ["" if value is None else f"<b>{numbers.decimal(value)}</b>" for value in each]
    bars = {
        "type": "bar",
        "x": [cell.period_start.isoformat() for cell in cells],
        "y": each,
        "width": [(cell.period_end - cell.period_start).days * canvas.DAY * 0.6 for cell in cells],
        "text": said,
        "textposition": "outside",
        "cliponaxis": False,
        "marker": canvas.hollow(cells, colour.bars, colour),
        "customdata": [[month.cell.value, month.changes] for month in spending.months],
        "hovertemplate": "%{y:.2f} " + spending.currency + " a change<br>%{customdata[0]:,.0f} "
        f"{spending.currency} for %{{customdata[1]:,}} merged changes<extra></extra>",
    }
    highest = max((value for value in each if value is not None), default=0.0)
    return {
        "data": [bars],
        "layout": {
            **canvas.layout(colour, 190),
            "barcornerradius": 4,
            "xaxis": canvas.periods(cells, colour),
            "yaxis": canvas.values(colour) | {"range": [0, 1.2 * highest or 1.0]},
        },
    }


def _written(cell: Cell, colour: Tokens) -> Figure:
    return {
        "x": cell.period_start.isoformat(), "y": cell.value, "text": f"<b>{numbers.text(cell.value, '%')}</b>",
        "showarrow": False, "yshift": 14, "xanchor": "right", "xshift": 8, "bgcolor": colour.card, "borderpad": 2,
        "font": {"color": colour.accent, "size": 12},
    }  # fmt: skip
