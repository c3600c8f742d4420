"""What is drawn on and with what: a chart in a size and a palette, its scale, and the marks of Vega we use."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from textwrap import wrap
from typing import Any

from dxmetrics import numbers
from dxmetrics.palette import FONT, Tokens
from dxmetrics.reports.document import Chart, Series
from dxmetrics.reports.render.words import SHORT_UNITS

Specification = dict[str, Any]
Row = dict[str, Any]

SCHEMA = "https://vega.github.io/schema/vega/v5.json"
DARK_TONES = frozenset({"accent", "bad", "good", "muted", "pickup", "deploy"})
NAMES = 0.36  # of the width, at most, for names below each other
LETTER_WIDTH = 0.53  # of its size, on average
CENTRE: Specification = {"scale": "place", "field": "index", "band": 0.5}


def is_over_time(chart: Chart) -> bool:
    """Whether its categories are periods beside each other, not names below each other."""
    return chart.kind in ("columns", "line")


def tone(series: Series, colour: Tokens) -> str:
    """The colour of a series."""
    return str(getattr(colour, series.tone))


def said(value: float | None, chart: Chart) -> str:
    """A value as it is written beside its mark: with its unit where that is short, "12.7 h"."""
    return numbers.text(value, chart.unit) if chart.unit in SHORT_UNITS else numbers.measure(value, chart.unit)[0]


@dataclass(frozen=True)
class Canvas:
    """A chart to be drawn `width` by `height`, with letters of a size."""

    chart: Chart
    colour: Tokens
    width: int
    height: int
    letter: float

    @cached_property
    def factor(self) -> float:
        """What values are divided by, so that they are in the unit people would say the largest in."""
        return self._scale[0]

    @cached_property
    def suffix(self) -> str:
        """What stands behind each tick."""
        return self._scale[1]

    @property
    def places(self) -> range:
        """The categories by number: two of them may be called the same."""
        return range(len(self.chart.categories))

    def at(self, series: Series, place: int) -> float | None:
        """A value in the unit of the ticks."""
        return self.scaled(series.values, place)

    def scaled(self, values: Sequence[float | None], place: int) -> float | None:
        """One of them in the unit of the ticks, None where there is none."""
        value = values[place] if place < len(values) else None
        return None if value is None else value / self.factor

    def is_partial(self, place: int) -> bool:
        """Whether a period is not over."""
        return place < len(self.chart.is_partial) and self.chart.is_partial[place]

    def name(self, place: int) -> str | list[str]:
        """What a category is called, in two lines where there is no room for one."""
        name = self.chart.categories[place]
        letters = int(self.width * NAMES / self.letter / LETTER_WIDTH)
        return (
            name
            if is_over_time(self.chart) or len(name) <= letters
            else wrap(name, letters, max_lines=2, placeholder=" …")
        )

    def total(self, place: int) -> float | None:
        """All series of a category together, as the document has them; None where none is known."""
        known = [value for one in self.chart.series if (value := one.values[place]) is not None]
        return sum(known) if known else None

    @property
    def ends(self) -> list[float]:
        """Where marks end, in the unit of the ticks."""
        series = self.chart.series
        lone = [value for one in series for place in self.places for value in (self.at(one, place),)]
        around = [
            self.scaled(values, place) for one in series for values in (one.low, one.high) for place in self.places
        ]
        is_stacked = self.chart.kind in ("columns", "bars")
        stacked = [total / self.factor for place in self.places if (total := self.total(place)) is not None]
        return [0.0, *(value for value in (*lone, *around) if value is not None), *(stacked if is_stacked else [])]

    def drawn(
        self,
        data: Mapping[str, list[Row]],
        marks: list[Specification],
        scales: list[Specification],
        axes: list[Specification],
    ) -> Specification:
        """The whole specification."""
        places = list(self.places)
        words = {"name": "words", "type": "ordinal", "domain": places, "range": [self.name(place) for place in places]}
        look = {"font": FONT, "fontSize": self.letter, "lineHeight": self.letter * 1.2}
        return {
            "$schema": SCHEMA,
            "width": self.width,
            "height": self.height,
            "autosize": {"type": "fit", "contains": "padding"},
            "padding": {
                "left": 3,
                "right": 2 if is_over_time(self.chart) else self.letter * 1.4,
                "top": 2,
                "bottom": 3,
            },
            "config": {"text": look, "axis": {"labelFont": FONT, "labelFontSize": self.letter}},
            "scales": [*scales, words],
            "axes": axes,
            "data": [{"name": name, "values": rows} for name, rows in data.items()],
            "marks": marks,
        }

    def place_scale(self, extent: str, padding: float) -> Specification:
        """A band for each category."""
        return {
            "name": "place",
            "type": "band",
            "domain": list(self.places),
            "range": extent,
            "paddingInner": padding,
            "paddingOuter": padding / 2,
        }

    def value_scale(self, extent: str, room: float) -> Specification:
        """From zero to the largest, and `room` times that for what is written there."""
        return {
            "name": "value",
            "type": "linear",
            "domain": [min(self.ends), max(self.ends) * room or 1],
            "range": extent,
            "zero": True,
        }

    def place_axis(self, orient: str, **look: object) -> Specification:
        """The names of the categories."""
        said: Specification = {"signal": "scale('words', datum.value)"}
        above: Specification = {"signal": f"isArray(scale('words', datum.value)) ? {-0.6 * self.letter} : 0"}
        return self._axis("place", orient) | look | {"encode": {"labels": {"update": {"text": said, "dy": above}}}}

    def value_axis(self, orient: str) -> Specification:
        """Few numbers with their unit; whole ones where all values are."""
        values = [value for one in self.chart.series for value in one.values if value is not None]
        is_whole = self.factor == 1 and all(float(value).is_integer() for value in values)
        said = {"signal": f"format(datum.value, ',.12~g') + {json.dumps(self.suffix)}"}
        return (
            self._axis("value", orient)
            | {"grid": True, "gridColor": self.colour.grid, "tickCount": 5}
            | ({"tickMinStep": 1} if is_whole else {})
            | {"encode": {"labels": {"update": {"text": said}}}}
        )

    def _axis(self, scale: str, orient: str) -> Specification:
        return {
            "scale": scale,
            "orient": orient,
            "domain": False,
            "ticks": False,
            "labelColor": self.colour.muted,
            "labelPadding": 5,
            "aria": False,
        }

    @cached_property
    def _scale(self) -> tuple[float, str]:
        if self.chart.unit != "hours":
            return 1.0, f" {self.chart.unit}" if self.chart.unit in SHORT_UNITS else ""
        ends = (value for one in self.chart.series for value in (*one.values, *one.low, *one.high) if value is not None)
        factor, unit = numbers.hours_scale(max((abs(value) for value in ends), default=0.0))
        return factor, f" {unit}"


def mark(kind: str, data: str, **properties: Specification) -> Specification:
    """Marks of one kind, one for each row of the data."""
    return {"type": kind, "from": {"data": data}, "aria": False, "encode": {"update": properties}}


def faceted(data: str, one: Specification) -> Specification:
    """A mark of its own, drawn from `run`, for each unbroken run of the data."""
    return {"type": "group", "from": {"facet": {"name": "run", "data": data, "groupby": "run"}}, "marks": [one]}


def segments(canvas: Canvas) -> list[Row]:
    """Each value as a stretch from the end of the one before it; the last of a category has rounded corners."""
    rows: list[Row] = []
    for place in canvas.places:
        end = 0.0
        stack: list[Row] = []
        for one in canvas.chart.series:
            value = canvas.at(one, place)
            if value is None:
                continue
            paint, is_partial = tone(one, canvas.colour), canvas.is_partial(place)
            stack.append(
                {
                    "index": place,
                    "series": one.name,
                    "from": end,
                    "to": (end := end + value),
                    "fill": canvas.colour.card if is_partial else paint,
                    "stroke": paint if is_partial else None,
                    "ink": canvas.colour.card if one.tone in DARK_TONES and not is_partial else canvas.colour.ink,
                    "radius": 0.0,
                }
            )
        visible = [row for row in stack if row["to"] > row["from"]]
        if visible:
            visible[-1]["radius"] = canvas.letter * 0.36
        rows += stack
    return rows


def intervals(canvas: Canvas) -> list[Row]:
    """The intervals of values that do not stand on others."""
    chart = canvas.chart
    if chart.kind != "dots" and len(chart.series) > 1:
        return []
    found = [
        (place, one, canvas.scaled(one.low, place), canvas.scaled(one.high, place))
        for one in chart.series
        for place in canvas.places
    ]
    return [
        {"index": place, "series": one.name, "low": low, "high": high, "stroke": tone(one, canvas.colour)}
        for place, one, low, high in found
        if low is not None and high is not None
    ]
