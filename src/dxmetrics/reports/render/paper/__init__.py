"""Charts on paper: pictures made from specifications in Vega's terms, which are plain dictionaries.

The rules are those of the screen: no axis titles, the unit in the ticks, grid lines across the values only, rounded
bars, what is not over is hollow, what nobody observed is shaded, the last complete value is written beside its mark.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache, lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

from dxmetrics.palette import LIGHT, Tokens
from dxmetrics.reports.document import Chart
from dxmetrics.reports.render.paper.canvas import Canvas, Specification, is_over_time, said, tone
from dxmetrics.reports.render.paper.periods import columns, line
from dxmetrics.reports.render.paper.rows import bars, dots

__all__ = ["FONTS", "is_over_time", "keys", "png", "said", "slices", "sparkline", "specification", "svg", "tone"]

FONTS = Path(__file__).parents[1] / "fonts"
WIDTH, HEIGHT, LETTER = 480, 148, 8.5  # the size of a picture over time, and of its letters
ROW, HIGH_ROW, AXIS = 2.5, 3.1, 2.6  # letters high: a row, one with names of two lines, and what is below them

_DRAWN = {"columns": columns, "line": line, "bars": bars, "dots": dots}


def svg(chart: Chart, width: int = WIDTH, height: int | None = None, letter: float = LETTER) -> str:
    """The chart as SVG in the light palette: vector drawing, and text as text. `letter`: the size of the text."""
    return _svg(chart, width, height, letter)


def png(chart: Chart, width: int = WIDTH, height: int | None = None, letter: float = LETTER, scale: float = 2) -> bytes:
    """The chart as PNG on white, `scale` pixels for each unit of `width`."""
    drawn = specification(chart, width, height, letter) | {"background": LIGHT.card}
    return bytes(_converter().vega_to_png(drawn, scale=scale))


def specification(
    chart: Chart, width: int = WIDTH, height: int | None = None, letter: float = LETTER, colour: Tokens = LIGHT
) -> Specification:
    """The chart in Vega's terms. Its rows of data have the numbers, in the unit that the ticks name."""
    canvas = Canvas(chart, colour, width, height or HEIGHT, letter)
    if height is None and not is_over_time(chart):
        row = HIGH_ROW if any(isinstance(canvas.name(place), list) for place in canvas.places) else ROW
        canvas = replace(canvas, height=round(letter * (AXIS + row * max(len(chart.categories), 1))))
    return _DRAWN[chart.kind](canvas)


def keys(chart: Chart) -> tuple[tuple[str, str], ...]:
    """Name and tone of each series, to be written above the chart; none where there is only one."""
    return tuple((one.name, one.tone) for one in chart.series) if len(chart.series) > 1 else ()


def slices(chart: Chart, most: int) -> tuple[Chart, ...]:
    """The chart in pieces of at most `most` categories each, for what would not fit on a page. Time is never cut."""
    if is_over_time(chart) or len(chart.categories) <= most:
        return (chart,)
    return tuple(_slice(chart, start, start + most) for start in range(0, len(chart.categories), most))


def sparkline(points: Sequence[float | None], width: int = 80, height: int = 18) -> str:
    """A small line through the known points, broken where one is unknown; empty where there are not two."""
    known = [point for point in points if point is not None]
    if len(known) < 2:
        return ""
    low, room = min(known), max(known) - min(known)
    step = (width - 4) / (len(points) - 1)
    places = [
        None if point is None else (2 + index * step, 2 + (height - 4) * (1 - ((point - low) / room if room else 0.5)))
        for index, point in enumerate(points)
    ]
    runs = [[place for place in run if place] for is_known, run in groupby(places, bool) if is_known]
    path = "".join("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in run) + ("h0" if len(run) == 1 else "") for run in runs)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
        f'<path d="{path}" fill="none" stroke="{LIGHT.accent}" stroke-width="1.5" stroke-linejoin="round" '
        'stroke-linecap="round"/></svg>'
    )


def _slice(chart: Chart, start: int, end: int) -> Chart:
    series = tuple(
        one.model_copy(update={"values": one.values[start:end], "low": one.low[start:end], "high": one.high[start:end]})
        for one in chart.series
    )
    changed = {"categories": chart.categories[start:end], "is_partial": chart.is_partial[start:end], "series": series}
    return chart.model_copy(update=changed)


@lru_cache(maxsize=128)
def _svg(chart: Chart, width: int, height: int | None, letter: float) -> str:
    return str(_converter().vega_to_svg(specification(chart, width, height, letter)))


@cache
def _converter() -> Any:
    """Vega with our fonts. It runs in an engine of its own, which takes a second to start."""
    import vl_convert

    vl_convert.register_font_directory(str(FONTS / "plain"))  # in a chart nothing of other scripts is bold
    return vl_convert
