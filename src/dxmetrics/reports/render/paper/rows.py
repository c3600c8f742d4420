"""Charts of names below each other: bars with what is written at their ends, and dots with their intervals."""

from __future__ import annotations

from dxmetrics.reports.render.paper.canvas import (
    CENTRE,
    NAMES,
    Canvas,
    Row,
    Specification,
    intervals,
    mark,
    said,
    segments,
    tone,
)

BOLD = 0.62  # of its size: the width of a bold letter, on average
READABLE = 0.09  # of the longest bar: what a figure inside a segment needs


def bars(canvas: Canvas) -> Specification:
    """A bar for each category, a segment for each series, and the total behind it."""
    stacks = segments(canvas)
    longest = max((row["to"] for row in stacks), default=0.0) or 1.0
    is_split = len(canvas.chart.series) > 1
    lengths = [(row, row["to"] - row["from"]) for row in stacks]
    data = {
        "segments": stacks,
        "inside": [
            row | {"text": f"{length:,.{0 if longest >= 20 else 1}f}"}
            for row, length in lengths
            if is_split and length / longest >= READABLE
        ],
        "intervals": intervals(canvas),
        "ends": _ends(canvas),
    }
    bar = mark(
        "rect",
        "segments",
        y={"scale": "place", "field": "index"},
        height={"scale": "place", "band": 1},
        x={"scale": "value", "field": "from"},
        x2={"scale": "value", "field": "to"},
        fill={"field": "fill"},
        stroke={"field": "stroke"},
        strokeWidth={"value": 1},
        cornerRadiusTopRight={"field": "radius"},
        cornerRadiusBottomRight={"field": "radius"},
    )
    inside = mark(
        "text",
        "inside",
        x={"scale": "value", "signal": "(datum.from + datum.to) / 2"},
        y=CENTRE,
        text={"field": "text"},
        fill={"field": "ink"},
        align={"value": "center"},
        baseline={"value": "middle"},
    )
    rule = _range({"value": canvas.colour.muted}, 1.0, 1.0)
    return _framed(canvas, data, [bar, inside, rule, _written(canvas)])


def dots(canvas: Canvas) -> Specification:
    """A dot for each value on a common scale, its interval behind it."""
    values = [
        {"index": place, "series": one.name, "value": value, "fill": tone(one, canvas.colour)}
        for one in canvas.chart.series
        for place in canvas.places
        if (value := canvas.at(one, place)) is not None
    ]
    data = {
        "intervals": intervals(canvas),
        "dots": values,
        "ends": _ends(canvas) if len(canvas.chart.series) == 1 else [],
    }
    dot = mark(
        "symbol",
        "dots",
        x={"scale": "value", "field": "value"},
        y=CENTRE,
        size={"value": canvas.letter * 7.2},
        fill={"field": "fill"},
        stroke={"value": canvas.colour.card},
        strokeWidth={"value": canvas.letter * 0.17},
    )
    return _framed(canvas, data, [_range({"field": "stroke"}, canvas.letter * 0.45, 0.38), dot, _written(canvas)])


def _ends(canvas: Canvas) -> list[Row]:
    """What is written behind each row: its value or its total, a dash where it is unknown."""
    chart = canvas.chart
    rows: list[Row] = []
    for place in canvas.places:
        total = canvas.total(place)
        upper = canvas.scaled(chart.series[0].high, place) if len(chart.series) == 1 else None
        end = max(0.0, (total or 0.0) / canvas.factor, upper or 0.0)
        rows.append({"index": place, "value": end, "text": _said(canvas, total)})
    return rows


def _said(canvas: Canvas, total: float | None) -> str:
    """A value in the unit of the ticks, so that hours and days do not stand below each other."""
    if total is None or canvas.chart.unit != "hours":
        return said(total, canvas.chart)
    return f"{total / canvas.factor:,.{0 if canvas.suffix == ' min' else 1}f}{canvas.suffix}"


def _framed(canvas: Canvas, data: dict[str, list[Row]], marks: list[Specification]) -> Specification:
    plot = canvas.width * (1 - NAMES)
    written = max((len(row["text"]) for row in data["ends"]), default=0) * canvas.letter * BOLD + canvas.letter
    return canvas.drawn(
        data,
        marks,
        [canvas.place_scale("height", 0.36), canvas.value_scale("width", 1 / (1 - min(written / plot, 0.5)))],
        [
            canvas.value_axis("bottom"),
            canvas.place_axis("left", labelLimit=canvas.width * NAMES, labelColor=canvas.colour.ink, labelPadding=8),
        ],
    )


def _range(stroke: Specification, width: float, opacity: float) -> Specification:
    return mark(
        "rule",
        "intervals",
        y=CENTRE,
        x={"scale": "value", "field": "low"},
        x2={"scale": "value", "field": "high"},
        stroke=stroke,
        strokeWidth={"value": width},
        strokeCap={"value": "round"},
        opacity={"value": opacity},
    )


def _written(canvas: Canvas) -> Specification:
    return mark(
        "text",
        "ends",
        x={"scale": "value", "field": "value", "offset": canvas.letter * 0.7},
        y=CENTRE,
        text={"field": "text"},
        fill={"value": canvas.colour.muted},
        fontWeight={"value": 600},
        baseline={"value": "middle"},
    )
