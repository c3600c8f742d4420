import pytest

from dxmetrics.metrics import bands
from dxmetrics.metrics.bands import FrequencyHistory, scores


def history(
    weekly: list[int], per_day: int = 1, monthly: tuple[int, ...] = (), recent: int = 0, observed_days: int = 91
) -> FrequencyHistory:
    return FrequencyHistory(weekly, [per_day] * sum(weekly), monthly, recent, observed_days)


STEADY = [5, 4, 3, 3, 5, 0, 4, 3, 2, 4, 5, 3, 4]


def test_deploying_on_most_days_is_about_daily() -> None:
    assert bands.frequency_code(history(STEADY)) == 5


def test_deploying_several_times_on_most_days_is_on_demand() -> None:
    assert bands.frequency_code(history(STEADY, per_day=2)) == 6


def test_a_burst_on_one_day_does_not_raise_the_band() -> None:
    burst = FrequencyHistory([1, 0, 1, 1, 2, 1, 0, 1, 1, 0, 1, 1, 1], [1] * 10 + [20], (), 31, 91)
    assert bands.frequency_code(burst) == 4


def test_every_weekday_is_daily_though_the_weekend_is_free() -> None:
    assert bands.frequency_code(history([5] * 13)) == 5


def test_deploying_once_in_most_months_is_weekly_to_monthly() -> None:
    assert bands.frequency_code(history([0, 0, 0, 1] * 3, monthly=(1, 1, 0, 1, 2, 1))) == 3


@pytest.mark.parametrize(("recent", "observed_days", "code"), [(1, 91, 2), (0, 182, 1), (0, 181, None)])
def test_a_quarter_without_deployments_depends_on_the_half_year(
    recent: int, observed_days: int, code: int | None
) -> None:
    silent = history([0] * 13, monthly=(0, 0, 0), recent=recent, observed_days=observed_days)
    assert bands.frequency_code(silent) == code


def test_three_weeks_are_too_short_a_history() -> None:
    assert bands.frequency_code(history([5, 5, 5])) is None


@pytest.mark.parametrize(
    ("hours", "code"),
    [(0.99, 6), (1.0, 5), (7, 5), (24, 4), (168, 3), (729.9, 3), (730, 2), (4379, 2), (4380, 1)],
)
def test_durations_fall_into_half_open_hour_bands(hours: float, code: int) -> None:
    assert bands.duration_code(hours) == code


@pytest.mark.parametrize(
    ("percent", "code"), [(0, 6), (15.4, 6), (15.5, 5), (30.5, 4), (45, 4), (60, 3), (75.4, 2), (76, 1), (100, 1)]
)
def test_percentages_are_rounded_before_they_are_ranged(percent: float, code: int) -> None:
    assert bands.percent_code(percent) == code


def test_scores_are_means_of_the_answers() -> None:
    assert [bands.categorical_score(code) for code in (4, 5, 6, 1)] == [6, 8, 10, 0]
    found = scores(
        change_lead_time=4, deployment_frequency=5, recovery_time=5, change_fail_rate=5, deployment_rework_rate=10
    )
    assert found.overall == pytest.approx(8.1)
    assert found.throughput == pytest.approx(7.333, abs=1e-3)
    assert found.stability == pytest.approx(9.25)


def test_an_unknown_answer_is_left_out_and_never_counts_as_best() -> None:
    found = scores(change_lead_time=4, deployment_frequency=5, recovery_time=5, change_fail_rate=5)
    assert found.overall == pytest.approx(7.875)
    assert found.stability == pytest.approx(9.5)
    assert scores(change_lead_time=4).stability is None
    assert scores().overall is None


def test_every_code_has_words() -> None:
    for labels in (bands.FREQUENCY_LABELS, bands.DURATION_LABELS, bands.PERCENT_LABELS):
        assert sorted(labels) == [1, 2, 3, 4, 5, 6]
