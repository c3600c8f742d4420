"""Scores of survey answers, each with its 95 % interval.

Pure functions over codes; what does not apply or was not answered is left out before.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dxmetrics.metrics import statistics
from dxmetrics.metrics.statistics import Z

Values = npt.NDArray[np.float64]

ALPHA = 0.7  # Cronbach's alpha from which an index is more than its items
RESAMPLES = 2000


@dataclass(frozen=True)
class Score:
    """A value with its interval over `n` respondents; without an interval where too few answered."""

    value: float
    low: float | None
    high: float | None
    n: int


def favourable(codes: Sequence[int], points: Collection[int]) -> Score | None:
    """The percentage of answers at these points of the scale, with Wilson's interval; None without answers."""
    n, k = len(codes), sum(code in points for code in codes)
    bounds = statistics.wilson(k, n)
    return None if bounds is None else Score(100 * k / n, 100 * bounds[0], 100 * bounds[1], n)


def mean(codes: Sequence[int]) -> float | None:
    """The mean of the codes; None without answers."""
    return sum(codes) / len(codes) if codes else None


def recommend(codes: Sequence[int], promoters: Collection[int], detractors: Collection[int]) -> Score | None:
    """100 x (share of promoters - share of detractors), -100 to 100; None without answers.

    The interval is the normal one of a difference of two shares of one sample: SE = sqrt((p + d - (p - d)^2) / n).
    """
    n = len(codes)
    if not n:
        return None
    up, down = (sum(code in points for code in codes) / n for points in (promoters, detractors))
    value = 100 * (up - down)
    error = 100 * math.sqrt((up + down - (up - down) ** 2) / n)
    return Score(value, max(-100.0, value - Z * error), min(100.0, value + Z * error), n)


def index_of(codes: Mapping[str, int], scales: Mapping[str, tuple[int, int]], min_answered: float) -> float | None:
    """One respondent's index: the mean of (code - min) / (max - min) x 100 over the items answered.

    `scales` has least and greatest code of every item of the index; None where fewer than `min_answered` of them were
    answered.
    """
    answered = [name for name in scales if name in codes]
    if not answered or len(answered) < min_answered * len(scales):
        return None
    scaled = [(codes[name] - scales[name][0]) / (scales[name][1] - scales[name][0]) for name in answered]
    return 100 * sum(scaled) / len(scaled)


def index(values: Sequence[float], seed: int) -> Score | None:
    """The mean of the respondents' indices with a bootstrap interval by respondent; None without any."""
    if not values:
        return None
    known: Values = np.asarray(values, dtype=np.float64)
    if len(known) < 2:
        return Score(float(known.mean()), None, None, 1)
    random = np.random.default_rng(seed)
    means = random.choice(known, (RESAMPLES, len(known))).mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return Score(float(known.mean()), float(low), float(high), len(known))


def cronbach(rows: Sequence[Sequence[float]]) -> float | None:
    """Cronbach's alpha of respondents (rows) by items (columns); None below two of either, or without variance."""
    table: Values = np.asarray(rows, dtype=np.float64)
    if table.ndim != 2 or min(table.shape) < 2:
        return None
    items = table.shape[1]
    total = float(table.sum(axis=1).var(ddof=1))
    if total == 0:
        return None
    alpha: float = items / (items - 1) * (1 - float(table.var(axis=0, ddof=1).sum()) / total)
    return alpha
