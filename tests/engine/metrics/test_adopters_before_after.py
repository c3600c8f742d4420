import math
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date, timedelta

import numpy as np
import pytest
from scipy import stats

from dxmetrics.metrics.adopters import Outcome, expanded_tail
from dxmetrics.metrics.before_after import (
    NO_OTHERS,
    NO_VALUE,
    NOT_PARALLEL,
    TOO_EARLY,
    TOO_RECENT,
    BeforeAfter,
    before_after,
)
from dxmetrics.metrics.periods import Window

LEAD_TIME = Outcome("lead time", "hours", "lower")
OBSERVED = Window(date(2025, 9, 1), date(2026, 11, 23))
ADOPTION = date(2026, 3, 2)

Level = Callable[[str, date], float | None]


def reader(level: Level) -> Callable[[date, date], Mapping[str, float | None]]:
    """Hours of each service by what they are in the first week of a window."""

    def hours(start: date, end: date) -> Mapping[str, float | None]:
        return {name: level(name, start) for name in (*names("adopter", 60), *names("other", 60))}

    return hours


def names(kind: str, count: int) -> list[str]:
    return [f"{kind} {place:02}" for place in range(count)]


def adoption(adopters: int, others: int, on: date = ADOPTION) -> dict[str, date | None]:
    return {**dict.fromkeys(names("adopter", adopters), on), **dict.fromkeys(names("other", others))}


def spread(name: str) -> float:
    """A level of its own for each service, whose geometric mean over six services is 1."""
    return 2.0 ** ((int(name[-2:]) % 6 - 2.5) / 2)


def example(name: str, start: date) -> float:
    before, after = (40, 20) if name.startswith("adopter") else (44, 38)
    return spread(name) * (before if start < ADOPTION else after)


def noisy(effect: float, seed: int = 1, drift: float = 0.0) -> Level:
    random = np.random.default_rng(seed)
    services = (*names("adopter", 60), *names("other", 60))
    noise = {name: random.normal(0, 0.15, 80) for name in services}

    def level(name: str, start: date) -> float:
        week = (start - OBSERVED.start).days // 7
        log = 3 + noise[name][week] + (drift * week if name.startswith("adopter") else 0)
        return math.exp(log) * (effect if name.startswith("adopter") and start > ADOPTION else 1)

    return level


def asked(adopted_on: Mapping[str, date | None], level: Level) -> BeforeAfter:
    return before_after(adopted_on, OBSERVED, reader(level), LEAD_TIME)


def test_the_worked_example_is_met_to_the_digit() -> None:
    found = asked(adoption(6, 6), example)
    levels = (found.adopters_before, found.adopters_after, found.others_before, found.others_after)
    assert levels == pytest.approx((40, 20, 44, 38))
    assert found.difference is not None
    assert found.ratio is not None
    assert found.difference.value == pytest.approx(-14)
    assert round(found.ratio.value, 3) == 0.579
    assert (found.difference.interval, found.ratio.interval) == (None, None)
    assert found.verdict.text == "no verdict: 6 adopters, 6 others; it takes 8 services a side"


def test_points_of_the_trend_lie_at_both_sides_of_the_weeks_that_are_left_out() -> None:
    found = asked(adoption(6, 6), example)
    assert [point.weeks for point in found.trend] == [-12.5, -9.5, -6.5, -3.5, 4.5, 7.5, 10.5, 13.5]
    assert [point.adopters for point in found.trend] == pytest.approx([40] * 4 + [20] * 4)
    assert [point.others for point in found.trend] == pytest.approx([44] * 4 + [38] * 4)


def test_twelve_whole_weeks_on_either_side_are_asked_for_once_from_monday_to_monday() -> None:
    windows: Counter[tuple[date, date]] = Counter()

    def hours(start: date, end: date) -> Mapping[str, float | None]:
        windows[start, end] += 1
        return {name: example(name, start) for name in adoption(8, 8)}

    before_after(adoption(8, 8, on=ADOPTION + timedelta(days=3)), OBSERVED, hours, LEAD_TIME)
    assert (date(2025, 11, 24), date(2026, 2, 16)) in windows
    assert (date(2026, 3, 23), date(2026, 6, 15)) in windows
    assert set(windows.values()) == {1}
    assert {start.weekday() for window in windows for start in window} == {0}
    assert not any(start < date(2026, 3, 23) and end > date(2026, 2, 16) for start, end in windows)


def test_a_service_missing_in_a_stretch_does_not_move_the_line() -> None:
    def level(name: str, start: date) -> float | None:
        return None if name == "adopter 05" and start == date(2025, 12, 15) else example(name, start)

    found = asked(adoption(6, 6), level)
    assert found.trend[1].adopters == pytest.approx(40)


def test_a_stretch_in_which_nobody_has_a_value_is_unknown() -> None:
    def level(name: str, start: date) -> float | None:
        return None if name.startswith("adopter") and start == date(2025, 12, 15) else example(name, start)

    point = asked(adoption(6, 6), level).trend[1]
    assert (point.adopters, point.others) == (None, None)


def test_what_changed_for_everybody_is_no_effect_of_adoption() -> None:
    def level(name: str, start: date) -> float:
        return spread(name) * (50 if start < ADOPTION else 10)

    found = asked(adoption(12, 12), level)
    assert found.ratio is not None
    assert found.ratio.value == pytest.approx(1)
    assert found.difference is not None
    assert found.difference.value == pytest.approx(0)
    assert found.verdict.change is None


@pytest.mark.parametrize(("effect", "change"), [(0.6, "better"), (1.6, "worse"), (1.0, None)])
def test_the_verdict_may_be_better_worse_or_none(effect: float, change: str | None) -> None:
    found = asked(adoption(20, 20), noisy(effect))
    assert found.verdict.change == change
    assert found.ratio is not None
    assert found.ratio.interval is not None
    assert found.ratio.interval[0] < effect < found.ratio.interval[1]


def test_arms_that_drift_apart_before_adoption_get_no_verdict() -> None:
    found = asked(adoption(20, 20), noisy(0.7, drift=-0.05))
    assert found.drift is not None
    assert found.drift.interval is not None
    assert found.drift.interval[1] < 1
    assert (found.verdict.change, found.verdict.text) == (None, NOT_PARALLEL)


def test_where_the_halves_of_the_time_before_are_unknown_so_is_the_drift() -> None:
    known = noisy(0.6)

    def level(name: str, start: date) -> float | None:
        return None if name.startswith("other") and start == date(2026, 1, 5) else known(name, start)

    found = asked(adoption(20, 20), level)
    assert found.drift is None
    assert found.verdict.change == "better"


def test_one_cohort_is_a_difference_of_mean_changes_with_scipys_interval() -> None:
    level = noisy(0.8, seed=4)
    found = asked(adoption(20, 30), level)
    starts = date(2025, 11, 24), date(2026, 3, 23)
    one, other = (
        [math.log(level(name, starts[1]) or 0) - math.log(level(name, starts[0]) or 0) for name in arm]
        for arm in (names("adopter", 20), names("other", 30))
    )
    theirs = stats.bootstrap(
        (one, other), lambda a, b, axis: np.mean(a, axis=axis) - np.mean(b, axis=axis), method="percentile",
        n_resamples=20_000, confidence_level=1 - 2 * expanded_tail(20), rng=np.random.default_rng(5), vectorized=True,
    ).confidence_interval  # fmt: skip
    assert found.ratio is not None
    assert found.ratio.interval is not None
    assert math.log(found.ratio.value) == pytest.approx(np.mean(one) - np.mean(other))
    assert [math.log(edge) for edge in found.ratio.interval] == pytest.approx([theirs.low, theirs.high], abs=0.01)


def test_cohorts_are_compared_in_their_own_weeks_and_count_by_their_adopters() -> None:
    """The first six halve their hours, the later two double theirs; everybody slows down by a tenth in between."""
    later = date(2026, 6, 29)
    adopted_on = adoption(8, 8) | dict.fromkeys(("adopter 06", "adopter 07"), later)

    def level(name: str, start: date) -> float:
        common = 20.0 if start < date(2026, 5, 25) else 22.0
        if not name.startswith("adopter"):
            return common
        on = adopted_on.get(name) or ADOPTION
        return common * (1 if start < on else 0.5 if on == ADOPTION else 2)

    found = asked(adopted_on, level)
    assert [(one.week, one.adopters, one.others) for one in found.cohorts] == [(ADOPTION, 6, 10), (later, 2, 8)]
    assert found.ratio is not None
    assert found.ratio.value == pytest.approx(0.5 ** (6 / 8) * 2 ** (2 / 8))


def test_a_later_adopter_is_among_the_others_until_its_own_adoption_comes_near() -> None:
    near, clear = ADOPTION + timedelta(weeks=16), ADOPTION + timedelta(weeks=17)
    for on, others in ((near, 8), (clear, 9)):
        found = asked(adoption(8, 8) | {"adopter 08": on}, example)
        assert (found.cohorts[0].week, found.cohorts[0].others) == (ADOPTION, others)


def test_nobody_is_compared_with_services_that_had_adopted_already() -> None:
    long_ago = dict.fromkeys(names("adopter", 60)[8:], date(2024, 1, 1))
    found = asked(adoption(8, 8) | long_ago, example)
    assert (found.adopters_n, found.others_n) == (8, 8)
    assert found.left_out == {TOO_EARLY: 52}


def test_adopters_that_cannot_be_compared_are_counted_by_their_reason() -> None:
    adopted_on = adoption(12, 8)
    adopted_on["adopter 08"] = date(2026, 8, 17)
    adopted_on["adopter 09"] = date(2025, 12, 1)

    def level(name: str, start: date) -> float | None:
        if name == "adopter 10":
            return None if start < ADOPTION else 5.0
        return 0.0 if name == "adopter 11" and start > ADOPTION else example(name, start)

    found = asked(adopted_on, level)
    assert found.left_out == {TOO_RECENT: 1, TOO_EARLY: 1, NO_VALUE: 2}
    assert found.adopters_n == 8
    assert found.verdict.shown == "verdict"


def test_the_last_week_that_can_be_compared_has_twelve_complete_weeks_after_it() -> None:
    for on, compared in ((date(2026, 8, 10), 8), (date(2026, 8, 17), 0)):
        assert asked(adoption(8, 8, on=on), example).adopters_n == compared


def test_where_all_adopt_at_once_there_is_nothing_to_compare_with() -> None:
    found = asked(adoption(20, 0), example)
    assert found.left_out == {NO_OTHERS: 20}
    assert (found.adopters_n, found.others_n, found.cohorts, found.ratio, found.trend) == (0, 0, (), None, ())
    assert found.verdict.text == "too few to compare: 0 adopters, 0 others; it takes 5 services a side"


def test_nobody_adopted_or_nobody_was_eligible() -> None:
    for adopted_on in (adoption(0, 20), {}):
        found = asked(adopted_on, example)
        assert (found.adopters_n, found.left_out, found.verdict.shown) == (0, {}, "counts")


def test_later_adopters_alone_can_serve_as_the_others() -> None:
    adopted_on = adoption(20, 0) | dict.fromkeys(names("adopter", 20)[10:], date(2026, 7, 6))
    found = asked(adopted_on, noisy(0.6))
    assert (found.adopters_n, found.others_n) == (10, 10)
    assert found.left_out == {NO_OTHERS: 10}
