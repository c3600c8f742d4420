"""The shape of AI assistants: what becomes a fact, and which days are read in which order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from duckdb import DuckDBPyConnection
from pydantic import ValidationError

from dxmetrics import warehouse
from dxmetrics.collectors import Page, Scope, assistants
from dxmetrics.collectors.assistants import Days, Report, day_facts, total
from dxmetrics.errors import CollectError, RetryableError
from dxmetrics.records import CostLine, UsageFact

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TODAY, DAY, HOUR = NOW.date(), timedelta(days=1), timedelta(hours=1)


def facts(counts: Mapping[str, Any], key: str | None = "ada", **more: Any) -> dict[str, Any]:
    """The values of one account's day by metric, and model where there is one."""
    rows = [UsageFact.model_validate(row) for row in day_facts("x", TODAY, key, counts, organisation="acme", **more)]
    return {" ".join(filter(None, (row.metric, row.dimensions.get("model")))): row.value for row in rows}


# -- facts ------------------------------------------------------------------------------------------------------------


def test_what_a_vendor_does_not_report_has_no_row_and_a_zero_has_one() -> None:
    found = facts({"suggestions_shown": 4, "suggestions_accepted": 0, "sessions": None})
    assert found == {"suggestions_shown": 4, "suggestions_accepted": 0}


def test_a_day_on_which_nothing_was_done_has_no_rows() -> None:
    assert facts({"suggestions_shown": 0, "chat_requests": 0, "sessions": None}) == {}


@pytest.mark.parametrize("metric", assistants.USES)
def test_a_day_counts_as_active_by_any_use(metric: str) -> None:
    assert facts({metric: 2})["active_days"] == 1


@pytest.mark.parametrize("metric", ["suggestions_shown", "lines_suggested", "tokens_input", "cost_usd"])
def test_what_was_only_shown_or_counted_besides_is_no_use(metric: str) -> None:
    assert facts({metric: 2, "sessions": 0}) == {metric: 2, "sessions": 0}


def test_models_are_told_apart_and_add_up() -> None:
    told: list[tuple[str | None, assistants.Counts]] = [
        ("a", {"tokens_output": 5, "cost_usd": Decimal("0.10")}),
        ("b", {"tokens_output": 1}),
        (None, {"tokens_input": None}),
        ("a", {"tokens_output": 2, "cost_usd": Decimal("0.20")}),
    ]
    found = facts({}, by_model=assistants.tallied(told))
    assert found == {"tokens_output a": 7, "cost_usd a": 0.3, "tokens_output b": 1}


def test_use_of_nobody_in_particular_is_the_organisations() -> None:
    (row,) = day_facts("x", TODAY, None, {"sessions": 3}, organisation="acme")
    fact = UsageFact.model_validate(row)
    assert (fact.subject_kind, fact.subject, fact.metric, fact.value) == ("organisation", "acme", "sessions", 3)


def test_each_metric_has_its_unit_and_money_that_of_its_currency() -> None:
    counts = {"lines_accepted": 2, "tokens_input": 9, "cost_usd": 1.5, assistants.cost_metric("EUR"): 2}
    rows = day_facts("x", TODAY, "ada", counts, organisation="acme")
    assert {row["metric"]: row["unit"] for row in rows} == {
        "lines_accepted": "lines", "tokens_input": "tokens", "cost_usd": "USD", "cost_eur": "EUR",
        "active_days": "days",
    }  # fmt: skip


def test_a_sum_of_what_is_unknown_is_unknown() -> None:
    assert total([None, None]) is None
    assert total([]) is None
    assert total([None, 0]) == 0
    assert total([2, None, 3]) == 5


@pytest.mark.parametrize("odd", ["many", True, [], {}])
def test_a_count_that_is_none_is_refused_with_its_value_and_not_taken_for_a_zero(odd: object) -> None:
    (row, *_) = day_facts("x", TODAY, "ada", {"sessions": total([1, odd])}, organisation="acme")
    assert row["value"] is odd
    if odd is not True:
        with pytest.raises(ValidationError, match="value"):
            UsageFact.model_validate(row)


def test_cents_are_exact_and_what_is_no_amount_is_refused() -> None:
    assert assistants.from_cents("123.78912") == Decimal("1.2378912")
    assert assistants.from_cents(None) is None
    row = assistants.charge("x", TODAY, "large", assistants.from_cents("a lot"), "USD")
    with pytest.raises(ValidationError, match="amount"):
        CostLine.model_validate(row)


def test_a_charge_is_one_day_in_its_currency() -> None:
    line = CostLine.model_validate(assistants.charge("x", "2026-11-20", "large", Decimal("1.5"), "EUR"))
    assert (line.period_start, line.period_end, line.amount, line.currency) == (
        TODAY,
        TODAY + DAY,
        Decimal("1.5"),
        "EUR",
    )
    with pytest.raises(ValidationError, match="period_start"):
        CostLine.model_validate(assistants.charge("x", "soon", "large", 1, "EUR"))


def test_an_answer_without_its_list_is_no_empty_list() -> None:
    assert assistants.rows_in({"data": []}, "data", "x") == []
    others: list[Any] = [None, [], {}, {"data": None}, {"data": ["row"]}]
    for body in others:
        with pytest.raises(CollectError, match="without a list of 'data'"):
            assistants.rows_in(body, "data", "x")


# -- days -------------------------------------------------------------------------------------------------------------


class Vendor:
    """Reports of the days in `there`; it remembers what it was asked for."""

    def __init__(self, there: Iterable[date]) -> None:
        self.there = set(there)
        self.asked: list[tuple[date, date]] = []
        self.broken_on: date | None = None

    def read(self, first: date, last: date) -> Report:
        self.asked.append((first, last))
        if self.broken_on is not None and first <= self.broken_on <= last:
            raise RetryableError("broken")
        days = frozenset(day for day in self.there if first <= day <= last)
        rows = [row for day in sorted(days) for row in day_facts("x", day, "ada", {"sessions": 1}, organisation="acme")]
        return Report({UsageFact: rows}, days)

    def walk(self, cursor: Any = None, *, now: datetime = NOW, **chosen: Any) -> list[Page]:
        self.asked.clear()
        return list(Days(self.read, **chosen).walk(cursor, now))

    def walk_until_it_breaks(self, cursor: Any) -> Any:
        """The cursor of the last page that came."""
        try:
            for page in Days(self.read).walk(cursor, NOW):
                cursor = page.cursor
        except RetryableError:
            return cursor
        pytest.fail("nothing broke")

    def days(self) -> list[date]:
        return [first for first, _ in self.asked]


def before(days: int) -> date:
    return TODAY - days * DAY


def every_day(count: int = 400) -> Vendor:
    return Vendor(before(days) for days in range(count))


def test_two_weeks_are_read_first_then_a_year_of_history_and_never_today() -> None:
    vendor = every_day()
    pages = vendor.walk()
    assert vendor.days()[:14] == [before(days) for days in range(14, 0, -1)]
    assert vendor.days()[14:] == [before(days) for days in range(15, 367)]
    assert pages[-1].cursor == {
        "first": str(before(366)), "last": str(before(1)), "looked_at": NOW.isoformat(), "notes": [],
    }  # fmt: skip


def test_others_have_their_turn_after_the_newest_days_and_after_chunks_that_grow() -> None:
    firsts = [page.cursor["first"] for page in every_day().walk() if page.cursor and page.ends_turn]
    assert firsts == [str(before(days)) for days in (14, 30, 90, 180, 365)]


def test_each_page_covers_its_days_and_only_those_that_have_a_report() -> None:
    vendor = Vendor([before(2), before(4)])
    covers = [page.covers[UsageFact] for page in vendor.walk() if page.covers]
    assert covers == [
        (datetime(2026, 11, 16, tzinfo=UTC), datetime(2026, 11, 17, tzinfo=UTC)),
        (datetime(2026, 11, 18, tzinfo=UTC), datetime(2026, 11, 19, tzinfo=UTC)),
    ]


def test_history_is_committed_by_weeks_of_days_that_adjoin() -> None:
    vendor = Vendor(day for day in map(before, range(60)) if day.weekday() < 5)
    pages = [page for page in vendor.walk(since=before(42)) if page.cursor and page.cursor["first"] != str(before(14))]
    days = [sorted({row["occurred_on"] for row in page.rows.get(UsageFact, ())}) for page in pages]
    assert [(found[0], len(found)) for found in days if found] == [
        (date(2026, 11, 2), 4), (date(2026, 10, 26), 5), (date(2026, 10, 21), 3), (date(2026, 10, 19), 2),
        (date(2026, 10, 12), 5), (date(2026, 10, 9), 1),
    ]  # fmt: skip
    covers = [page.covers[UsageFact] for page in pages if page.covers]
    assert [(end - begin).days for begin, end in covers] == [4, 5, 3, 2, 5, 1]


def test_nothing_is_asked_again_within_six_hours_of_a_look() -> None:
    vendor = every_day()
    cursor = vendor.walk()[-1].cursor
    assert vendor.walk(cursor, now=NOW + 5 * HOUR) == []
    assert vendor.asked == []
    vendor.walk(cursor, now=NOW + 6 * HOUR)
    assert vendor.days() == [before(3), before(2), before(1)]


def test_the_next_day_takes_four_days_of_reports() -> None:
    vendor = every_day()
    cursor = vendor.walk()[-1].cursor
    vendor.there.add(TODAY)
    pages = vendor.walk(cursor, now=NOW + DAY)
    assert vendor.days() == [before(3), before(2), before(1), TODAY]
    assert pages[-1].cursor is not None
    assert pages[-1].cursor["last"] == str(TODAY)


def test_a_pause_of_months_is_made_up_for_without_a_gap() -> None:
    vendor = every_day()
    cursor = vendor.walk(now=NOW - 100 * DAY)[-1].cursor
    vendor.walk(cursor)
    assert vendor.days() == [before(days) for days in range(103, 0, -1)]


def test_a_pause_longer_than_the_history_begins_where_that_does() -> None:
    vendor = every_day()
    cursor = vendor.walk(now=NOW - 500 * DAY)[-1].cursor
    vendor.walk(cursor)
    assert vendor.days()[0] == before(366)


def test_a_report_that_is_late_is_waited_for_a_week_and_told() -> None:
    vendor = Vendor(before(days) for days in range(4, 60))
    pages = vendor.walk(absence="not yet")
    late = f"no report of {before(3)}, {before(2)}, {before(1)}: not yet"
    assert pages[14].notes == (late,)
    cursor = pages[-1].cursor
    assert [page.notes for page in vendor.walk(cursor, now=NOW + HOUR)] == [(late,)]  # and nothing is asked
    vendor.there |= {before(3), before(2), before(1)}
    assert vendor.walk(cursor, now=NOW + 7 * HOUR)[-1].notes == ()
    assert vendor.days() == [before(days) for days in (6, 5, 4, 3, 2, 1)]


def test_where_nothing_ever_comes_no_more_than_ten_days_are_asked_for_at_a_look() -> None:
    vendor = Vendor([])
    cursor = vendor.walk()[-1].cursor
    pages = vendor.walk(cursor, now=NOW + 7 * HOUR, absence="nobody used it")
    assert len(vendor.asked) == 10
    assert (
        pages[-1]
        .notes[0]
        .startswith(f"no report of {before(10)}, {before(9)}, {before(8)}, {before(7)}, {before(6)} and 5 more")
    )


def test_what_is_broken_off_goes_on_where_it_was_and_leaves_no_gap() -> None:
    vendor = every_day()
    vendor.broken_on = before(5)
    cursor = vendor.walk_until_it_breaks(None)
    vendor.broken_on = before(40)
    cursor = vendor.walk_until_it_breaks(cursor)
    assert (cursor["first"], cursor["last"]) == (str(before(37)), str(before(1)))  # the week's page in flight is lost
    vendor.broken_on = None
    vendor.walk(cursor, now=NOW + HOUR)
    assert vendor.days() == [before(days) for days in range(38, 367)]


def test_nothing_before_since_is_read_and_an_earlier_one_reads_on() -> None:
    vendor = every_day()
    cursor = vendor.walk(since=before(5))[-1].cursor
    assert vendor.days() == [before(days) for days in range(5, 0, -1)]
    vendor.walk(cursor, now=NOW + HOUR, since=before(8))
    assert vendor.days() == [before(6), before(7), before(8)]


def test_a_since_that_is_to_come_reads_nothing() -> None:
    vendor = every_day()
    assert vendor.walk(since=TODAY) == []
    assert vendor.asked == []


def test_history_waits_while_the_quota_is_low() -> None:
    vendor = every_day()
    cursor = vendor.walk(may_go_back=lambda: False)[-1].cursor
    assert len(vendor.asked) == 14
    vendor.walk(cursor, now=NOW + HOUR)
    assert len(vendor.asked) == 352


def test_a_clock_that_was_a_year_ahead_stops_nothing_once_it_is_set_right() -> None:
    vendor = every_day()
    cursor = vendor.walk(
        {"first": str(before(20)), "last": "2027-11-19", "looked_at": "2027-11-20T12:00:00+00:00", "notes": []}
    )[-1].cursor
    assert vendor.days()[:4] == [before(3), before(2), before(1), before(21)]
    assert cursor is not None
    assert cursor["last"] == str(before(1))


def test_days_with_many_rows_are_pages_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assistants, "FULL", 2)
    assert len(every_day().walk(since=before(20))) == 14 + 1 + 6


def test_spans_do_not_overlap_and_are_no_longer_than_the_vendor_allows() -> None:
    vendor = every_day()
    vendor.walk(at_once=30)
    assert vendor.asked[:2] == [(before(14), before(1)), (before(44), before(15))]
    assert vendor.asked[-1] == (before(366), before(345))
    assert all((last - first).days < 30 for first, last in vendor.asked)


def test_a_day_that_is_sent_twice_is_landed_once(connection: DuckDBPyConnection) -> None:
    vendor = every_day(30)
    loader = warehouse.Loader(connection, "x", clock=lambda: NOW)
    scope = Scope("usage", "usage")
    first = sum((loader.write(scope, page) for page in vendor.walk()), start=warehouse.Counts())
    assert first.inserted == 29 * 2
    again = sum((loader.write(scope, page) for page in vendor.walk(now=NOW + HOUR)), start=warehouse.Counts())
    assert again.changed == 0


def test_what_is_looked_up_once_a_day_rests_until_tomorrow() -> None:
    assert assistants.once_a_day(None, NOW) == TODAY
    cursor = assistants.looked_up(TODAY)
    assert assistants.once_a_day(cursor, NOW + 11 * HOUR) is None
    assert assistants.once_a_day(cursor, NOW + 12 * HOUR) == TODAY + DAY
