"""What is computed of the values of one cell: each aggregate a pure function from a group to a measured number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from dxmetrics.metrics import statistics
from dxmetrics.metrics.definition import Definition
from dxmetrics.metrics.gather import Group

P90_MINIMUM, P95_MINIMUM = 20, 40


@dataclass(frozen=True)
class Measured:
    """A value with its n, interval and spread; None and a reason where there is not enough to say it."""

    value: float | None = None
    n: int = 0
    k: int | None = None
    interval: statistics.Interval | None = None
    method: str | None = None
    quartiles: tuple[float | None, float | None] = (None, None)
    p90: float | None = None
    p95: float | None = None
    unit: str | None = None
    reason: str | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Frame:
    """What surrounds a group: its metric, the complete observed weeks of its bucket, and if it is cut into periods.

    `denominator` is the count or sum a rate is taken against, `part` the measure's place where there are several.
    """

    definition: Definition
    weeks: Sequence[int] = ()
    period: str | None = None
    denominator: float = 0
    part: int = 0


def measure(group: Group, frame: Frame) -> Measured:
    """The value of a group by its metric's aggregate."""
    return _AGGREGATES[frame.definition.aggregate](group, frame)


def weekly_counts(group: Group, weeks: Sequence[int]) -> list[int]:
    """The events of each complete observed week, zeros kept."""
    return [group.weeks.get(week, (0, 0))[0] for week in weeks]


def weekly_days(group: Group, weeks: Sequence[int]) -> list[int]:
    """The active days of each complete observed week, zeros kept."""
    return [group.weeks.get(week, (0, 0))[1] for week in weeks]


def _too_few(n: int, group: Group, definition: Definition, what: str) -> str:
    if n > 0:
        return f"not enough data: {n} {definition.entities}, {what} needs {definition.minimum_n}"
    if not group.exclusions:
        return f"no {definition.entities} in this period"
    reasons = ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in group.exclusions.most_common())
    return f"no {definition.entities} count in this period: {reasons}"


def _tail(values: statistics.Values, share: float, minimum: int) -> float | None:
    return statistics.percentile(values, share) if len(values) >= minimum else None


def _quartiles(values: statistics.Values) -> tuple[float, float]:
    return statistics.percentile(values, 0.25), statistics.percentile(values, 0.75)


def _median(group: Group, frame: Frame) -> Measured:
    values, n = group.values, len(group.values)
    waiting = (f"open={len(group.open_hours)}",) if len(group.open_hours) else ()
    if n < frame.definition.minimum_n or n == 0:
        return Measured(n=n, reason=_too_few(n, group, frame.definition, "a median"), flags=waiting)
    return Measured(
        statistics.percentile(values, 0.5),
        n,
        interval=statistics.median_interval(values),
        method="order statistics",
        quartiles=_quartiles(values),
        p90=_tail(values, 0.9, P90_MINIMUM),
        p95=_tail(values, 0.95, P95_MINIMUM),
        flags=waiting,
    )


def _recovery(group: Group, frame: Frame) -> Measured:
    closed, still_open = group.values, group.open_hours
    n, k = len(closed) + len(still_open), len(closed)
    if n >= frame.definition.minimum_n and not len(still_open):
        return replace(_median(group, frame), k=k)
    flags = (f"open={len(still_open)}", f"oldest_open_hours={still_open[-1]:.1f}") if len(still_open) else ()
    if n < frame.definition.minimum_n or n == 0:
        return Measured(n=n, k=k, reason=_too_few(n, group, frame.definition, "a median"), flags=flags)
    survival = statistics.kaplan_meier(closed, still_open)
    reason = None if survival.median is not None else f"not reached: {len(still_open)} of {n} are still open"
    return Measured(survival.median, n, k, survival.interval, "kaplan-meier", reason=reason, flags=flags)


def _proportion(group: Group, frame: Frame) -> Measured:
    if group.n < max(1, frame.definition.minimum_n):
        return Measured(n=group.n, k=group.k, reason=_too_few(group.n, group, frame.definition, "a share"))
    scale = 100.0 if frame.definition.unit == "%" else 1.0
    interval = statistics.wilson(group.k, group.n)
    scaled = None if interval is None else (interval[0] * scale, interval[1] * scale)
    flags = ("insufficient",) if group.n < frame.definition.level_minimum_n else ()
    return Measured(group.k / group.n * scale, group.n, group.k, scaled, "wilson", flags=flags)


def _count(group: Group, frame: Frame) -> Measured:
    if frame.period is not None:
        return Measured(float(group.n), group.n)
    counts = weekly_counts(group, frame.weeks)
    unit = f"{frame.definition.unit}/week"
    if not counts:
        return Measured(n=0, unit=unit, reason="no complete week in this window")
    interval = statistics.weekly_interval(counts)
    return Measured(sum(counts) / len(counts), sum(counts), interval=interval, method="bootstrap over weeks", unit=unit)


def _active_days(group: Group, frame: Frame) -> Measured:
    if frame.period in ("day", "week"):
        days = sum(days for _, days in group.weeks.values())
        return Measured(float(days), group.n, unit="days" if frame.period == "day" else None)
    days_by_week = weekly_days(group, frame.weeks)
    n, needed = len(days_by_week), frame.definition.minimum_n
    if n < max(1, needed):
        return Measured(n=n, reason=f"insufficient history: {n} complete weeks observed, a median needs {needed}")
    values = np.sort(np.asarray(days_by_week, dtype=np.float64))
    return Measured(
        statistics.percentile(values, 0.5),
        n,
        interval=statistics.median_interval(values),
        method="order statistics",
        quartiles=_quartiles(values),
    )


def _stock(group: Group, _frame: Frame) -> Measured:
    flags = (f"oldest_hours={group.values[-1]:.1f}",) if len(group.values) else ()
    return Measured(float(group.n), group.n, flags=flags)


def _sum(group: Group, frame: Frame) -> Measured:
    if not group.n and group.exclusions:
        return Measured(reason=_too_few(0, group, frame.definition, "a sum"))
    return Measured(float(group.values.sum()), group.n)


def _mean(group: Group, frame: Frame) -> Measured:
    n, mean, deviation = group.moments[frame.part] if group.moments else (0, None, None)
    if mean is None or n < frame.definition.minimum_n:
        return Measured(n=n, reason=_too_few(n, group, frame.definition, "a mean"))
    return Measured(mean, n, interval=statistics.mean_interval(mean, deviation or 0.0, n), method="student")


def _rate(group: Group, frame: Frame) -> Measured:
    """Events, or with a measure their sum, for each one of another metric."""
    per, k, scale = frame.denominator, group.n, frame.definition.scale
    if per <= 0:
        return Measured(n=0, k=k, reason=f"nothing to count them against: no {frame.definition.per} in this period")
    if not frame.definition.measures:
        low, high = statistics.garwood(k)
        return Measured(k / per * scale, int(per), k, (low / per * scale, high / per * scale), "garwood")
    return Measured(float(group.values.sum()) / per * scale, k, k)


_AGGREGATES = {
    "median": _median,
    "recovery": _recovery,
    "proportion": _proportion,
    "count": _count,
    "active_days": _active_days,
    "stock": _stock,
    "sum": _sum,
    "mean": _mean,
    "rate": _rate,
}
