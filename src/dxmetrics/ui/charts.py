"""Charts as plain dictionaries in Plotly's terms: pure functions of cells and colours.

A partial period is drawn hollow, a period nobody observed is left empty, and no axis carries a title: the card's
heading says what is drawn.
"""

import json
from bisect import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from functools import lru_cache
from html import escape
from itertools import groupby
from typing import Any

import streamlit as st
from plotly import graph_objects

from dxmetrics import numbers
from dxmetrics.metrics import Cell
from dxmetrics.palette import FONT, Tokens

Figure = dict[str, Any]

CONFIG = {"displayModeBar": False, "responsive": True, "scrollZoom": False, "doubleClick": False}
DAY = 86_400_000  # milliseconds, as Plotly's date axes count
TITLE_SHOWN = 60  # characters of a change's title
FEW = 5
MOST_TICKS = 6  # as many dates as a phone's width holds
READABLE_SHARE = 0.09  # of the longest bar: what a figure inside a segment needs


@dataclass(frozen=True)
class Stage:
    """One stretch of a change's way to production: what it is called and how it is painted."""

    name: str
    title: str
    colour: str
    is_dark: bool = False


def show(figure: Figure, alt: str, instead: str | None = None) -> None:
    """Draws a figure as it is: colours and fonts are ours, not Streamlit's; `alt` says what it shows in a sentence.

    Where there is nothing to draw, `instead` says why.
    """
    if instead is None:
        st.plotly_chart(validated(figure), theme=None, config=CONFIG, alt=alt)
    else:
        st.caption(instead)


def validated(figure: Figure) -> Any:
    """The figure as Plotly's own object, every property checked; kept, because nothing on a page takes longer."""
    return _validated(json.dumps(figure))


@lru_cache(maxsize=256)
def _validated(text: str) -> Any:
    return graph_objects.Figure(json.loads(text))


def deployments(weeks: Sequence[Cell], counted: Sequence[Cell], colour: Tokens) -> Figure:
    """Deployments a week, split into those that needed a fix and those that did not, from `change_fail_rate` cells.

    `counted` are the cells of `deployments`: a week without a count was not observed, and is shaded as such.
    """
    seen = [cell for cell in weeks if cell.n]
    failed = [cell.k or 0 for cell in seen]
    fine = [cell.n - (cell.k or 0) for cell in seen]
    starts = [cell.period_start.isoformat() for cell in seen]
    series = (("Did not need a fix", fine, colour.bars), ("Needed a fix", failed, colour.bad))
    return {
        "data": [
            {
                "type": "bar",
                "name": name,
                "x": starts,
                "y": values,
                "width": [(cell.period_end - cell.period_start).days * DAY * 0.74 for cell in seen],
                "marker": _hollow_where_partial(seen, tone, colour),
                "hovertemplate": "%{y:,} " + name.lower() + "<extra></extra>",
            }
            for name, values, tone in series
        ],
        "layout": {
            **_layout(colour, height=236),
            "barmode": "stack",
            "barcornerradius": 4,
            "xaxis": _weeks(weeks, colour),
            "yaxis": {**_values(colour), "rangemode": "tozero", "tickformat": ",d", **_whole(seen)},
            "shapes": [_shade(cell, colour) for cell in counted if cell.value is None],
        },
    }


def lead_time(weeks: Sequence[Cell], events: Sequence[Mapping[str, Any]], colour: Tokens) -> Figure:
    """The median of a duration with its middle half as a band; the last complete value is written beside its point.

    `events` are the rows behind it where they are few: each is a dot, because a handful of values has no shape yet.
    """
    known = [cell for cell in weeks if cell.value is not None]
    counted = [event for event in events if event["excluded_because"] is None and event["measure"] is not None]
    longest = max(
        (*(cell.p75 or cell.value or 0 for cell in known), *(event["measure"] for event in counted)), default=0
    )
    factor, unit = numbers.hours_scale(longest)
    complete = [cell for cell in known if not cell.is_partial]
    top, beyond = _top([event["measure"] for event in counted], [cell.p75 or 0 for cell in known])
    data = [
        *_band(weeks, factor, colour),
        _dots(counted, weeks, factor, unit, colour),
        _median(weeks, factor, unit, colour),
    ]
    layout = {
        **_layout(colour, height=236),
        "margin": {"l": 8, "r": 10, "t": 20, "b": 24},
        "xaxis": _weeks(weeks, colour),
        "yaxis": {**_values(colour), "range": [0, top / factor or 1], "ticksuffix": f" {unit}"},
        "annotations": [_beyond(beyond, colour)] if beyond else [],
    }
    if complete:
        last = complete[-1]
        layout["annotations"].append(
            {
                "x": last.period_start.isoformat(),
                "y": (last.value or 0) / factor,
                "text": f"<b>{numbers.text(last.value, 'hours')}</b>",
                "showarrow": False,
                "yshift": 14,
                "xanchor": "right",
                "xshift": 8,
                "bgcolor": colour.card,
                "borderpad": 2,
                "font": {"color": colour.accent, "size": 12},
            }
        )
    return {"data": data, "layout": layout}


def stages(rows: Mapping[str, Mapping[str, float]], parts: Sequence[Stage], colour: Tokens) -> Figure:
    """Stacked mean hours of every stage, one bar a row, longest on top; the bars' ends are the mean lead times."""
    names = sorted(rows, key=lambda name: sum(rows[name].values()))
    totals = [sum(rows[name].values()) for name in names]
    longest = max(totals, default=0) or 1
    factor, unit = numbers.hours_scale(longest)
    return {
        "data": [_segment(part, names, rows, longest, factor, unit, colour) for part in parts],
        "layout": {
            **_layout(colour, height=46 + 33 * max(len(names), 1)),
            "barmode": "stack",
            "barcornerradius": 4,
            "bargap": 0.36,
            "hovermode": "y unified",
            "margin": {"l": 8, "r": 58, "t": 4, "b": 24},
            "xaxis": {**_values(colour), "ticksuffix": f" {unit}", "range": [0, longest / factor * 1.02]},
            "yaxis": {"automargin": True, "ticks": "outside", "ticklen": 6, "tickcolor": "rgba(0,0,0,0)"},
            "annotations": [
                {
                    "x": total / factor,
                    "y": name,
                    "text": f"<b>{total / factor:.1f} {unit}</b>",
                    "showarrow": False,
                    "xanchor": "left",
                    "xshift": 6,
                    "font": {"color": colour.muted, "size": 12},
                }
                for name, total in zip(names, totals, strict=True)
            ],
        },
    }


def _band(weeks: Sequence[Cell], factor: float, colour: Tokens) -> list[dict[str, Any]]:
    """The middle half, one shape for each unbroken run of known periods: Plotly would fill across a gap."""
    runs = groupby(weeks, lambda cell: cell.value is not None and cell.p25 is not None and cell.p75 is not None)
    shapes = [_run_shape(list(run)) for is_known, run in runs if is_known]
    return [
        {
            "type": "scatter",
            "name": "middle half",
            "mode": "lines",
            "x": [place.isoformat() for place, _ in shape],
            "y": [hours / factor for _, hours in shape],
            "line": {"width": 0},
            "fill": "toself",
            "fillcolor": colour.band,
            "hoverinfo": "skip",
        }
        for shape in shapes
    ]


def _run_shape(run: Sequence[Cell]) -> list[tuple[datetime, float]]:
    """The outline from the upper quartiles back along the lower ones; a period on its own gets a width of its own."""
    half = (run[0].period_end - run[0].period_start) / 4
    first, last = (datetime.combine(cell.period_start, time.min) for cell in (run[0], run[-1]))
    upper = [(datetime.combine(cell.period_start, time.min), cell.p75 or 0.0) for cell in run]
    lower = [(datetime.combine(cell.period_start, time.min), cell.p25 or 0.0) for cell in run]
    if len(run) == 1:
        upper = [(first - half, upper[0][1]), (last + half, upper[0][1])]
        lower = [(first - half, lower[0][1]), (last + half, lower[0][1])]
    return [*upper, *reversed(lower)]


def _top(dots: Sequence[float], upper: Sequence[float]) -> tuple[float, int]:
    """Where the axis ends, and how many dots lie beyond: one change of six years must not flatten all others."""
    ordered = sorted(dots)
    usual = ordered[int(0.95 * (len(ordered) - 1))] if ordered else 0.0
    top = 1.12 * max(usual, *upper, 0.0)
    return top, sum(hours > top for hours in ordered)


def _beyond(count: int, colour: Tokens) -> dict[str, Any]:
    return {
        "text": f"{numbers.count(count, 'change')} above",
        "xref": "paper",
        "yref": "paper",
        "x": 1,
        "y": 1,
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"color": colour.muted, "size": 11.5},
    }


def _dots(
    events: Sequence[Mapping[str, Any]], weeks: Sequence[Cell], factor: float, unit: str, colour: Tokens
) -> dict[str, Any]:
    """One dot for each event, in the column of its week."""
    starts = [cell.period_start for cell in weeks]
    return {
        "type": "scatter",
        "name": "one change",
        "mode": "markers",
        "x": [starts[max(bisect(starts, event["occurred_at"].date()) - 1, 0)].isoformat() for event in events],
        "y": [event["measure"] / factor for event in events],
        "marker": {"color": colour.muted, "size": 5, "opacity": 0.45},
        "text": [_shortened(str(event.get("title") or event["entity_id"])) for event in events],
        "hovertemplate": "%{y:.1f} " + unit + " · %{text}<extra></extra>",
    }


def _shortened(title: str) -> str:
    """At most one line of a tooltip, with nothing in it that Plotly would take for markup."""
    return escape(title if len(title) <= TITLE_SHOWN else title[: TITLE_SHOWN - 1] + "…")


def _median(weeks: Sequence[Cell], factor: float, unit: str, colour: Tokens) -> dict[str, Any]:
    return {
        "type": "scatter",
        "name": "median",
        "mode": "lines+markers",
        "x": [cell.period_start.isoformat() for cell in weeks],
        "y": [None if cell.value is None else cell.value / factor for cell in weeks],
        "line": {"color": colour.accent, "width": 2.2},
        "marker": {
            "size": [8 if cell.is_partial else 5 for cell in weeks],
            "color": [colour.card if cell.is_partial else colour.accent for cell in weeks],
            "line": {"color": colour.accent, "width": 1.6},
        },
        "customdata": [[cell.n, numbers.text(cell.p25, "hours"), numbers.text(cell.p75, "hours")] for cell in weeks],
        "hovertemplate": "median %{y:.1f} " + unit + ", middle half %{customdata[1]} to %{customdata[2]}"
        "<br>%{customdata[0]:,} changes<extra></extra>",
    }


def _segment(
    part: Stage,
    names: Sequence[str],
    rows: Mapping[str, Mapping[str, float]],
    longest: float,
    factor: float,
    unit: str,
    colour: Tokens,
) -> dict[str, Any]:
    hours = [rows[name].get(part.name, 0.0) for name in names]
    digits = 0 if longest / factor >= 20 else 1
    return {
        "type": "bar",
        "orientation": "h",
        "name": part.title,
        "y": list(names),
        "x": [value / factor for value in hours],
        "text": [f"{value / factor:.{digits}f}" if value / longest >= READABLE_SHARE else "" for value in hours],
        "textposition": "inside",
        "insidetextanchor": "middle",
        "textangle": 0,
        "textfont": {"color": "#FFFFFF" if part.is_dark else colour.ink, "size": 11.5},
        "marker": {"color": part.colour, "line": {"width": 0}},
        "hovertemplate": part.title + " %{x:.1f} " + unit + "<extra></extra>",
    }


def _hollow_where_partial(cells: Sequence[Cell], tone: str, colour: Tokens) -> dict[str, Any]:
    return {
        "color": [colour.card if cell.is_partial else tone for cell in cells],
        "line": {"color": tone, "width": [1.4 if cell.is_partial else 0 for cell in cells]},
    }


def _shade(cell: Cell, colour: Tokens) -> dict[str, Any]:
    """A grey field over a period nobody observed, where no bar does not mean zero; bars stand on the first day."""
    half = (cell.period_end - cell.period_start) / 2
    first = datetime.combine(cell.period_start, time.min)
    return {
        "type": "rect",
        "yref": "paper",
        "x0": (first - half).isoformat(),
        "x1": (first + half).isoformat(),
        "y0": 0,
        "y1": 1,
        "fillcolor": colour.grid,
        "opacity": 0.5,
        "line": {"width": 0},
        "layer": "below",
    }


def _layout(colour: Tokens, height: int) -> dict[str, Any]:
    return {
        "template": {},  # without one Plotly copies its own, of which nothing would be used
        "height": height,
        "margin": {"l": 8, "r": 10, "t": 10, "b": 24},
        "font": {"family": FONT, "size": 12, "color": colour.muted},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "showlegend": False,
        "hovermode": "x unified",
        "dragmode": False,
        "hoverlabel": {
            "bgcolor": colour.card,
            "bordercolor": colour.grid,
            "font": {"family": FONT, "size": 12, "color": colour.ink},
            "align": "left",
        },
    }


def _weeks(cells: Sequence[Cell], colour: Tokens) -> dict[str, Any]:
    days = (cells[0].period_end - cells[0].period_start).days if cells else 7
    word = "Week of " if days == 7 else "Month of " if days < 32 else "Quarter from "
    return {
        "type": "date",
        "showgrid": False,
        "zeroline": False,
        "tickformat": "%-d %b",
        "hoverformat": word + "%-d %b %Y",
        **_ticks(cells),
        **_range(cells),
        "color": colour.muted,
        "fixedrange": True,
        "linecolor": colour.grid,
    }


def _ticks(cells: Sequence[Cell]) -> dict[str, Any]:
    """Few ticks, each on the first day of a period: left alone, Plotly puts weeks on Sundays."""
    if not cells:
        return {}
    first = cells[0]
    every = -(-len(cells) // MOST_TICKS)
    is_week = (first.period_end - first.period_start).days == 7
    return {"tick0": first.period_start.isoformat(), "dtick": every * 7 * DAY if is_week else f"M{every}"}


def _range(cells: Sequence[Cell]) -> dict[str, Any]:
    """The whole window, also where its first or last period has nothing to draw; marks stand on a first day."""
    if not cells:
        return {}
    half = (cells[0].period_end - cells[0].period_start) / 2
    first, last = (datetime.combine(cell.period_start, time.min) for cell in (cells[0], cells[-1]))
    return {"range": [(first - half).isoformat(), (last + half).isoformat()]}


def _whole(cells: Sequence[Cell]) -> dict[str, Any]:
    """Ticks on whole numbers only, where there are too few deployments for Plotly to find that by itself."""
    return {"dtick": 1} if max((cell.n for cell in cells), default=0) <= FEW else {}


def _values(colour: Tokens) -> dict[str, Any]:
    return {
        "gridcolor": colour.grid,
        "gridwidth": 1,
        "zeroline": False,
        "color": colour.muted,
        "nticks": 5,
        "fixedrange": True,
        "automargin": True,
    }
