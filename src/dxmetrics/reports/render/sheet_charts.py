"""Charts of a workbook: Excel's own, so that they can be changed, in our colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xlsxwriter import Workbook

from dxmetrics.palette import LIGHT
from dxmetrics.reports.document import Chart, Series
from dxmetrics.reports.render import paper

KINDS = {"columns": "column", "line": "line", "bars": "bar", "dots": "bar"}
WIDTH, HEIGHT, FRAME, BAR = 620, 300, 70, 22  # pixels: a chart, what is around its rows, one of them
ROW_PIXELS = 20  # of a sheet


def height(chart: Chart) -> int:
    """Pixels from top to bottom."""
    return HEIGHT if paper.is_over_time(chart) else FRAME + BAR * max(len(chart.categories), 4)


def drawn(workbook: Workbook, sheet: str, chart: Chart, head: int, places: Sequence[int]) -> Any:
    """The chart of the numbers below row `head`: categories in the first column, each series in its place."""
    is_bar = not paper.is_over_time(chart)
    kind: dict[str, str] = {"type": KINDS[chart.kind]}
    if len(chart.series) > 1 and chart.kind in ("columns", "bars"):
        kind["subtype"] = "stacked"
    made = workbook.add_chart(kind)
    last = head + len(chart.categories)
    for one, place in zip(chart.series, places, strict=True):
        made.add_series(
            {
                "name": [sheet, head, place],
                "categories": [sheet, head + 1, 0, last, 0],
                "values": [sheet, head + 1, place, last, place],
                "gap": 50,
                **_painted(one, chart),
            }
        )
    letters = {"color": LIGHT.muted, "size": 9}
    values = {
        "num_font": letters,
        "num_format": {"hours": '0" h"', "%": '0" %"'}.get(chart.unit, "#,##0"),
        "line": {"none": True},
        "major_gridlines": {"visible": True, "line": {"color": LIGHT.grid, "width": 0.75}},
        "min": 0 if all(value >= 0 for line in chart.series for value in line.values if value is not None) else None,
    }
    categories = {"num_font": letters, "line": {"color": LIGHT.grid}, "major_tick_mark": "none", "reverse": is_bar}
    made.set_x_axis(categories)  # also of bars, where it stands upright
    made.set_y_axis(values)
    made.set_legend({"position": "top", "font": letters} if len(chart.series) > 1 else {"none": True})
    made.set_title({"none": True})
    made.set_chartarea({"border": {"none": True}})
    made.show_blanks_as("gap")
    made.set_size({"width": WIDTH, "height": height(chart)})
    return made


def _painted(series: Series, chart: Chart) -> dict[str, Any]:
    colour = paper.tone(series, LIGHT)
    hollow = {"fill": {"color": LIGHT.card}, "border": {"color": colour, "width": 1}}
    points = [hollow if is_partial else None for is_partial in chart.is_partial]
    partial = {"points": points} if any(points) else {}
    if chart.kind != "line":
        return {"fill": {"color": colour}, "border": {"none": True}, **partial}
    marker = {"type": "circle", "size": 5, "fill": {"color": colour}, "border": {"color": colour}}
    return {"line": {"color": colour, "width": 2}, "marker": marker, **partial}
