"""The levels of services in any weeks are what the metrics API says of these weeks, withheld by the same rules."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from dxmetrics.errors import SettingsError

from .conftest import Warehouse

FIRST, END = date(2026, 8, 3), date(2026, 11, 23)  # Mondays
LINKAGE = {"aggregate": "proportion", "measure": "failed", "unit": "%"}
LEAD_TIME = {"aggregate": "median", "measure": "hours", "coverage": "linkage"}


def changes(service: str, hours: list[float], every: timedelta) -> list[dict[str, Any]]:
    start = datetime(2026, 8, 3, 9, tzinfo=UTC)
    return [
        {"occurred_at": start + place * every, "service": service, "team": "web", "hours": value}
        for place, value in enumerate(hours)
    ]


@pytest.fixture
def told(warehouse: Warehouse) -> Warehouse:
    """`api` ships daily, `web` weekly, and of `old` most is linked to nothing."""
    rows = [
        *changes("api", [float(7 * place % 31) for place in range(100)], timedelta(days=1)),
        *changes("web", [float(place) for place in range(16)], timedelta(weeks=1)),
        *changes("old", [5.0] * 100, timedelta(days=1)),
        *changes("api", [900.0], timedelta(days=1)),
    ]
    rows[-1]["excluded_because"] = "clock_skew"
    warehouse.metric("lead_time", LEAD_TIME, rows)
    linked = [{**row, "failed": row["service"] != "old" or place % 3 == 0} for place, row in enumerate(rows)]
    warehouse.metric("linkage", LINKAGE, [{k: v for k, v in row.items() if k != "hours"} for row in linked])
    for service in ("api", "web", "old"):
        warehouse.observe("changes", service, datetime(2026, 7, 20, tzinfo=UTC))
    return warehouse


@pytest.mark.parametrize(("start", "weeks"), [(FIRST, 12), (FIRST, 3), (date(2026, 9, 28), 3), (FIRST, 16)])
def test_they_are_the_cells_of_the_same_weeks(told: Warehouse, start: date, weeks: int) -> None:
    metrics, end = told.publish(), start + timedelta(weeks=weeks)
    levels = metrics.levels("lead_time", start=FIRST, end=END)
    cells = metrics.query("lead_time", start=start, end=end, by=["service"])
    assert levels.between(start, end) == {cell.dimensions["service"]: cell.value for cell in cells}
    assert levels.between(start, end)["api"] is not None
    assert levels.between(start, end)["old"] is None


def test_a_service_with_too_few_values_has_no_level(told: Warehouse) -> None:
    levels = told.publish().levels("lead_time", start=FIRST, end=END)
    assert levels.between(FIRST, FIRST + timedelta(weeks=4))["web"] is None
    assert levels.between(FIRST, FIRST + timedelta(weeks=5))["web"] == 2.0


def test_weeks_outside_of_what_was_asked_for_hold_nothing(told: Warehouse) -> None:
    levels = told.publish().levels("lead_time", start=FIRST, end=END)
    assert levels.between(FIRST - timedelta(weeks=9), FIRST) == {"api": None, "web": None, "old": None}


def test_what_is_observed_begins_with_the_first_observation(told: Warehouse) -> None:
    metrics = told.publish()
    assert metrics.levels("lead_time", start=FIRST, end=END).observed.start == FIRST
    early = metrics.levels("lead_time", start=FIRST - timedelta(weeks=8), end=END)
    assert (early.observed.start, early.observed.end) == (date(2026, 7, 20), END)


def test_only_a_median_has_levels(told: Warehouse) -> None:
    with pytest.raises(SettingsError, match="linkage has no levels: it is a proportion"):
        told.publish().levels("linkage", start=FIRST, end=END)
