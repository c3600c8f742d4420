"""Charts over time: columns on each other, and lines with their interval or middle half as a band."""

from __future__ import annotations

from itertools import groupby

from dxmetrics.reports.document import Series
from dxmetrics.reports.render.paper.canvas import (
    CENTRE,
    DARK_TONES,
    LETTER_WIDTH,
    Canvas,
    Row,
    Specification,
    faceted,
    intervals,
    mark,
    said,
    segments,
    tone,
)

BETWEEN = 1.2  # letters from one date to the next
ROOM_ABOVE = 1.08  # for the value that is written there
PARTIAL_POINT, POINT = 3.5, 1.75  # letters: the area of a point


def columns(canvas: Canvas) -> Specification:
    """A column for each period, a segment for each series."""
    data = {
        "gaps": _gaps(canvas),
        "segments": segments(canvas),
        "intervals": intervals(canvas),
        "labels": _last(canvas, is_stacked=True),
    }
    bar = mark(
        "rect",
        "segments",
        x={"scale": "place", "field": "index", "offset": 0.5},
        width={"scale": "place", "band": 1, "offset": -1},
        y={"scale": "value", "field": "to"},
        y2={"scale": "value", "field": "from"},
        fill={"field": "fill"},
        stroke={"field": "stroke"},
        strokeWidth={"value": 1},
        cornerRadiusTopLeft={"field": "radius"},
        cornerRadiusTopRight={"field": "radius"},
    )
    whisker = mark(
        "rule",
        "intervals",
        x=CENTRE,
        y={"scale": "value", "field": "low"},
        y2={"scale": "value", "field": "high"},
        stroke={"value": canvas.colour.muted},
        strokeWidth={"value": 1},
    )
    return _framed(canvas, data, [_shade(canvas), bar, whisker, _label(canvas)])


def line(canvas: Canvas) -> Specification:
    """A line for each series, broken where a period is unknown."""
    points = [point for one in canvas.chart.series for point in _points(canvas, one)]
    banded = [point for point in points if point["low"] is not None and point["high"] is not None]
    data = {
        "gaps": _gaps(canvas),
        "points": points,
        "band": [point for point in banded if not point["is_alone"]],
        "alone": [point for point in banded if point["is_alone"]],
        "labels": _last(canvas, is_stacked=False),
    }
    ends = {"y": {"scale": "value", "field": "low"}, "y2": {"scale": "value", "field": "high"}}
    fill = {"value": canvas.colour.band}
    width = {"value": canvas.width / max(len(canvas.places), 1) / 4}
    value = {"scale": "value", "field": "value"}
    stroke = {"field": "stroke"}
    pen: dict[str, Specification] = {"strokeWidth": {"value": canvas.letter * 0.2}, "strokeJoin": {"value": "round"}}
    return _framed(
        canvas,
        data,
        [
            _shade(canvas),
            faceted("band", mark("area", "run", x=CENTRE, fill=fill, **ends)),
            mark("rect", "alone", xc=CENTRE, width=width, fill=fill, **ends),
            faceted("points", mark("line", "run", x=CENTRE, y=value, stroke=stroke, **pen)),
            mark(
                "symbol",
                "points",
                x=CENTRE,
                y=value,
                size={"field": "size"},
                fill={"field": "fill"},
                stroke=stroke,
                strokeWidth={"value": canvas.letter * 0.16},
            ),
            _label(canvas),
        ],
    )


def _points(canvas: Canvas, series: Series) -> list[Row]:
    """The known values of a series, each with the unbroken run it is in."""
    rows: list[Row] = []
    paint = tone(series, canvas.colour)
    for is_known, group in groupby(canvas.places, lambda place: series.values[place] is not None):
        run = list(group)
        rows += [
            {
                "index": place,
                "series": series.name,
                "value": canvas.at(series, place),
                "low": canvas.scaled(series.low, place),
                "high": canvas.scaled(series.high, place),
                "stroke": paint,
                "fill": canvas.colour.card if canvas.is_partial(place) else paint,
                "size": canvas.letter * (PARTIAL_POINT if canvas.is_partial(place) else POINT),
                "run": f"{series.name}/{run[0]}",
                "is_alone": len(run) == 1,
            }
            for place in run
            if is_known
        ]
    return rows


def _gaps(canvas: Canvas) -> list[Row]:
    """The periods of which nothing is known."""
    return [{"index": place} for place in canvas.places if canvas.total(place) is None]


def _last(canvas: Canvas, *, is_stacked: bool) -> list[Row]:
    """The last complete value of the stack, or of the one series."""
    chart = canvas.chart
    if not is_stacked and len(chart.series) > 1:
        return []
    for place in reversed(canvas.places):
        total = canvas.total(place)
        if total is not None and not canvas.is_partial(place):
            is_toned = not is_stacked and chart.series[0].tone in DARK_TONES
            fill = tone(chart.series[0], canvas.colour) if is_toned else canvas.colour.ink
            return [{"index": place, "value": total / canvas.factor, "text": said(total, chart), "fill": fill}]
    return []


def _framed(canvas: Canvas, data: dict[str, list[Row]], marks: list[Specification]) -> Specification:
    longest = max(map(len, canvas.chart.categories), default=1) * LETTER_WIDTH + BETWEEN
    every = -(-len(canvas.places) // max(int(canvas.width / canvas.letter / longest), 1))
    return canvas.drawn(
        data,
        marks,
        [canvas.place_scale("width", 0.26), canvas.value_scale("height", ROOM_ABOVE)],
        [canvas.value_axis("left"), canvas.place_axis("bottom", values=list(canvas.places[::every]))],
    )


def _shade(canvas: Canvas) -> Specification:
    return mark(
        "rect",
        "gaps",
        x={"scale": "place", "field": "index"},
        width={"scale": "place", "band": 1},
        y={"value": 0},
        y2={"signal": "height"},
        fill={"value": canvas.colour.grid},
        opacity={"value": 0.5},
    )


def _label(canvas: Canvas) -> Specification:
    """Text above a mark, on a rim of the background so that a line behind it does not strike it through."""
    common: dict[str, Specification] = {
        "x": CENTRE,
        "y": {"scale": "value", "field": "value", "offset": -canvas.letter * 0.75},
        "text": {"field": "text"},
        "align": {"value": "center"},
        "fontWeight": {"value": 600},
    }
    rim: dict[str, Specification] = {
        "stroke": {"value": canvas.colour.card},
        "strokeWidth": {"value": 3},
        "strokeJoin": {"value": "round"},
    }
    return {
        "type": "group",
        "marks": [mark("text", "labels", **common, **rim), mark("text", "labels", **common, fill={"field": "fill"})],
    }
