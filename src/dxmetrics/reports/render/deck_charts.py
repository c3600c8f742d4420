"""Charts on slides: PowerPoint's own, with their numbers behind them, in our colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE, XL_LABEL_POSITION, XL_LEGEND_POSITION, XL_MARKER_STYLE, XL_TICK_MARK
from pptx.util import Inches, Pt

from dxmetrics.palette import LIGHT
from dxmetrics.reports.document import Chart
from dxmetrics.reports.render import paper
from dxmetrics.reports.render.deck import BOTTOM, ROOM, SIDE, TOP, colour, described

if TYPE_CHECKING:
    from pptx.slide import Slide

KINDS = {
    "columns": XL_CHART_TYPE.COLUMN_STACKED,
    "line": XL_CHART_TYPE.LINE_MARKERS,
    "bars": XL_CHART_TYPE.BAR_STACKED,
    "dots": XL_CHART_TYPE.BAR_CLUSTERED,
}
FORMATS = {"hours": '#,##0.0" h"', "%": '0.0" %"'}
TICKS = {"hours": '#,##0" h"', "%": '0" %"'}
LONGEST = 40  # letters of a category; whole names are in the notes


def drawn(slide: Slide, chart: Chart, alt: str) -> None:
    """A chart that fills the slide below its title; `alt` says what it shows."""
    data = CategoryChartData(number_format=FORMATS.get(chart.unit, "General"))
    data.categories = [_shortened(category) for category in chart.categories]
    for one in chart.series:
        data.add_series(one.name, one.values)
    box = (SIDE, TOP, ROOM, BOTTOM - TOP)
    frame = slide.shapes.add_chart(KINDS[chart.kind], *map(Inches, box), data)
    described(frame, alt)
    made: Any = frame.chart
    made.font.size, made.font.color.rgb = Pt(12), colour(LIGHT.muted)
    made.has_title = False
    made.has_legend = len(chart.series) > 1
    if made.has_legend:
        made.legend.position, made.legend.include_in_layout = XL_LEGEND_POSITION.TOP, False
    _axes(made, chart)
    plot = made.plots[0]
    if chart.kind != "line":
        plot.gap_width = 45
    for drawn_series, one in zip(plot.series, chart.series, strict=True):
        paint = colour(paper.tone(one, LIGHT))
        if chart.kind == "line":
            drawn_series.smooth = False
            drawn_series.format.line.color.rgb, drawn_series.format.line.width = paint, Pt(2.25)
            drawn_series.marker.style, drawn_series.marker.size = XL_MARKER_STYLE.CIRCLE, 6
            drawn_series.marker.format.fill.solid()
            drawn_series.marker.format.fill.fore_color.rgb = paint
            drawn_series.marker.format.line.color.rgb = paint
        else:
            drawn_series.format.fill.solid()
            drawn_series.format.fill.fore_color.rgb = paint
        _hollow(drawn_series, chart, paint)
    if len(chart.series) == 1:
        _labelled(plot, chart)


def _axes(made: Any, chart: Chart) -> None:
    names, values = made.category_axis, made.value_axis
    names.format.line.color.rgb = colour(LIGHT.grid)
    names.major_tick_mark = values.major_tick_mark = XL_TICK_MARK.NONE
    names.has_major_gridlines = False
    names.reverse_order = not paper.is_over_time(chart)
    values.format.line.fill.background()
    values.has_major_gridlines = True
    values.major_gridlines.format.line.color.rgb = colour(LIGHT.grid)
    values.tick_labels.number_format = TICKS.get(chart.unit, "#,##0")
    values.tick_labels.number_format_is_linked = False
    if all(value >= 0 for one in chart.series for value in one.values if value is not None):
        values.minimum_scale = 0


def _hollow(series: Any, chart: Chart, paint: Any) -> None:
    """Periods that are not over are outlines."""
    for place, is_partial in enumerate(chart.is_partial):
        if is_partial:
            point = series.points[place]
            shape = point.marker.format if chart.kind == "line" else point.format
            shape.fill.solid()
            shape.fill.fore_color.rgb = colour(LIGHT.card)
            shape.line.color.rgb, shape.line.width = paint, Pt(1.25)


def _labelled(plot: Any, chart: Chart) -> None:
    """The value beside each bar; over time beside the last complete one only."""
    if not paper.is_over_time(chart):
        plot.has_data_labels = True
        labels = plot.data_labels
        labels.show_value, labels.number_format_is_linked = True, False
        labels.number_format = FORMATS.get(chart.unit, "#,##0.##")
        labels.font.size, labels.font.bold = Pt(11), True
        if chart.kind == "dots":
            labels.position = XL_LABEL_POSITION.OUTSIDE_END
        return
    place = _last(chart)
    if place is not None:
        frame = plot.series[0].points[place].data_label.text_frame
        frame.text = paper.said(chart.series[0].values[place], chart)
        frame.paragraphs[0].runs[0].font.bold = True
        frame.paragraphs[0].runs[0].font.size = Pt(12)


def _last(chart: Chart) -> int | None:
    """The last complete period with a value."""
    values: Sequence[float | None] = chart.series[0].values
    partial = chart.is_partial or (False,) * len(values)
    return max((place for place, value in enumerate(values) if value is not None and not partial[place]), default=None)


def _shortened(name: str) -> str:
    return name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"
