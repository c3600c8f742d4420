from datetime import UTC, date, datetime, timedelta

import pytest

from dxmetrics.errors import SettingsError
from dxmetrics.metrics import Window, complete_weeks
from dxmetrics.metrics.periods import add_months, label, local_date, midnight, previous, spine

AS_OF = datetime(2026, 11, 25, 12, tzinfo=UTC)
BERLIN = "Europe/Berlin"


def test_complete_weeks_end_with_the_last_sunday_that_is_over() -> None:
    assert complete_weeks(13, AS_OF, "UTC") == Window(date(2026, 8, 24), date(2026, 11, 23))


def test_a_week_is_over_when_it_is_monday_in_the_reporting_zone() -> None:
    sunday_night = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
    assert complete_weeks(1, sunday_night, "UTC").end == date(2026, 11, 16)
    assert complete_weeks(1, sunday_night, BERLIN).end == date(2026, 11, 23)


def test_weeks_are_labelled_with_their_iso_year() -> None:
    assert label(date(2026, 12, 28), "week") == "2026-W53"
    assert label(date(2027, 1, 4), "week") == "2027-W01"


@pytest.mark.parametrize(
    ("start", "period", "expected"),
    [
        (date(2026, 11, 25), "day", "2026-11-25"),
        (date(2026, 11, 1), "month", "2026-11"),
        (date(2026, 10, 1), "quarter", "2026-Q4"),
    ],
)
def test_other_periods_are_labelled_by_their_calendar_name(start: date, period: str, expected: str) -> None:
    assert label(start, period) == expected


def test_new_years_eve_late_in_utc_is_new_year_in_berlin() -> None:
    instant = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
    day = local_date(instant, BERLIN)
    assert day == date(2027, 1, 1)
    assert spine(Window(day, day + timedelta(days=1)), "week", BERLIN, AS_OF).buckets[0].label == "2026-W53"
    assert spine(Window(day, day + timedelta(days=1)), "month", BERLIN, AS_OF).buckets[0].label == "2027-01"


def test_the_day_the_clocks_go_back_has_twenty_five_hours() -> None:
    sunday = date(2026, 10, 25)
    assert midnight(sunday + timedelta(days=1), BERLIN) - midnight(sunday, BERLIN) == timedelta(hours=25)
    table = spine(Window(sunday, sunday + timedelta(days=1)), "day", BERLIN, AS_OF).table
    assert table.num_rows == 25 * 4


def test_buckets_are_whole_even_where_the_window_begins_in_their_middle() -> None:
    months = spine(Window(date(2026, 8, 24), date(2026, 11, 23)), "month", "UTC", AS_OF).buckets
    assert (months[0].label, months[0].start) == ("2026-08", date(2026, 8, 1))
    assert months[-1].end == date(2026, 12, 1)


def test_only_weeks_wholly_inside_the_window_and_over_are_complete() -> None:
    november = spine(Window(date(2026, 11, 1), date(2026, 12, 1)), None, "UTC", AS_OF)
    assert [week.label for week in november.weeks] == ["2026-W45", "2026-W46", "2026-W47"]


def test_the_window_before_whole_months_is_as_many_months() -> None:
    quarter = Window(date(2026, 7, 1), date(2026, 10, 1))
    assert previous(quarter) == Window(date(2026, 4, 1), date(2026, 7, 1))


def test_the_window_before_weeks_is_as_many_days() -> None:
    assert previous(Window(date(2026, 8, 24), date(2026, 11, 23))).start == date(2026, 5, 25)


def test_months_are_added_over_the_turn_of_the_year() -> None:
    assert add_months(date(2026, 1, 15), -1) == date(2025, 12, 1)
    assert add_months(date(2026, 11, 1), 3) == date(2027, 2, 1)


def test_an_empty_window_is_refused() -> None:
    with pytest.raises(SettingsError, match="empty"):
        Window(date(2026, 1, 2), date(2026, 1, 2))


def test_an_unknown_zone_is_refused_by_name() -> None:
    with pytest.raises(SettingsError, match="Mars/Olympus"):
        local_date(AS_OF, "Mars/Olympus")
