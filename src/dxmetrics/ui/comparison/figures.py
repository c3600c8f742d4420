"""The page's charts: every service a dot, on the side it is on. Pure functions of values and colours."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from dxmetrics import numbers
from dxmetrics.palette import Tokens
from dxmetrics.ui import canvas
from dxmetrics.ui.canvas import Figure

WIDE = 12.0  # from this ratio of the largest to the smallest on, a logarithmic axis tells dots apart
LANES = 5  # dots that lie side by side are spread over so many lanes
LANE = 0.11
EDGE = 0.12  # of the chart's width, within which words above a bar would be cut off on a phone
NEAR = 0.035  # of the chart's width, within which two dots would overlap


@dataclass(frozen=True)
class Dot:
    """One service with its own outcome, and what it rests on: "14 deployments"."""

    name: str
    value: float
    basis: str


@dataclass(frozen=True)
class Arm:
    """The services of one side; `middle` is what the two sides are compared by, None with too few."""

    title: str
    dots: tuple[Dot, ...]
    middle: float | None


def dots(arms: tuple[Arm, Arm], unit: str, colour: Tokens) -> Figure:
    """Every service as a dot, adopters above; a bar through each arm marks its middle."""
    every = [dot.value for arm in arms for dot in arm.dots]
    factor, suffix = _scale(every, unit)
    shown = [value / factor for value in every]
    is_log = bool(shown) and unit == "hours" and min(shown) > 0 and max(shown) / min(shown) >= WIDE
    low, high = _range(shown, is_log)
    axis = canvas.values(colour, suffix)
    axis |= canvas.logarithmic(low, high, suffix) if is_log else {"range": [low, high]}
    tones = (colour.accent, colour.muted)
    places = (1, 0)
    return {
        "data": [
            _dots(arm, place, factor, suffix, tone, (low, high))
            for arm, place, tone in zip(arms, places, tones, strict=True)
        ],
        "layout": {
            **canvas.layout(colour, 196),
            "hovermode": "closest",
            "xaxis": axis,
            "yaxis": {
                "range": [-0.5, 1.5],
                "tickvals": list(places),
                "ticktext": [f"{escape(arm.title)}<br>n {len(arm.dots)}" for arm in arms],
                "showgrid": False,
                "zeroline": False,
                "fixedrange": True,
                "automargin": True,
                "color": colour.muted,
            },
            "shapes": [
                _middle(arm.middle / factor, place, tone)
                for arm, place, tone in zip(arms, places, tones, strict=True)
                if arm.middle is not None
            ],
            "annotations": [
                _said(arm.middle / factor, place, numbers.text(arm.middle, unit), tone, (low, high), is_log)
                for arm, place, tone in zip(arms, places, tones, strict=True)
                if arm.middle is not None
            ],
        },
    }


def _dots(arm: Arm, place: int, factor: float, suffix: str, tone: str, ends: tuple[float, float]) -> Figure:
    ordered = sorted(arm.dots, key=lambda dot: dot.value)
    lanes = _lanes([dot.value / factor for dot in ordered], ends)
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [dot.value / factor for dot in ordered],
        "y": [place + lane for lane in lanes],
        "marker": {"color": tone, "size": 9, "opacity": 0.7},
        "cliponaxis": False,
        "customdata": [[escape(dot.name), escape(dot.basis)] for dot in ordered],
        "hovertemplate": "<b>%{customdata[0]}</b><br>%{x:.3~g}" + suffix + " from %{customdata[1]}<extra></extra>",
    }


def _lanes(ordered: Sequence[float], ends: tuple[float, float]) -> list[float]:
    """How far above or below its arm's line each of ascending values is drawn, so that near ones lie side by side."""
    width = NEAR * (ends[1] - ends[0])
    offsets = [LANE * (-(lane + 1) // 2 if lane % 2 else lane // 2) for lane in range(LANES)]
    lane, found = 0, []
    for place, value in enumerate(ordered):
        lane = (lane + 1) % LANES if place and value - ordered[place - 1] < width else 0
        found.append(offsets[lane])
    return found


def _scale(values: Sequence[float], unit: str) -> tuple[float, str]:
    if unit == "hours":
        ordered = sorted(values)
        factor, words = numbers.hours_scale(ordered[len(ordered) // 2] if ordered else 1.0)
        return factor, f" {words}"
    return 1.0, {"%": " %"}.get(unit, "")


def _range(values: Sequence[float], is_log: bool) -> tuple[float, float]:
    if not values:
        return 0.0, 1.0
    low, high = min(values), max(values)
    if is_log:
        return low / 1.4, high * 1.4
    room = 0.08 * (high - low or high or 1.0)
    return min(low - room, 0.0) if low < 2 * room else low - room, high + room


def _middle(value: float, place: int, tone: str) -> Figure:
    return {
        "type": "line", "x0": value, "x1": value, "y0": place - 0.33, "y1": place + 0.33,
        "line": {"color": tone, "width": 3},
    }  # fmt: skip


def _said(value: float, place: int, words: str, tone: str, ends: tuple[float, float], is_log: bool) -> Figure:
    """The middle in words above its bar, and inwards of it at either end of the axis.

    Annotations on a logarithmic axis are placed by the logarithm.
    """
    x, left, right = (math.log10(one) if is_log else one for one in (value, *ends))
    along = (x - left) / (right - left)
    return {
        "text": f"<b>{words}</b>", "x": x, "y": place + 0.33, "yanchor": "bottom",
        "xanchor": "left" if along < EDGE else "right" if along > 1 - EDGE else "center",
        "showarrow": False, "font": {"color": tone, "size": 12},
    }  # fmt: skip
