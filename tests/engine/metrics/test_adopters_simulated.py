"""What intervals and verdicts promise, over 1,000 organisations of known truth each."""

import math
from collections.abc import Mapping
from datetime import date, timedelta

import numpy as np
import pytest

from dxmetrics.metrics import adopters, before_after
from dxmetrics.metrics.adopters import Estimate, Outcome
from dxmetrics.metrics.periods import Window

pytestmark = pytest.mark.real

RUNS = 1000
TOLERANCE = 0.014  # two standard errors of a share of 5 % in 1,000 runs
LEAD_TIME, FAIL_RATE = Outcome("lead time", "hours", "lower"), Outcome("change fail rate", "%", "lower")
OBSERVED, FIRST = Window(date(2025, 1, 6), date(2026, 11, 23)), date(2025, 9, 1)


def covers(estimate: Estimate | None, truth: float) -> bool:
    assert estimate is not None
    assert estimate.interval is not None
    return estimate.interval[0] <= truth <= estimate.interval[1]


def lead_times(random: np.random.Generator, n: int, middle: float) -> dict[str, float | None]:
    return {str(place): float(value) for place, value in enumerate(middle * np.exp(random.normal(0, 0.8, n)))}


def failures(random: np.random.Generator, n: int, share: float) -> dict[str, tuple[int, int]]:
    """Services whose own fail rates vary around a common one."""
    counts, own = random.integers(20, 200, n), random.beta(share * 40, (1 - share) * 40, n)
    return {str(place): (int(random.binomial(n, own[place])), int(n)) for place, n in enumerate(counts)}


@pytest.mark.parametrize(("one", "other"), [(8, 8), (20, 20), (12, 40)])
def test_the_interval_of_medians_covers_the_truth_and_no_effect_gives_no_verdict(one: int, other: int) -> None:
    random = np.random.default_rng(one)
    covered = verdicts = 0
    for _ in range(RUNS):
        others = lead_times(random, other, 20)
        covered += covers(adopters.compare_medians(lead_times(random, one, 14), others, LEAD_TIME).difference, -6)
        verdicts += adopters.compare_medians(lead_times(random, one, 20), others, LEAD_TIME).verdict.change is not None
    assert 0.93 <= covered / RUNS <= 0.97
    assert verdicts / RUNS <= 0.05 + TOLERANCE


@pytest.mark.parametrize(("one", "other"), [(8, 8), (20, 20), (12, 40)])
def test_the_interval_of_shares_covers_the_truth_and_no_effect_gives_no_verdict(one: int, other: int) -> None:
    random = np.random.default_rng(one)
    covered = verdicts = 0
    for _ in range(RUNS):
        others = failures(random, other, 0.2)
        covered += covers(adopters.compare_shares(failures(random, one, 0.1), others, FAIL_RATE).difference, -10)
        verdicts += adopters.compare_shares(failures(random, one, 0.2), others, FAIL_RATE).verdict.change is not None
    assert 0.93 <= covered / RUNS <= 0.97 + TOLERANCE  # at least Newcombe's: wide with few services
    assert verdicts / RUNS <= 0.05 + TOLERANCE


@pytest.mark.parametrize(("adopting", "others", "cohorts"), [(8, 8, 1), (12, 20, 2)])
def test_the_interval_of_before_and_after_covers_no_effect_and_gives_no_verdict(
    adopting: int, others: int, cohorts: int
) -> None:
    """An effect moves the estimate and its interval alike on the logarithm, so one truth stands for all."""
    random = np.random.default_rng(adopting)
    covered = verdicts = 0
    for _ in range(RUNS):
        found = organisation(random, adopting, others, cohorts)
        covered += covers(found.ratio, 1)
        verdicts += found.verdict.change is not None
    assert 0.93 <= covered / RUNS <= 0.97
    assert verdicts / RUNS <= 0.05 + TOLERANCE


def organisation(random: np.random.Generator, adopting: int, others: int, cohorts: int) -> before_after.BeforeAfter:
    """Services with levels of their own that wander, all growing faster by and by; some adopt, to no effect."""
    names = [str(place) for place in range(adopting + others)]
    adopted_on: dict[str, date | None] = {
        name: FIRST + timedelta(weeks=place % cohorts) if place < adopting else None for place, name in enumerate(names)
    }
    shape = (len(names), 100)
    levels = random.normal(3, 0.7, (len(names), 1)) + random.normal(0, 0.25, shape)
    weeks = np.cumsum(levels + random.normal(0, 0.06, shape).cumsum(axis=1) - 0.004 * np.arange(100), axis=1)

    def hours(start: date, end: date) -> Mapping[str, float | None]:
        first, last = ((day - OBSERVED.start).days // 7 for day in (start, end))
        means = (weeks[:, last] - weeks[:, first]) / (last - first)
        return {name: math.exp(mean) for name, mean in zip(names, means, strict=True)}

    return before_after.before_after(adopted_on, OBSERVED, hours, LEAD_TIME)
