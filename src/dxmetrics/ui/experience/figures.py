"""The page's charts, as plain dictionaries in Plotly's terms: pure functions of values and colours."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from dxmetrics import numbers
from dxmetrics.palette import Tokens
from dxmetrics.ui import canvas
from dxmetrics.ui.canvas import Figure
from dxmetrics.ui.experience.agreement import Comparison, Spot

WIDE = 12.0  # from this ratio of the largest to the smallest on, a logarithmic axis tells them apart
FLOOR, CEILING = -16, 112  # percent: room for words below and above all dots
NAME = 0.28  # of the chart's width, what a team's name takes
NEAR = 9  # percent points within which two names would overlap


@dataclass(frozen=True)
class Mark:
    """A value in one wave, with its interval where it has one; None where it is not shown."""

    wave: str
    value: float | None
    low: float | None = None
    high: float | None = None


def trend(marks: Sequence[Mark], current: str, unit: str, colour: Tokens) -> Figure:
    """A value over the waves, the interval as a bar through each dot; that of the `current` wave is filled."""
    values = [mark.value for mark in marks]
    above = [0 if mark.high is None or mark.value is None else mark.high - mark.value for mark in marks]
    below = [0 if mark.low is None or mark.value is None else mark.value - mark.low for mark in marks]
    tones = [colour.accent if mark.wave == current else colour.card for mark in marks]
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "lines+markers",
                "x": [mark.wave for mark in marks],
                "y": values,
                "line": {"color": colour.bars, "width": 1.6},
                "marker": {"size": 8, "color": tones, "line": {"color": colour.accent, "width": 1.6}},
                "error_y": {
                    "type": "data", "array": above, "arrayminus": below, "symmetric": False,
                    "color": colour.bars, "thickness": 1.6, "width": 0,
                },
                "hovertemplate": "%{y:.0f}" + unit + "<extra></extra>",
            }
        ],
        "layout": {
            **canvas.layout(colour, height=132),
            "margin": {"l": 8, "r": 12, "t": 8, "b": 22},
            "xaxis": {"type": "category", "showgrid": False, "fixedrange": True, "color": colour.muted, "nticks": 4,
                      "tickangle": 0, "automargin": False},
            "yaxis": {**canvas.values(colour, unit), "nticks": 4, **_around(marks)},
        },
    }  # fmt: skip


def _around(marks: Sequence[Mark]) -> Figure:
    """A range with some room around every interval, which Plotly cuts off by itself."""
    ends = [end for mark in marks for end in (mark.value, mark.low, mark.high) if end is not None]
    if not ends:
        return {}
    room = 0.12 * (max(ends) - min(ends)) or 1.0
    return {"range": [min(ends) - room, max(ends) + room]}


def agreement(comparison: Comparison, colour: Tokens) -> Figure:
    """Teams by what is measured and what they say; both quadrants where the two disagree are tinted.

    Dotted lines are the values of everybody: a team is better or worse than these.
    """
    factor, suffix = _scale_of(comparison)
    is_log = _is_wide(comparison)
    left, right = _range(comparison, is_log, factor)
    middle = comparison.measured / factor
    return {
        "data": [_teams(comparison, is_apart, factor, suffix, colour) for is_apart in (False, True)],
        "layout": {
            **canvas.layout(colour, height=248),
            "hovermode": "closest",
            "margin": {"l": 8, "r": 14, "t": 16, "b": 26},
            "xaxis": {
                **canvas.values(colour, suffix),
                "automargin": False,
                **(canvas.logarithmic(left, right, suffix) if is_log else {"range": [left, right], "nticks": 4}),
            },
            "yaxis": {**canvas.values(colour, " %"), "range": [FLOOR, CEILING], "tickvals": [0, 50, 100]},
            "shapes": [*_tints(comparison, middle, left, right, colour), *_crossing(comparison, middle, colour)],
            "annotations": _quadrants(comparison, colour),
        },
    }


def _teams(comparison: Comparison, is_apart: bool, factor: float, suffix: str, colour: Tokens) -> Figure:
    """The dots of teams on which both agree, or of those on which they do not, each with its name."""
    spots = [spot for spot in comparison.spots if (spot.apart is not None) == is_apart]
    tone = colour.accent if is_apart else colour.muted
    return {
        "type": "scatter",
        "mode": "markers+text",
        "x": [spot.measured / factor for spot in spots],
        "y": [spot.said for spot in spots],
        "text": [f"<b>{escape(spot.team)}</b>" if is_apart else escape(spot.team) for spot in spots],
        "textposition": [_beside(spot, comparison) for spot in spots],
        "textfont": {"color": colour.ink if is_apart else colour.muted, "size": 11.5},
        "cliponaxis": False,
        "marker": {"color": tone, "size": 10 if is_apart else 8, "opacity": 1 if is_apart else 0.75},
        "error_y": {
            "type": "data",
            "array": [spot.high - spot.said for spot in spots],
            "arrayminus": [spot.said - spot.low for spot in spots],
            "symmetric": False,
            "color": colour.bars if is_apart else colour.grid,
            "thickness": 1.4,
            "width": 0,
        },
        "customdata": [[escape(spot.team), spot.low, spot.high, spot.n, spot.events] for spot in spots],
        "hovertemplate": "<b>%{customdata[0]}</b><br>%{x:.3~g}" + suffix + " from %{customdata[4]:,}<br>"
        "%{y} % favourable (95 %: %{customdata[1]} to %{customdata[2]}), n %{customdata[3]}<extra></extra>",
    }


def _beside(spot: Spot, comparison: Comparison) -> str:
    """Where a name runs neither out of the chart nor over another team: right or left of its dot, else above."""
    place = _places(comparison)
    x = place[spot.team]
    near = [one for one in comparison.spots if one is not spot and abs(one.said - spot.said) < NEAR]
    is_right_taken = x > 1 - NAME or any(0 <= place[one.team] - x < NAME for one in near)
    is_left_taken = x < NAME or any(0 <= x - place[one.team] < 2 * NAME for one in near)
    if is_right_taken and is_left_taken:
        return "top center"
    return "middle left" if is_right_taken else "middle right"


def _places(comparison: Comparison) -> dict[str, float]:
    """Where each team stands from left (0) to right (1)."""
    is_log = _is_wide(comparison)
    at = {spot.team: math.log(spot.measured) if is_log else spot.measured for spot in comparison.spots}
    low, high = min(at.values()), max(at.values())
    return {team: (value - low) / (high - low or 1.0) for team, value in at.items()}


def _scale_of(comparison: Comparison) -> tuple[float, str]:
    """What to divide by, and the unit behind each number."""
    if comparison.definition.unit == "hours":
        factor, unit = numbers.hours_scale(max(spot.measured for spot in comparison.spots))
        return factor, f" {unit}"
    return 1.0, {"%": " %", "minutes": " min"}.get(comparison.definition.unit, "")


def _is_wide(comparison: Comparison) -> bool:
    values = [*(spot.measured for spot in comparison.spots), comparison.measured]
    return min(values) > 0 and max(values) / min(values) >= WIDE


def _range(comparison: Comparison, is_log: bool, factor: float) -> tuple[float, float]:
    values = [value / factor for value in (*(spot.measured for spot in comparison.spots), comparison.measured)]
    low, high = min(values), max(values)
    if is_log:
        return low / 1.6, high * 1.6
    room = 0.14 * (high - low or high or 1.0)
    return min(low - room, 0.0 if low < room else low), high + room


def _tints(comparison: Comparison, middle: float, left: float, right: float, colour: Tokens) -> list[Figure]:
    """The two quadrants of disagreement: below where it is measured better, above where it is measured worse."""
    better, worse = (
        ((left, middle), (middle, right)) if comparison.better == "lower" else ((middle, right), (left, middle))
    )
    return [
        {
            "type": "rect", "x0": x0, "x1": x1, "y0": y0, "y1": y1,
            "fillcolor": colour.band, "line": {"width": 0}, "layer": "below",
        }
        for (x0, x1), (y0, y1) in ((better, (FLOOR, comparison.said)), (worse, (comparison.said, CEILING)))
    ]  # fmt: skip


def _crossing(comparison: Comparison, middle: float, colour: Tokens) -> list[Figure]:
    line = {"color": colour.muted, "width": 1, "dash": "dot"}
    return [
        {"type": "line", "x0": middle, "x1": middle, "yref": "paper", "y0": 0, "y1": 1, "line": line},
        {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": comparison.said, "y1": comparison.said, "line": line},
    ]


def _quadrants(comparison: Comparison, colour: Tokens) -> list[Figure]:
    is_left = comparison.better == "lower"  # where it is measured better
    places = (("measured well,<br>felt badly", is_left, False), ("measured badly,<br>felt well", not is_left, True))
    return [
        {
            "text": words, "xref": "paper", "yref": "paper", "showarrow": False,
            "x": 0.01 if at_left else 0.99, "xanchor": "left" if at_left else "right",
            "y": 1.0 if at_top else 0.0, "yanchor": "top" if at_top else "bottom",
            "align": "left" if at_left else "right", "font": {"color": colour.muted, "size": 10.5},
        }
        for words, at_left, at_top in places
    ]  # fmt: skip
