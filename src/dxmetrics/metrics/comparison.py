"""A window against the one before it: a change is named only where it is more than routine variation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dxmetrics.metrics import statistics
from dxmetrics.metrics.aggregate import weekly_counts, weekly_days
from dxmetrics.metrics.definition import Definition
from dxmetrics.metrics.gather import Group, Request
from dxmetrics.metrics.periods import Window, previous, spine
from dxmetrics.metrics.query import Answer, answers
from dxmetrics.metrics.results import Cell, Chart, Comparison
from dxmetrics.metrics.statistics import Difference
from dxmetrics.metrics.store import Reading

ROUTINE = "routine variation"
BASELINE = 12  # the first points, which limits are taken from and frozen: 12 to 20 are preferred


def compare(reading: Reading, asked: Request, window: Window) -> tuple[Comparison, ...]:
    """One comparison per dimension value of the window with the equally long one before it."""
    before_window = previous(window)
    before = {_key(one.cell): one for one in answers(reading, in_window(reading, asked, before_window), None)}
    weekly = _weekly_points(reading, asked, Window(before_window.start, window.end), window)
    found = []
    for now in answers(reading, asked, None):
        earlier = before.get(_key(now.cell))
        if earlier is None:
            earlier = Answer(_nothing_before(now.cell, before_window), Group(), ())
        found.append(_comparison(asked.definition, now, earlier, weekly.get(_key(now.cell))))
    return tuple(found)


def chart(cells: tuple[Cell, ...]) -> Chart:
    """The process behaviour chart of one series of cells: partial and unknown periods are no points of it."""
    points = [cell for cell in cells if cell.value is not None and not cell.is_partial]
    values = [cell.value for cell in points if cell.value is not None]
    limits = statistics.xmr(values[:BASELINE])
    if limits is None:
        return Chart(cells, None, (), f"{len(points)} complete periods with a value: limits need 6")
    signals = tuple(points[signal.place] for signal in statistics.xmr_signals(values, limits))
    return Chart(cells, limits, signals, None)


def in_window(reading: Reading, asked: Request, window: Window, period: str | None = None) -> Request:
    """The same request for another window."""
    publication = reading.publication
    placed = spine(window, period, publication.zone, publication.as_of)
    return replace(asked, spine=placed, has_period=period is not None)


def _key(cell: Cell) -> tuple[tuple[str, str | None], ...]:
    return tuple(cell.dimensions.items())


def _nothing_before(cell: Cell, window: Window) -> Cell:
    return Cell(
        metric=cell.metric,
        version=cell.version,
        period=f"{window.start}/{window.end}",
        period_start=window.start,
        period_end=window.end,
        dimensions=cell.dimensions,
        value=None,
        unit=cell.unit,
        n=0,
        is_partial=True,
        reason="nothing was observed in the window before",
    )


Series = tuple[list[float], list[float]]


def _weekly_points(reading: Reading, asked: Request, both: Window, window: Window) -> dict[object, Series]:
    """Complete weeks before and in the window, for sums and stocks, which have no interval of their own."""
    if asked.definition.aggregate not in ("sum", "stock"):
        return {}
    series: dict[object, Series] = {}
    for one in answers(reading, in_window(reading, asked, both, "week"), "week"):
        cell = one.cell
        if cell.value is not None and not cell.is_partial:
            series.setdefault(_key(cell), ([], []))[cell.period_start >= window.start].append(cell.value)
    return series


def _comparison(definition: Definition, now: Answer, before: Answer, series: Series | None) -> Comparison:
    current, earlier = now.cell, before.cell
    reason = _incomparable(current, earlier)
    if reason is not None or current.value is None or earlier.value is None:
        return Comparison(
            definition.name, current.dimensions, current, earlier, None, None, None, None, False, None,
            reason or ROUTINE, reason,
        )  # fmt: skip
    value = current.value - earlier.value
    interval = _difference(definition, now, before)
    is_signal = interval is not None and interval.excludes_zero and interval.value * value > 0
    method = interval.method if interval else None
    if not is_signal and _fires(series or _weeks(definition, now, before), value):
        is_signal, method = True, "process behaviour chart"
    return Comparison(
        metric=definition.name,
        dimensions=current.dimensions,
        current=current,
        previous=earlier,
        difference=value,
        ci_low=interval.low if interval else None,
        ci_high=interval.high if interval else None,
        ci_method=method,
        is_signal=is_signal,
        change=_change(definition, value) if is_signal else None,
        text=_text(definition, value, current.unit) if is_signal else ROUTINE,
        reason=None,
    )


def _incomparable(now: Cell, before: Cell) -> str | None:
    if now.value is None:
        return now.reason
    if before.value is None:
        return f"nothing to compare with: {before.reason}"
    if now.is_partial:
        return "this period is not over, or was not observed from its beginning"
    if before.is_partial:
        return "the period before was not observed from its beginning"
    return None


def _difference(definition: Definition, now: Answer, before: Answer) -> Difference | None:
    """The difference with its interval, by the kind of metric; None where there are too few events for one."""
    aggregate, one, other = definition.aggregate, now.group, before.group
    if aggregate == "proportion":
        found = statistics.proportion_difference(one.k, one.n, other.k, other.n)
        scale = 100.0 if definition.unit == "%" else 1.0
        return found and Difference(found.value * scale, found.low * scale, found.high * scale, found.method)
    if aggregate == "median" or (aggregate == "recovery" and not len(one.open_hours) + len(other.open_hours)):
        return statistics.median_difference(one.values, other.values)
    if aggregate == "count":
        return statistics.weekly_difference(weekly_counts(one, now.weeks), weekly_counts(other, before.weeks))
    if aggregate == "active_days":
        days = (weekly_days(one, now.weeks), weekly_days(other, before.weeks))
        ordered = [np.sort(np.asarray(some, dtype=np.float64)) for some in days]
        return statistics.median_difference(ordered[0], ordered[1])
    if aggregate in ("mean", "rate", "recovery"):
        return _from_intervals(now.cell, before.cell)
    return None


def _from_intervals(now: Cell, before: Cell) -> Difference | None:
    if now.value is None or before.value is None or now.ci_low is None or before.ci_low is None:
        return None
    if now.ci_high is None or before.ci_high is None:
        return None
    return statistics.square_and_add(
        now.value, (now.ci_low, now.ci_high), before.value, (before.ci_low, before.ci_high), "square and add"
    )


def _weeks(definition: Definition, now: Answer, before: Answer) -> Series | None:
    weekly = {"count": weekly_counts, "active_days": weekly_days}.get(definition.aggregate)
    if weekly is None:
        return None
    return [float(n) for n in weekly(before.group, before.weeks)], [float(n) for n in weekly(now.group, now.weeks)]


def _fires(series: Series | None, change: float) -> bool:
    """True where the window's weeks signal, in the direction of the change, against limits of the weeks before it."""
    limits = statistics.xmr(series[0]) if series else None
    if series is None or limits is None:
        return False
    return any(signal.side * change > 0 for signal in statistics.xmr_signals(series[1], limits))


def _change(definition: Definition, value: float) -> str | None:
    if definition.better == "none" or value == 0:
        return None
    return "better" if (value < 0) == (definition.better == "lower") else "worse"


def _text(definition: Definition, value: float, unit: str) -> str:
    direction = "more" if value > 0 else "less"
    change = _change(definition, value)
    size = f"{abs(value):,.1f}" if abs(value) >= 1 else f"{abs(value):.2g}"
    return f"{size} {unit} {direction} than before{f': {change}' if change else ''}"
