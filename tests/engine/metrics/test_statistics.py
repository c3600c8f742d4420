import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dxmetrics.metrics import statistics
from dxmetrics.metrics.statistics import Signal, Values


def values(*numbers: float) -> Values:
    return np.sort(np.array(numbers, dtype=np.float64))


def percent(interval: tuple[float, float] | None) -> tuple[float, float]:
    assert interval is not None
    return round(interval[0] * 100, 1), round(interval[1] * 100, 1)


def test_percentiles_interpolate_linearly() -> None:
    hours = values(2, 5, 7, 26, 50)
    assert statistics.percentile(hours, 0.5) == 7
    assert statistics.percentile(hours, 0.9) == pytest.approx(40.4)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50), st.floats(0, 1))
def test_percentiles_are_those_of_numpy(numbers: list[float], share: float) -> None:
    assert statistics.percentile(values(*numbers), share) == pytest.approx(float(np.quantile(numbers, share)), abs=1e-6)


@pytest.mark.parametrize(
    ("n", "ranks"),
    [
        (6, (1, 6)), (7, (1, 7)), (8, (1, 8)), (9, (2, 8)), (10, (2, 9)), (12, (3, 10)), (15, (4, 12)), (20, (6, 15)),
        (30, (10, 21)),
    ],
)  # fmt: skip
def test_the_interval_of_a_median_has_the_exact_ranks(n: int, ranks: tuple[int, int]) -> None:
    assert statistics.median_ranks(n) == ranks
    assert statistics.median_interval(values(*range(1, n + 1))) == ranks


@given(st.integers(6, 200_000))
def test_the_ranks_hold_at_least_95_percent_and_the_next_narrower_do_not(n: int) -> None:
    ranks = statistics.median_ranks(n)
    assert ranks is not None
    assert 1 - 2 * float(stats.binom.cdf(ranks[0] - 1, n, 0.5)) >= 0.95
    assert 1 - 2 * float(stats.binom.cdf(ranks[0], n, 0.5)) < 0.95


def test_five_values_have_no_interval() -> None:
    assert statistics.median_interval(values(2, 5, 7, 26, 50)) is None


@pytest.mark.parametrize(
    ("k", "n", "expected"),
    [(3, 20, (5.2, 36.0)), (0, 20, (0.0, 16.1)), (1, 8, (2.2, 47.1)), (7, 10, (39.7, 89.2))],
)
def test_shares_have_wilsons_interval(k: int, n: int, expected: tuple[float, float]) -> None:
    assert percent(statistics.wilson(k, n)) == expected


def test_a_share_of_nothing_has_no_interval() -> None:
    assert statistics.wilson(0, 0) is None
    assert statistics.proportion_difference(1, 2, 0, 0) is None


def test_counts_have_garwoods_interval() -> None:
    assert statistics.garwood(0) == (0.0, pytest.approx(3.6889, abs=1e-3))
    assert statistics.garwood(5) == (pytest.approx(1.6235, abs=1e-3), pytest.approx(11.6683, abs=1e-3))


def test_what_is_still_open_raises_the_median_recovery() -> None:
    assert statistics.kaplan_meier(values(1, 2, 4), values(10, 30)).median == 4


def test_the_interval_of_a_censored_median_is_that_of_the_log_log_band() -> None:
    closed, still_open = values(1, 2, 3, 5, 8, 9, 12, 14, 20), values(4, 10, 25)
    found = statistics.kaplan_meier(closed, still_open)
    band = stats.ecdf(stats.CensoredData(uncensored=closed, right=still_open)).sf.confidence_interval(method="log-log")
    assert found.interval is not None
    assert band.low.evaluate(found.interval[0]) <= 0.5 < band.low.evaluate(found.interval[0] - 0.01)
    assert band.high.evaluate(found.interval[1]) <= 0.5 < band.high.evaluate(found.interval[1] - 0.01)


def test_a_median_that_too_few_have_reached_is_not_reached() -> None:
    assert statistics.kaplan_meier(values(1), values(2, 3, 10, 30)).median is None


@given(
    st.lists(st.tuples(st.integers(1, 40), st.booleans()), min_size=1, max_size=25).filter(
        lambda rows: any(closed for _, closed in rows)
    )
)
def test_the_kaplan_meier_median_is_where_the_product_of_survivals_falls_to_a_half(
    rows: list[tuple[int, bool]],
) -> None:
    survival, expected = 1.0, None
    for time in sorted({hours for hours, closed in rows if closed}):
        at_risk = sum(1 for hours, _ in rows if hours >= time)
        survival *= 1 - sum(1 for hours, closed in rows if closed and hours == time) / at_risk
        if survival <= 0.5 + 1e-12:
            expected = float(time)
            break
    closed = values(*(hours for hours, is_closed in rows if is_closed))
    still_open = values(*(hours for hours, is_closed in rows if not is_closed))
    assert statistics.kaplan_meier(closed, still_open).median == expected


def test_process_limits_come_from_the_mean_moving_range() -> None:
    limits = statistics.xmr([10, 12, 11, 13, 9, 12])
    assert limits is not None
    assert (round(limits.mean, 2), round(limits.mean_range, 2)) == (11.17, 2.4)
    assert (round(limits.low, 2), round(limits.high, 2), round(limits.range_limit, 2)) == (4.78, 17.55, 7.84)
    assert statistics.xmr_signals([16], limits) == ()
    assert statistics.xmr_signals([18], limits) == (Signal(0, 1),)


def test_the_lower_limit_of_counts_is_not_below_zero() -> None:
    limits = statistics.xmr([0, 5, 0, 5, 0, 5])
    assert limits is not None
    assert limits.low == 0


def test_eight_in_a_row_on_one_side_are_a_signal() -> None:
    limits = statistics.xmr([10, 12, 11, 13, 9, 12])
    assert limits is not None
    assert statistics.xmr_signals([12] * 7, limits) == ()
    assert statistics.xmr_signals([12] * 8, limits) == (Signal(7, 1),)


def test_three_of_four_near_a_limit_are_a_signal() -> None:
    limits = statistics.xmr([10, 12, 11, 13, 9, 12])
    assert limits is not None
    assert statistics.xmr_signals([15, 11, 15, 15], limits) == (Signal(3, 1),)
    assert statistics.xmr_signals([7, 7, 7], limits)[0].side == -1


def test_five_points_have_no_limits() -> None:
    assert statistics.xmr([1, 2, 3, 4, 5]) is None


def test_a_clear_fall_of_the_median_excludes_zero_and_an_unclear_one_does_not() -> None:
    before, after = values(*range(40, 70)), values(*range(10, 40))
    clear = statistics.median_difference(after, before)
    assert clear is not None
    assert clear.value == -30
    assert clear.excludes_zero
    unclear = statistics.median_difference(values(*range(1, 31)), values(*range(2, 32)))
    assert unclear is not None
    assert not unclear.excludes_zero


def test_drawn_medians_are_spread_like_those_of_a_plain_bootstrap() -> None:
    random = np.random.default_rng(1)
    for n in (9, 24):
        sample = np.sort(random.lognormal(2, 1, n))
        drawn = statistics.resampled_medians(sample, np.random.default_rng(2))
        plain = np.median(random.choice(sample, (20_000, n)), axis=1)
        for share in (0.1, 0.5, 0.9):
            low, high = np.quantile(plain, (share - 0.04, share + 0.04))
            assert low <= np.quantile(drawn, share) <= high


def test_differences_are_the_same_for_everyone_who_asks() -> None:
    sample = (values(*range(10)), values(*range(3, 20)))
    assert statistics.median_difference(*sample) == statistics.median_difference(*sample)


def test_five_values_a_side_give_no_verdict() -> None:
    assert statistics.median_difference(values(2, 4, 6, 8, 10), values(6, 8, 10, 14, 20)) is None


def test_differences_of_shares_have_newcombes_interval() -> None:
    difference = statistics.proportion_difference(56, 70, 48, 80)  # Newcombe 1998, example a
    assert difference is not None
    assert (round(difference.low, 4), round(difference.high, 4)) == (0.0524, 0.3339)


def test_means_have_students_interval() -> None:
    interval = statistics.mean_interval(10, 2, 25)
    assert interval is not None
    assert interval[1] == pytest.approx(10 + float(stats.t.ppf(0.975, 24)) * 2 / math.sqrt(25))


def test_weekly_counts_are_drawn_by_whole_weeks() -> None:
    interval = statistics.weekly_interval([4, 5, 3, 6, 4, 5, 4])
    assert interval is not None
    assert 3 < interval[0] < 31 / 7 < interval[1] < 6
    assert statistics.weekly_interval([4] * 5) is None
