"""Honest statistics: percentiles, intervals, differences and process behaviour limits.

Pure functions over numbers; nothing here knows a metric, a clock or a database. Every interval is a 95 % one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special  # not scipy.stats: its import takes longer than all the rest

Values = npt.NDArray[np.float64]
Interval = tuple[float, float]

Z = 1.959963984540054
RESAMPLES = 2000
SEED = 20261123  # a bootstrap must give the same interval to everyone who asks


def percentile(ordered: Values, share: float) -> float:
    """The percentile of ascending values by linear interpolation (type 7), as spreadsheets and numpy do."""
    place = (len(ordered) - 1) * share
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return float(ordered[below] + (place - below) * (ordered[above] - ordered[below]))


@lru_cache(maxsize=4096)
def median_ranks(n: int) -> tuple[int, int] | None:
    """The 1-based ranks of the order statistics around the median with at least 95 % confidence; None below n = 6."""
    below = special.bdtr(np.arange(n // 2 + 1), n, 0.5)  # P(fewer or as many as so many values are below the median)
    low = int(np.searchsorted(below, 0.025))
    return (low, n + 1 - low) if low >= 1 else None


def median_interval(ordered: Values) -> Interval | None:
    """The exact order-statistic interval of the median of ascending values; None below six of them."""
    ranks = median_ranks(len(ordered))
    if ranks is None:
        return None
    return float(ordered[ranks[0] - 1]), float(ordered[ranks[1] - 1])


def wilson(k: int, n: int) -> Interval | None:
    """Wilson's interval of the share k/n, between 0 and 1; None where n is 0."""
    if n == 0:
        return None
    share = k / n
    spread = 1 + Z * Z / n
    middle = (share + Z * Z / (2 * n)) / spread
    half = Z * math.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n)) / spread
    return (0.0 if k == 0 else middle - half), (1.0 if k == n else middle + half)


@lru_cache(maxsize=4096)
def garwood(k: int) -> Interval:
    """Garwood's exact Poisson interval of an observed count."""
    low = 0.0 if k == 0 else float(special.gammaincinv(k, 0.025))
    return low, float(special.gammaincinv(k + 1, 0.975))


def mean_interval(mean: float, deviation: float, n: int) -> Interval | None:
    """Student's interval of a mean; None below two values."""
    if n < 2:
        return None
    half = float(special.stdtrit(n - 1, 0.975)) * deviation / math.sqrt(n)
    return mean - half, mean + half


@dataclass(frozen=True)
class Survival:
    """The Kaplan-Meier median (None: not reached) and its interval (None where a bound is not reached)."""

    median: float | None
    interval: Interval | None


def kaplan_meier(closed: Values, still_open: Values) -> Survival:
    """The median duration when some have not ended: `still_open` holds how long those have lasted so far.

    The interval is where Greenwood's log-log band crosses one half (Brookmeyer and Crowley).
    """
    times, ended = np.unique(closed, return_counts=True)
    ordered = np.sort(np.concatenate([closed, still_open]))
    at_risk = len(ordered) - np.searchsorted(ordered, times)
    survival: Values = np.cumprod(1 - ended / at_risk, dtype=np.float64)
    median = _first_at_most_half(times, survival)
    inside = survival > 0  # at 0 the band is undefined: it ends with the last time before
    variance = np.cumsum(ended[inside] / (at_risk[inside] * (at_risk[inside] - ended[inside])))
    logs = np.log(survival[inside])
    factor = np.exp(Z * np.sqrt(variance) / -logs)
    lower = np.concatenate([np.exp(logs * factor), survival[~inside]])
    low = _first_at_most_half(times, lower)
    high = _first_at_most_half(times[inside], np.exp(logs / factor))
    return Survival(median, None if low is None or high is None else (low, high))


def _first_at_most_half(times: Values, survival: Values) -> float | None:
    reached = np.flatnonzero(survival <= 0.5 + 1e-12)
    return float(times[reached[0]]) if len(reached) else None


@dataclass(frozen=True)
class Difference:
    """Now minus before, with its interval; `excludes_zero` is what makes it a signal."""

    value: float
    low: float
    high: float
    method: str

    @property
    def excludes_zero(self) -> bool:
        return self.low > 0 or self.high < 0


def square_and_add(now: float, now_ci: Interval, before: float, before_ci: Interval, method: str) -> Difference:
    """The difference of two independent estimates from their own intervals (Newcombe's method 10 for Wilson's)."""
    value = now - before
    low = value - math.hypot(now - now_ci[0], before_ci[1] - before)
    high = value + math.hypot(now_ci[1] - now, before - before_ci[0])
    return Difference(value, low, high, method)


def proportion_difference(k: int, n: int, before_k: int, before_n: int) -> Difference | None:
    """Newcombe's interval of the difference of two shares, between -1 and 1; None where either has no cases."""
    now_ci, before_ci = wilson(k, n), wilson(before_k, before_n)
    if now_ci is None or before_ci is None:
        return None
    return square_and_add(k / n, now_ci, before_k / before_n, before_ci, "newcombe")


def resampled_medians(ordered: Values, random: np.random.Generator) -> Values:
    """RESAMPLES bootstrap medians of ascending values, drawn as order statistics: its time does not grow with n."""
    n = len(ordered)
    if n % 2:
        drawn = random.beta((n + 1) / 2, (n + 1) / 2, RESAMPLES)
        return ordered[np.minimum((drawn * n).astype(np.int64), n - 1)]
    lower = random.beta(n / 2, n / 2 + 1, RESAMPLES)
    upper = lower + (1 - lower) * (1 - random.random(RESAMPLES) ** (2 / n))
    both = [ordered[np.minimum((drawn * n).astype(np.int64), n - 1)] for drawn in (lower, upper)]
    return (both[0] + both[1]) / 2


def median_difference(now: Values, before: Values) -> Difference | None:
    """Bootstrap interval of the difference of medians of ascending values; None below six values on either side."""
    if median_ranks(len(now)) is None or median_ranks(len(before)) is None:
        return None
    random = np.random.default_rng(SEED)
    spread = resampled_medians(now, random) - resampled_medians(before, random)
    low, high = np.quantile(spread, (0.025, 0.975))
    return Difference(percentile(now, 0.5) - percentile(before, 0.5), float(low), float(high), "bootstrap")


@lru_cache(maxsize=256)
def _choices(n: int, seed: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng(seed).integers(0, n, (RESAMPLES, n))


def weekly_interval(weeks: Sequence[int]) -> Interval | None:
    """Bootstrap interval of the mean of weekly counts, whole weeks drawn (events cluster); None below six weeks."""
    if len(weeks) < 6:
        return None
    means = np.asarray(weeks, dtype=np.float64)[_choices(len(weeks), SEED)].mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)


def weekly_difference(now: Sequence[int], before: Sequence[int]) -> Difference | None:
    """Bootstrap interval of the difference of mean weekly counts; None below six weeks on either side."""
    if len(now) < 6 or len(before) < 6:
        return None
    one, other = np.asarray(now, dtype=np.float64), np.asarray(before, dtype=np.float64)
    spread = one[_choices(len(one), SEED)].mean(axis=1) - other[_choices(len(other), SEED + 1)].mean(axis=1)
    low, high = np.quantile(spread, (0.025, 0.975))
    return Difference(float(one.mean() - other.mean()), float(low), float(high), "bootstrap over weeks")


@dataclass(frozen=True)
class Limits:
    """A process behaviour chart (XmR): natural limits of single points and of the step between two."""

    mean: float
    low: float
    high: float
    mean_range: float
    range_limit: float


def xmr(baseline: Sequence[float], *, floor: float | None = 0.0) -> Limits | None:
    """Limits from at least six points in time order; the lower one is floored (counts and durations end at 0)."""
    if len(baseline) < 6:
        return None
    points = np.asarray(baseline, dtype=np.float64)
    mean, mean_range = float(points.mean()), float(np.abs(np.diff(points)).mean())
    low = mean - 2.66 * mean_range
    return Limits(
        mean, low if floor is None else max(floor, low), mean + 2.66 * mean_range, mean_range, 3.268 * mean_range
    )


class Signal(NamedTuple):
    """A point that is no routine variation: its position, and 1 above the mean or -1 below it."""

    place: int
    side: int


def xmr_signals(points: Sequence[float], limits: Limits) -> tuple[Signal, ...]:
    """The points that are signals against frozen limits.

    One point outside the limits; the eighth in a row on one side; the third of four nearer a limit than the mean.
    """
    sides = [(point > limits.mean) - (point < limits.mean) for point in points]
    near = [(2 * point > limits.mean + limits.high) - (2 * point < limits.mean + limits.low) for point in points]
    found = []
    for place, point in enumerate(points):
        outside = (point > limits.high) - (point < limits.low)
        run = sides[max(0, place - 7) : place + 1]
        four = near[max(0, place - 3) : place + 1]
        for side in (1, -1):
            long_run = len(run) == 8 and all(one == side for one in run)
            if outside == side or long_run or (near[place] == side and four.count(side) >= 3):
                found.append(Signal(place, side))
                break
    return tuple(found)
