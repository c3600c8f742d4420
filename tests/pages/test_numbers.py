"""How numbers are written."""

from datetime import UTC, date, datetime

import pytest

from dxmetrics import numbers


@pytest.mark.parametrize(
    ("value", "unit", "written"),
    [
        (0.6, "hours", "36 min"),
        (12.74, "hours", "12.7 h"),
        (1.0, "hours", "1.0 h"),
        (71.9, "hours", "71.9 h"),
        (84.0, "hours", "3.5 d"),
        (9.04, "%", "9.0 %"),
        (0.0, "%", "0 %"),
        (100.0, "%", "100 %"),
        (4.0, "days/week", "4 days a week"),
        (2541.0, "deployments", "2,541 deployments"),
        (0.034, "deployments", "0.034 deployments"),
        (None, "hours", "–"),
    ],
)
def test_a_value_is_written_in_the_unit_people_would_say_it_in(value: float | None, unit: str, written: str) -> None:
    assert numbers.text(value, unit) == written


def test_both_ends_of_an_interval_are_in_one_unit() -> None:
    assert numbers.interval(0.5, 2.0, "hours") == "0.5 to 2.0 h"
    assert numbers.interval(12.0, 96.0, "hours") == "0.5 to 4.0 d"
    assert numbers.interval(5.2, 36.0, "%") == "5.2 to 36.0 %"


def test_an_interval_with_an_unknown_end_is_not_written() -> None:
    assert numbers.interval(1.0, None, "hours") is None


def test_a_half_open_window_names_its_last_day() -> None:
    assert numbers.span(date(2026, 8, 24), date(2026, 11, 23)) == "24 Aug to 22 Nov 2026"
    assert numbers.span(date(2025, 12, 29), date(2026, 1, 5)) == "29 Dec 2025 to 4 Jan 2026"


def test_counts_agree_with_their_noun() -> None:
    assert numbers.count(1, "change") == "1 change"
    assert numbers.count(1200, "change") == "1,200 changes"


def test_an_instant_that_never_was_is_called_never() -> None:
    assert numbers.instant(None) == "never"
    assert numbers.instant(datetime(2026, 11, 3, 9, 5, tzinfo=UTC)) == "3 Nov 2026, 09:05 UTC"
