"""Lead time before and after adoption, against services that had not adopted yet: difference-in-differences.

Each adoption week is a cohort of its own with its own comparison, and only then are cohorts averaged: one regression
over adoptions at different times would compare late adopters with early ones (Goodman-Bacon 2021,
doi 10.1016/j.jeconom.2021.03.014).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

import numpy as np
import numpy.typing as npt

from dxmetrics.metrics.adopters import (
    RESAMPLES,
    Estimate,
    Outcome,
    Verdict,
    expanded_tail,
    judge,
    percentile_interval,
    shown_at,
)
from dxmetrics.metrics.periods import Window, floor
from dxmetrics.metrics.statistics import SEED, Values

WEEKS = 12  # compared on either side of adoption
SKIPPED = 2  # weeks on either side of the adoption week in which delivery dips while a team learns
STRETCH = 3  # weeks of one point of the trend: four points before, four after
POINT_RESAMPLES = 500  # for the interval of a point, which is looked at and judged by nobody

Mask = npt.NDArray[np.bool_]
Hours = Callable[[date, date], Mapping[str, float | None]]
Span = tuple[int, int]

BEFORE: Span = (-SKIPPED - WEEKS, -SKIPPED)  # weeks from the Monday of the adoption week, half-open
AFTER: Span = (SKIPPED + 1, SKIPPED + 1 + WEEKS)
STRETCHES: tuple[Span, ...] = tuple(
    (week, week + STRETCH) for start, end in (BEFORE, AFTER) for week in range(start, end, STRETCH)
)

TOO_RECENT = f"adopted less than {AFTER[1]} weeks ago"
TOO_EARLY = f"observed for less than {-BEFORE[0]} weeks before adoption"
NO_VALUE = "no lead time before or after adoption"
NOT_PARALLEL = "no verdict: adopters and others were drifting apart before adoption already"
NO_OTHERS = "nothing that had not adopted yet to compare with"


@dataclass(frozen=True)
class TrendPoint:
    """Both arms in one stretch of three weeks, in hours; `weeks` is its middle, from the adoption week's Monday.

    Each service is measured against its own level before, so one that is missing in a stretch does not move the line.
    `ratio` is what the adopters' level became since, by what the others' did: 1 where both moved alike. None where no
    service of an arm has a value.
    """

    weeks: float
    adopters: float | None
    others: float | None
    ratio: Estimate | None


@dataclass(frozen=True)
class Cohort:
    """The services that adopted in the week from `week` on, and how many they are compared with."""

    week: date
    adopters: int
    others: int


@dataclass(frozen=True)
class BeforeAfter:
    """Adopters after against before, less what changed for the others meanwhile.

    `adopters_n` and `others_n` count services; one that adopted later is among the others of earlier cohorts. Levels
    are geometric means over services, in hours, and `difference` is theirs. `ratio` is the effect on the logarithm:
    0.8 is a lead time 20 % shorter than it would be had adopters changed as the others did; the verdict rests on it.
    `drift` is the same ratio between the two halves of the time before: an interval without 1 means that the arms were
    not parallel, which takes the ground from a verdict. Levels, effects and trend are None or empty with fewer than 5
    services a side, intervals below 8. `left_out` counts adopters by why they are not in it.
    """

    adopters_n: int
    others_n: int
    cohorts: tuple[Cohort, ...]
    adopters_before: float | None
    adopters_after: float | None
    others_before: float | None
    others_after: float | None
    difference: Estimate | None
    ratio: Estimate | None
    drift: Estimate | None
    trend: tuple[TrendPoint, ...]
    left_out: Mapping[str, int]
    verdict: Verdict


def before_after(
    adopted_on: Mapping[str, date | None], observed: Window, hours: Hours, outcome: Outcome
) -> BeforeAfter:
    """Difference-in-differences of log lead time around each adoption, by bootstrap over services.

    `adopted_on` has every eligible service, None: not adopted so far. `observed` is from the first day with data to the
    first that is not complete. `hours(start, end)` gives each service's own lead time in a half-open window of days;
    it is asked once per window. A control takes the adopters' week as its own, and has not adopted until two weeks
    after the time compared.
    """
    services = tuple(sorted(adopted_on))
    weeks = {name: floor(day, "week") for name, day in adopted_on.items() if day is not None}
    panel, left_out = _panel(services, weeks, observed, cache(hours))
    adopters, others = int(panel.adopters.any(axis=0).sum()), int(panel.others.any(axis=0).sum())
    shown = shown_at(adopters, others)
    if shown == "counts":
        return BeforeAfter(
            adopters, others, panel.cohorts, None, None, None, None, None, None, None, (), left_out,
            judge(outcome, shown, 0, adopters, others),
        )  # fmt: skip
    draws = _draws(panel) if shown == "verdict" else None
    before, after = _logs(panel, BEFORE), _logs(panel, AFTER)
    (before_adopters, before_others), (after_adopters, after_others) = _levels(panel, before), _levels(panel, after)
    ratio = _estimate(panel, lambda weights: _ratio(panel, after - before, weights), draws)
    drift = _drift(panel, draws)
    verdict = judge(outcome, shown, ratio.side_of(1), adopters, others)
    if ratio.side_of(1) and drift is not None and drift.side_of(1):
        verdict = Verdict(shown, None, NOT_PARALLEL)
    return BeforeAfter(
        adopters_n=adopters,
        others_n=others,
        cohorts=panel.cohorts,
        adopters_before=before_adopters,
        adopters_after=after_adopters,
        others_before=before_others,
        others_after=after_others,
        difference=_estimate(panel, lambda weights: _difference(panel, before, after, weights), draws),
        ratio=ratio,
        drift=drift,
        trend=tuple(_point(panel, span, before, draws) for span in STRETCHES),
        left_out=left_out,
        verdict=verdict,
    )


@dataclass(frozen=True)
class _Panel:
    """Who is compared: cohorts in rows, services in columns."""

    services: tuple[str, ...]
    cohorts: tuple[Cohort, ...]
    adopters: Mask
    others: Mask
    hours: Hours


def _panel(
    services: tuple[str, ...], weeks: Mapping[str, date], observed: Window, hours: Hours
) -> tuple[_Panel, Mapping[str, int]]:
    left_out: Counter[str] = Counter()
    cohorts: list[Cohort] = []
    rows: list[tuple[Mask, Mask]] = []
    for week in sorted(set(weeks.values())):
        adopting = np.array([weeks.get(name) == week for name in services])
        reason = _outside(week, observed)
        if reason is not None:
            left_out[reason] += int(adopting.sum())
            continue
        known = np.isfinite(_logs_of(services, hours, week, AFTER) - _logs_of(services, hours, week, BEFORE))
        clear = week + timedelta(weeks=AFTER[1] + SKIPPED)
        others = known & np.array([weeks.get(name, clear) >= clear for name in services])
        adopters = adopting & known
        left_out[NO_VALUE] += int((adopting & ~known).sum())
        if not others.any():
            left_out[NO_OTHERS] += int(adopters.sum())
        elif adopters.any():
            cohorts.append(Cohort(week, int(adopters.sum()), int(others.sum())))
            rows.append((adopters, others))
    shape = (len(rows), len(services))
    adopters, others = (np.array([row[arm] for row in rows], dtype=np.bool_).reshape(shape) for arm in (0, 1))
    found = _Panel(services, tuple(cohorts), adopters, others, hours)
    return found, {reason: n for reason, n in left_out.items() if n}


def _outside(week: date, observed: Window) -> str | None:
    if week + timedelta(weeks=AFTER[1]) > observed.end:
        return TOO_RECENT
    return TOO_EARLY if week + timedelta(weeks=BEFORE[0]) < observed.start else None


def _logs_of(services: tuple[str, ...], hours: Hours, week: date, span: Span) -> Values:
    """The logarithm of each service's hours in a span of weeks; NaN where it has none above 0."""
    found = hours(week + timedelta(weeks=span[0]), week + timedelta(weeks=span[1]))
    values = np.array([found.get(name) for name in services], dtype=np.float64)  # None becomes NaN
    logs: Values = np.log(np.where(values > 0, values, np.nan))
    return logs


def _logs(panel: _Panel, span: Span) -> Values:
    return np.array([_logs_of(panel.services, panel.hours, cohort.week, span) for cohort in panel.cohorts])


def _arms(panel: _Panel, values: Values, weights: Values) -> tuple[Values, Values]:
    """Both arms' means of `values` (cohorts x services) under each row of `weights` (draws x services).

    Every cohort counts by its adopters in the draw; one that has lost an arm does not count, and where none is left
    the means are NaN.
    """
    known = np.isfinite(values)
    filled = np.where(known, values, 0.0)
    (adopters_n, adopters_sum), (others_n, others_sum) = (
        (weights @ (arm & known).T.astype(np.float64), weights @ np.where(arm, filled, 0.0).T)
        for arm in (panel.adopters, panel.others)
    )
    size = np.where(others_n > 0, adopters_n, 0.0)
    total = size.sum(axis=1)
    others_mean = np.divide(others_sum, others_n, out=np.zeros_like(others_sum), where=others_n > 0)
    sums = np.where(size > 0, adopters_sum, 0.0).sum(axis=1), (size * others_mean).sum(axis=1)
    one, other = (np.divide(part, total, out=np.full_like(total, np.nan), where=total > 0) for part in sums)
    return one, other


def _once(panel: _Panel) -> Values:
    return np.ones((1, len(panel.services)))


def _levels(panel: _Panel, logs: Values) -> tuple[float, float]:
    adopters, others = _arms(panel, logs, _once(panel))
    return float(np.exp(adopters[0])), float(np.exp(others[0]))


def _ratio(panel: _Panel, changes: Values, weights: Values) -> Values:
    adopters, others = _arms(panel, changes, weights)
    ratios: Values = np.exp(adopters - others)
    return ratios


def _difference(panel: _Panel, before: Values, after: Values, weights: Values) -> Values:
    (adopters_before, others_before), (adopters_after, others_after) = (
        _arms(panel, logs, weights) for logs in (before, after)
    )
    hours: Values = np.exp(adopters_after) - np.exp(adopters_before) - (np.exp(others_after) - np.exp(others_before))
    return hours


def _drift(panel: _Panel, draws: Values | None) -> Estimate | None:
    start, end = BEFORE
    middle = (start + end) // 2
    changes = _logs(panel, (middle, end)) - _logs(panel, (start, middle))
    known = np.isfinite(changes)
    paired = (panel.adopters & known).any(axis=1) & (panel.others & known).any(axis=1)
    shown = shown_at(*(int((arm & known)[paired].any(axis=0).sum()) for arm in (panel.adopters, panel.others)))
    if shown == "counts":
        return None
    return _estimate(panel, lambda weights: _ratio(panel, changes, weights), draws if shown == "verdict" else None)


def _point(panel: _Panel, span: Span, before: Values, draws: Values | None) -> TrendPoint:
    own = _logs(panel, span) - before
    levels = zip(_levels(panel, before), _arms(panel, own, _once(panel)), strict=True)
    adopters, others = (None if np.isnan(change[0]) else level * float(np.exp(change[0])) for level, change in levels)
    if adopters is None or others is None:
        return TrendPoint(sum(span) / 2, adopters, others, None)
    few = None if draws is None else draws[:POINT_RESAMPLES]
    return TrendPoint(
        sum(span) / 2, adopters, others, _estimate(panel, lambda weights: _ratio(panel, own, weights), few)
    )


def _estimate(panel: _Panel, effect: Callable[[Values], Values], draws: Values | None) -> Estimate:
    value = float(effect(_once(panel))[0])
    if draws is None:
        return Estimate(value, None)
    spread = effect(draws)
    fewest = min(int(arm.any(axis=0).sum()) for arm in (panel.adopters, panel.others))
    return Estimate(value, percentile_interval(spread[np.isfinite(spread)], expanded_tail(fewest)))


def _draws(panel: _Panel) -> Values:
    """How often each service is drawn in each resample; adopters, and those that never are, among themselves.

    A service is drawn with all it takes part in, as adopter and as one of the others of earlier cohorts.
    """
    random = np.random.default_rng(SEED)
    draws = np.zeros((RESAMPLES, len(panel.services)))
    adopts = panel.adopters.any(axis=0)
    for stratum in (adopts, panel.others.any(axis=0) & ~adopts):
        members = np.flatnonzero(stratum)
        if len(members):
            drawn = random.integers(0, len(members), (RESAMPLES, len(members)))
            flat = drawn + np.arange(RESAMPLES)[:, None] * len(members)
            counts = np.bincount(flat.ravel(), minlength=flat.size)
            draws[:, members] = counts.reshape(RESAMPLES, len(members))
    return draws
