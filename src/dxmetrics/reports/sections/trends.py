"""A metric over time: complete periods only, with the interval or the middle half where it has one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from dxmetrics import numbers
from dxmetrics.metrics import Cell, Definition, Window
from dxmetrics.metrics.periods import floor
from dxmetrics.reports import calendar
from dxmetrics.reports.context import Context
from dxmetrics.reports.document import Chart, Figure, Section, Series
from dxmetrics.reports.sections.entry import Entry, Text

Step = Literal["week", "month"]
STEPS: dict[str, Step] = {"week": "week", "month": "week", "quarter": "month"}
COUNTS: dict[Step, int] = {"week": 13, "month": 12}
EACH: dict[Step, str] = {"week": "a week", "month": "a month"}
DEPLOYMENTS, FAILED = "deployments", "change_fail_rate"
COLUMNS = ("count", "sum", "stock", "active_days")


class Trend(Entry):
    """One metric over the last 13 weeks or 12 months."""

    about: ClassVar[str] = "One metric over the last 13 weeks, or 12 months"
    section: Literal["trend"] = "trend"
    metric: Text
    period: Step | None = None

    @property
    def metrics_named(self) -> tuple[str, ...]:
        return (self.metric,)

    def write(self, context: Context) -> Section:
        step = self.period or STEPS[context.kind]
        return Section(name=self.section, title="Over time", blocks=(figure(context, self.metric, step),))


def figure(context: Context, metric: str, step: Step) -> Figure:
    """The chart of a metric, up to the last week or month that was over when the period ended."""
    definition = context.definition(metric)
    window = _window(context, step)
    cells = context.cells(metric, window, period=step)
    title = f"{definition.title} {EACH[step]}" if definition.aggregate == "count" else definition.title
    if metric == DEPLOYMENTS:
        failed = context.cells(FAILED, window, period=step)
        return Figure(
            title=title,
            note=_note(definition, cells, step) or "Those that needed a fix are red.",
            alt=_alt(cells, definition, step),
            chart=_drawn("columns", cells, _split(cells, failed), "deployments"),
        )
    return Figure(
        title=title,
        note=_note(definition, cells, step),
        alt=_alt(cells, definition, step),
        chart=_drawn(
            "columns" if definition.aggregate in COLUMNS else "line",
            cells,
            (_series(definition, cells),),
            definition.unit,
        ),
    )


def _window(context: Context, step: Step) -> Window:
    if step == "month":
        return calendar.months_until(context.window.end, COUNTS[step])
    end = floor(context.window.end, "week")
    return calendar.before(Window(floor(end.fromordinal(end.toordinal() - 1), "week"), end), COUNTS[step] - 1, "week")


def _drawn(kind: Literal["columns", "line"], cells: Sequence[Cell], series: tuple[Series, ...], unit: str) -> Chart:
    return Chart(
        kind=kind,
        categories=tuple(_named(cell) for cell in cells),
        series=series,
        unit=unit,
        starts=tuple(cell.period_start for cell in cells),
        is_partial=tuple(cell.is_partial and cell.value is not None for cell in cells),
    )


def _named(cell: Cell) -> str:
    """ "3 Nov" for a week, "Nov 2026" for a month."""
    is_month = (cell.period_end - cell.period_start).days > 7
    return f"{cell.period_start:%b %Y}" if is_month else f"{cell.period_start.day} {cell.period_start:%b}"


def _split(counted: Sequence[Cell], judged: Sequence[Cell]) -> tuple[Series, ...]:
    """Deployments that needed a fix and those that did not; a period nobody observed has neither."""
    failed = [None if one.value is None else float(cell.k or 0) for one, cell in zip(counted, judged, strict=True)]
    fine = [
        None if one.value is None or bad is None else max(0.0, one.value - bad)
        for one, bad in zip(counted, failed, strict=True)
    ]
    return (
        Series(name="Did not need a fix", tone="bars", values=tuple(fine)),
        Series(name="Needed a fix", tone="bad", values=tuple(failed)),
    )


def _series(definition: Definition, cells: Sequence[Cell]) -> Series:
    """The values with their middle half, else with their interval."""
    values = tuple(cell.value for cell in cells)
    halves = [(cell.p25, cell.p75) for cell in cells]
    if any(low is not None and high is not None for low, high in halves) and definition.aggregate != "active_days":
        ends = halves
    else:
        ends = [(cell.ci_low, cell.ci_high) for cell in cells]
    known = definition.aggregate not in COLUMNS and any(low is not None for low, _ in ends)
    return Series(
        name=definition.title,
        tone="bars" if definition.aggregate in COLUMNS else "accent",
        values=values,
        low=tuple(low for low, _ in ends) if known else (),
        high=tuple(high for _, high in ends) if known else (),
    )


def _note(definition: Definition, cells: Sequence[Cell], step: Step) -> str | None:
    if all(cell.value is None for cell in cells):
        return next((f"Nothing to draw: {cell.reason}." for cell in cells if cell.reason), None)
    if definition.aggregate in ("median", "recovery"):
        return f"The median of each {step}, and the middle half of what lies around it."
    if definition.aggregate == "proportion":
        return f"The share in each {step}, and its 95 % interval."
    return None


def _alt(cells: Sequence[Cell], definition: Definition, step: Step) -> str:
    """The same in words: the least, the most, and the last."""
    known = [cell for cell in cells if cell.value is not None and not cell.is_partial]
    if not known:
        return f"{definition.title}: nothing is known of these {step}s."
    values = [cell.value or 0.0 for cell in known]
    unit = known[-1].unit
    return (
        f"{definition.title} by {step}: from {numbers.interval(min(values), max(values), unit)}; "
        f"{numbers.text(values[-1], unit)} in the last one."
    )
