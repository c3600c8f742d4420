"""The chart of before and after: time runs from each service's own adoption. A pure function of points and colours."""

from collections.abc import Sequence

from dxmetrics import numbers
from dxmetrics.metrics.adopters import Estimate
from dxmetrics.metrics.before_after import AFTER, BEFORE, TrendPoint
from dxmetrics.palette import Tokens
from dxmetrics.ui import canvas
from dxmetrics.ui.canvas import Figure

WEEKS = (-12, -6, 0, 6, 12)
Known = list[tuple[TrendPoint, Estimate]]


def chart(trend: Sequence[TrendPoint], colour: Tokens) -> Figure:
    """How much longer adopters' lead time became than the others', in percent, by weeks from adoption."""
    known = [(point, point.ratio) for point in trend if point.ratio is not None]
    ends = [0.0, *(percent(end) for _, ratio in known for end in (ratio.value, *(ratio.interval or ())))]
    room = 0.1 * (max(ends) - min(ends)) or 5.0
    return {
        "data": [
            _points([one for one in known if one[0].weeks < 0], colour.muted),
            _points([one for one in known if one[0].weeks > 0], colour.accent),
        ],
        "layout": {
            **canvas.layout(colour, 232),
            "hovermode": "closest",
            "xaxis": {
                "range": [BEFORE[0] - 0.5, AFTER[1] + 0.5], "tickvals": list(WEEKS),
                "ticktext": [f"{week} wk" for week in WEEKS], "tickangle": 0,
                "showgrid": False, "zeroline": False, "fixedrange": True, "color": colour.muted,
            },
            "yaxis": {
                **canvas.values(colour, " %"),
                "tickformat": ".0f",
                "range": [min(ends) - room, max(ends) + room],
            },
            "shapes": [
                {
                    "type": "rect", "x0": BEFORE[1], "x1": AFTER[0], "yref": "paper", "y0": 0, "y1": 1,
                    "layer": "below", "fillcolor": colour.grid, "opacity": 0.6, "line": {"width": 0},
                },
                {
                    "type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 0, "y1": 0, "layer": "below",
                    "line": {"color": colour.muted, "width": 1, "dash": "dot"},
                },
            ],
            "annotations": [
                {
                    "text": "adoption", "x": (BEFORE[1] + AFTER[0]) / 2, "yref": "paper", "y": 1, "yanchor": "bottom",
                    "showarrow": False, "font": {"color": colour.muted, "size": 11.5},
                }
            ],
        },
    }  # fmt: skip


def keys(colour: Tokens) -> tuple[tuple[str, str], ...]:
    """The legend: words and colours."""
    return (("Before", colour.muted), ("After", colour.accent))


def percent(ratio: float) -> float:
    """A ratio as what it adds: 0.8 is -20."""
    return 100 * (ratio - 1)


def _points(known: Known, tone: str) -> Figure:
    values = [percent(ratio.value) for _, ratio in known]
    lows, highs = (
        [percent(ratio.interval[end] if ratio.interval else ratio.value) for _, ratio in known] for end in (0, 1)
    )
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [point.weeks for point, _ in known],
        "y": values,
        "marker": {"size": 9, "color": tone},
        "error_y": {
            "type": "data", "symmetric": False, "color": tone, "thickness": 1.8, "width": 0,
            "array": [high - value for high, value in zip(highs, values, strict=True)],
            "arrayminus": [value - low for low, value in zip(lows, values, strict=True)],
        },
        "customdata": [
            [numbers.text(point.adopters, "hours"), numbers.text(point.others, "hours")] for point, _ in known
        ],
        "hovertemplate": "%{y} against the others<br>adopters %{customdata[0]}, others %{customdata[1]}<extra></extra>",
    }  # fmt: skip
