import math
from collections.abc import Iterable
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dxmetrics.metrics import adopters, statistics
from dxmetrics.metrics.adopters import Confounder, Contrast, Outcome
from dxmetrics.metrics.statistics import Values

LEAD_TIME = Outcome("lead time", "hours", "lower")
FREQUENCY = Outcome("deployment frequency", "days a week", "higher")
FAIL_RATE = Outcome("change fail rate", "%", "lower")
SIZE = Outcome("change size", "lines", "none")

numbers = st.lists(st.integers(-20, 20).map(float), min_size=1, max_size=25)


def side(values: Iterable[float | None]) -> dict[str, float | None]:
    return {f"service {place}": value for place, value in enumerate(values)}


def shares(counts: Iterable[tuple[int, int]]) -> dict[str, tuple[int, int]]:
    return {f"service {place:03}": count for place, count in enumerate(counts)}


def lead_times(one: Iterable[float | None], other: Iterable[float | None]) -> Contrast:
    return adopters.compare_medians(side(one), side(other), LEAD_TIME, is_duration=True)


def ordered(values: Iterable[float]) -> Values:
    return np.sort(np.array(list(values), dtype=np.float64))


def lognormal(n: int, seed: int, middle: float = 20) -> list[float]:
    return [float(value) for value in middle * np.exp(np.random.default_rng(seed).normal(0, 0.7, n))]


def test_the_worked_example_is_met_to_the_digit() -> None:
    found = lead_times([2, 4, 6, 8, 10], [6, 8, 10, 14, 20])
    assert found.difference == adopters.Estimate(-4, None)
    assert found.hodges_lehmann == -4
    assert found.cliffs_delta == -0.64
    assert (found.adopters, found.others) == (6, 10)
    assert found.ratio == adopters.Estimate(0.6, None)
    assert found.verdict.shown == "dots"
    assert found.verdict.change is None
    assert found.verdict.text == "no verdict: 5 adopters, 5 others; it takes 8 services a side"


@pytest.mark.parametrize(
    ("one", "other", "shown"),
    [(4, 50, "counts"), (50, 4, "counts"), (5, 50, "dots"), (50, 7, "dots"), (8, 8, "verdict")],
)
def test_the_smaller_side_decides_what_may_be_shown(one: int, other: int, shown: str) -> None:
    medians = lead_times(lognormal(one, 1), lognormal(other, 2))
    pooled = adopters.compare_shares(shares([(1, 9)] * one), shares([(1, 9)] * other), FAIL_RATE)
    for found in (medians, pooled):
        assert found.verdict.shown == shown
        assert (found.adopters_n, found.others_n) == (one, other)
        assert (found.difference is None) is (shown == "counts")
        if found.difference is not None:
            assert (found.difference.interval is None) is (shown == "dots")


@pytest.mark.parametrize(("one", "other"), [([], []), ([], [1.0] * 20), ([3.0], [4.0])])
def test_a_side_that_is_empty_or_one_service_gives_counts_and_nothing_else(
    one: list[float], other: list[float]
) -> None:
    found = lead_times(one, other)
    assert (found.adopters, found.others, found.difference, found.hodges_lehmann, found.cliffs_delta) == (None,) * 5
    text = f"too few to compare: {len(one)} adopters, {len(other)} others; it takes 5 services a side"
    assert found.verdict.text == text
    assert adopters.compare_shares({}, {}, FAIL_RATE).verdict.shown == "counts"


def test_services_without_a_value_are_no_zeros_but_left_out() -> None:
    assert lead_times([None, 2, 4, 6, None, 8, 10], [6, 8, 10, 14, 20]) == lead_times(
        [2, 4, 6, 8, 10], [6, 8, 10, 14, 20]
    )
    found = adopters.compare_shares(shares([(0, 0), *[(1, 10)] * 9]), shares([(1, 10)] * 8), FAIL_RATE)
    assert found.adopters_n == 9


def test_a_difference_beyond_doubt_is_better_or_worse_by_the_side_the_outcome_wants() -> None:
    low, high = side(lognormal(20, 1, middle=5)), side(lognormal(20, 2, middle=60))

    def said(one: dict[str, float | None], other: dict[str, float | None], outcome: Outcome) -> tuple[object, str]:
        verdict = adopters.compare_medians(one, other, outcome).verdict
        return verdict.change, verdict.text

    assert said(low, high, LEAD_TIME) == ("better", "adoption is associated with lower lead time: better")
    assert said(high, low, LEAD_TIME) == ("worse", "adoption is associated with higher lead time: worse")
    assert said(low, high, FREQUENCY) == ("worse", "adoption is associated with lower deployment frequency: worse")
    assert said(high, low, FREQUENCY) == ("better", "adoption is associated with higher deployment frequency: better")
    assert said(high, low, SIZE) == (None, "adoption is associated with higher change size")


def test_what_is_not_beyond_doubt_is_not_detectable_and_never_no_effect() -> None:
    verdict = lead_times(lognormal(9, 1), lognormal(14, 2)).verdict
    assert verdict.change is None
    assert verdict.text == "no difference detectable at this n (9 adopters, 14 others)"


def test_sides_that_are_all_equal_differ_by_nothing() -> None:
    found = lead_times([7.0] * 10, [7.0] * 12)
    assert found.difference == adopters.Estimate(0, (0, 0))
    assert found.ratio == adopters.Estimate(1, (1, 1))
    assert (found.hodges_lehmann, found.cliffs_delta, found.verdict.change) == (0, 0, None)


def test_a_ratio_is_for_durations_above_zero_only() -> None:
    one, other = lognormal(10, 1), lognormal(10, 2)
    assert lead_times(one, other).ratio is not None
    assert lead_times([0.0, *one], other).ratio is None
    assert lead_times(one, [0.0, *other]).ratio is None
    assert adopters.compare_medians(side(one), side(other), FREQUENCY).ratio is None


def test_the_order_in_which_services_come_changes_nothing() -> None:
    one, other = side(lognormal(12, 1)), side(lognormal(15, 2))
    backwards = dict(reversed(one.items()))
    assert adopters.compare_medians(one, other, LEAD_TIME) == adopters.compare_medians(backwards, other, LEAD_TIME)
    counts = shares((place % 3, 10 + place) for place in range(12))
    assert adopters.compare_shares(counts, shares([(1, 9)] * 9), FAIL_RATE) == adopters.compare_shares(
        dict(reversed(counts.items())), shares([(1, 9)] * 9), FAIL_RATE
    )


@given(numbers, numbers)
def test_cliffs_delta_is_what_mann_and_whitney_count(one: list[float], other: list[float]) -> None:
    wins = float(stats.mannwhitneyu(one, other, method="asymptotic", use_continuity=False).statistic)
    assert adopters.cliffs_delta(ordered(one), ordered(other)) == pytest.approx(
        2 * wins / (len(one) * len(other)) - 1, abs=1e-12
    )


@given(numbers, numbers)
def test_the_hodges_lehmann_shift_leaves_neither_side_larger(one: list[float], other: list[float]) -> None:
    shift = adopters.hodges_lehmann(ordered(one), ordered(other))
    assert shift == np.median([mine - theirs for mine, theirs in product(one, other)])
    above = sum(mine - shift > theirs for mine, theirs in product(one, other))
    below = sum(mine - shift < theirs for mine, theirs in product(one, other))
    assert max(above, below) <= len(one) * len(other) / 2


def test_the_interval_of_the_medians_is_that_of_scipy() -> None:
    one, other = lognormal(31, 1), lognormal(24, 2, middle=40)
    theirs = stats.bootstrap(
        (one, other), lambda a, b, axis: np.median(a, axis=axis) - np.median(b, axis=axis),
        n_resamples=20_000, method="percentile", rng=np.random.default_rng(5), vectorized=True,
    ).confidence_interval  # fmt: skip
    found = lead_times(one, other)
    assert found.difference is not None
    assert found.difference.interval == pytest.approx((theirs.low, theirs.high), abs=1.0)
    assert found.difference.value == pytest.approx(np.median(one) - np.median(other))
    assert found.ratio is not None
    assert found.ratio.interval is not None
    logs = stats.bootstrap(
        (np.log(one), np.log(other)), lambda a, b, axis: np.median(a, axis=axis) - np.median(b, axis=axis),
        n_resamples=20_000, method="percentile", rng=np.random.default_rng(6), vectorized=True,
    ).confidence_interval  # fmt: skip
    assert [math.log(edge) for edge in found.ratio.interval] == pytest.approx([logs.low, logs.high], abs=0.05)


def test_shares_are_pooled_and_drawn_by_service() -> None:
    random = np.random.default_rng(3)
    one, other = ([(int(random.binomial(n, random.beta(2, 10))), int(n)) for n in random.integers(30, 300, size)]
                  for size in (12, 20))  # fmt: skip
    found = adopters.compare_shares(shares(one), shares(other), FAIL_RATE)

    def pooled(counts: list[tuple[int, int]], drawn: Values) -> Values:
        k, n = np.array(counts)[drawn.astype(int)].sum(axis=-2).T
        return 100 * k / n

    theirs = stats.bootstrap(
        (np.arange(12), np.arange(20)), lambda a, b, axis: pooled(one, a) - pooled(other, b),
        n_resamples=20_000, method="percentile", confidence_level=1 - 2 * adopters.expanded_tail(12),
        rng=np.random.default_rng(5), vectorized=True,
    ).confidence_interval  # fmt: skip
    assert found.difference is not None
    assert found.difference.value == pytest.approx(
        100 * (sum(k for k, _ in one) / sum(n for _, n in one) - sum(k for k, _ in other) / sum(n for _, n in other))
    )
    assert found.difference.interval == pytest.approx((theirs.low, theirs.high), abs=0.7)
    assert (found.hodges_lehmann, found.cliffs_delta, found.ratio) == (None, None, None)


def test_three_failures_in_fifty_against_none_in_forty_are_no_verdict() -> None:
    """Resampling eight services without a failure never shows one: alone it would call this better."""
    none = shares([(0, 5)] * 8)
    few = shares([(1, 6), (1, 6), (1, 6), *[(0, 6)] * 4, (0, 8)])
    found = adopters.compare_shares(none, few, FAIL_RATE)
    assert found.verdict.text == "no difference detectable at this n (8 adopters, 8 others)"
    independent = statistics.proportion_difference(0, 40, 3, 50)
    assert found.difference is not None
    assert independent is not None
    assert found.difference.interval is not None
    assert found.difference.interval[1] == pytest.approx(100 * independent.high)


def test_a_fail_rate_that_is_higher_beyond_doubt_is_bad_news_and_said() -> None:
    found = adopters.compare_shares(shares([(9, 30)] * 10), shares([(2, 30)] * 12), FAIL_RATE)
    assert found.adopters == pytest.approx(30)
    assert found.others == pytest.approx(100 / 15)
    assert found.verdict.text == "adoption is associated with higher change fail rate: worse"


def test_no_deployment_failed_anywhere() -> None:
    found = adopters.compare_shares(shares([(0, 30)] * 10), shares([(0, 30)] * 12), FAIL_RATE)
    assert found.difference is not None
    assert found.difference.value == 0
    assert found.verdict.change is None


@pytest.mark.parametrize("n", [2, 8, 30, 1000])
def test_tails_are_widened_as_students_are(n: int) -> None:
    widened = stats.t.ppf(0.025, n - 1) * math.sqrt(n / (n - 1))
    assert adopters.expanded_tail(n) == pytest.approx(stats.norm.cdf(widened))


def test_what_else_differs_is_told_by_medians_and_shares_the_most_different_first() -> None:
    young = [{"age": float(age), "language": "Go", "people": 6.0} for age in (1, 1, 2, 2, 3)]
    old = [{"age": float(age), "language": language, "people": 6.0}
           for age, language in zip((4, 5, 6, 7, 2), ("Java", "Java", "Java", "Go", "Go"), strict=True)]  # fmt: skip
    assert adopters.confounders(young, old) == (
        Confounder("age", None, 5, 5, 2.0, 5.0, -0.84),
        Confounder("language", "Go", 5, 5, 1.0, 0.4, 0.6),
        Confounder("language", "Java", 5, 5, 0.0, 0.6, -0.6),
        Confounder("people", None, 5, 5, 6.0, 6.0, 0.0),
    )


def test_a_trait_known_of_too_few_is_only_counted() -> None:
    known = [{"tier": "1", "age": 3.0}] * 6
    unknown = [{"tier": None, "age": None}, *[{"tier": "1", "age": 3.0}] * 4]
    assert adopters.confounders(known, unknown) == (
        Confounder("tier", None, 6, 4, None, None, None),
        Confounder("age", None, 6, 4, None, None, None),
    )
    assert adopters.confounders([], []) == ()
    assert adopters.confounders([{"tier": "1"}] * 5, []) == (Confounder("tier", None, 5, 0, None, None, None),)
