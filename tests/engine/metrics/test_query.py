"""Cells: what is counted, what is zero, what is unknown, and the worked examples."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from dxmetrics.errors import SettingsError
from dxmetrics.metrics import Cell

MONDAY = datetime(2026, 8, 24, 9, tzinfo=UTC)  # of the first of the 13 complete weeks before as_of

DEPLOYMENTS = {"aggregate": "count", "unit": "deployments", "entity": "deployment", "stream": "deployments"}
FREQUENCY = DEPLOYMENTS | {"aggregate": "active_days", "unit": "days/week", "band": "deployment_frequency"}
LEAD_TIME = {"aggregate": "median", "measure": "hours", "band": "change_lead_time"}
FAIL_RATE = {
    "aggregate": "proportion", "measure": "failed", "unit": "%", "entity": "deployment", "stream": "deployments",
    "band": "change_fail_rate",
}  # fmt: skip
RECOVERY = {"aggregate": "recovery", "measure": "hours", "entity": "failure", "stream": "deployments"}


def event(occurred_at: datetime, **columns: Any) -> dict[str, Any]:
    return {"occurred_at": occurred_at, "team": "web", "service": "api", "repository": "repo", **columns}


def days_of_weeks(days: list[int], per_day: int = 1) -> list[dict[str, Any]]:
    """Deployments on the first so many days of each week, from MONDAY on."""
    return [
        event(MONDAY + timedelta(weeks=week, days=day, minutes=number))
        for week, count in enumerate(days)
        for day in range(count)
        for number in range(per_day)
    ]


def lasting(*hours: float, **columns: Any) -> list[dict[str, Any]]:
    return [event(MONDAY + timedelta(hours=place), hours=one, **columns) for place, one in enumerate(hours)]


def of_failures(*failed: bool, **columns: Any) -> list[dict[str, Any]]:
    return [event(MONDAY + timedelta(hours=place), failed=one, **columns) for place, one in enumerate(failed)]


def test_deployment_frequency_is_the_median_of_a_dense_spine_of_weeks(warehouse: Any) -> None:
    warehouse.observe("deployments")
    warehouse.metric("deployment_frequency", FREQUENCY, days_of_weeks([5, 4, 3, 3, 5, 0, 4, 3, 2, 4, 5, 3, 4]))
    metrics = warehouse.publish()
    (cell,) = metrics.query("deployment_frequency")
    assert (cell.value, cell.n, cell.unit, cell.is_partial) == (4, 13, "days/week", False)
    weeks = metrics.query("deployment_frequency", period="week")
    assert [week.value for week in weeks] == [5, 4, 3, 3, 5, 0, 4, 3, 2, 4, 5, 3, 4]
    assert sum(week.n for week in weeks) == 45
    band = metrics.band("deployment_frequency")
    assert (band.code, band.label) == (5, "about daily")


def test_deploying_twice_a_day_is_on_demand(warehouse: Any) -> None:
    warehouse.observe("deployments")
    rows = days_of_weeks([5, 4, 3, 3, 5, 0, 4, 3, 2, 4, 5, 3, 4], per_day=2)
    warehouse.metric("deployment_frequency", FREQUENCY, rows)
    assert warehouse.publish().band("deployment_frequency").code == 6


def test_a_burst_is_one_day(warehouse: Any) -> None:
    rows = days_of_weeks([1, 0, 1, 1, 2, 1, 0, 1, 1, 0, 1, 1, 1])
    rows += [event(MONDAY + timedelta(minutes=1 + number)) for number in range(19)]
    warehouse.observe("deployments")
    warehouse.metric("deployment_frequency", FREQUENCY, rows)
    warehouse.metric("deployments", DEPLOYMENTS, rows)
    metrics = warehouse.publish()
    assert metrics.query("deployment_frequency")[0].value == 1
    assert metrics.band("deployment_frequency").code == 4
    volume = metrics.query("deployments")[0]
    assert (volume.value, volume.n, volume.unit) == (30 / 13, 30, "deployments/week")


def test_observed_silence_is_zero_and_ratios_of_it_are_unknown(warehouse: Any) -> None:
    warehouse.observe("deployments", since=datetime(2026, 8, 24, tzinfo=UTC))
    warehouse.observe("changes")
    warehouse.metric("deployments", DEPLOYMENTS, [])
    warehouse.metric("deployment_frequency", FREQUENCY, [])
    warehouse.metric("change_fail_rate", FAIL_RATE, [])
    warehouse.metric("change_lead_time", LEAD_TIME, [])
    warehouse.metric("recovery", RECOVERY, [])
    metrics = warehouse.publish()
    assert metrics.query("deployments")[0].value == 0
    assert metrics.query("deployment_frequency")[0].value == 0
    assert metrics.query("change_fail_rate")[0].value is None
    assert metrics.query("change_fail_rate")[0].reason == "no deployments in this period"
    assert metrics.query("change_lead_time")[0].value is None
    assert metrics.query("recovery")[0].value is None
    assert metrics.band("deployment_frequency").code is None  # 93 days observed are no half year


def test_half_a_year_of_silence_is_the_rarest_answer(warehouse: Any) -> None:
    warehouse.observe("deployments")
    warehouse.metric("deployment_frequency", FREQUENCY, [])
    assert warehouse.publish().band("deployment_frequency").code == 1


def test_one_deployment_in_the_half_year_is_the_answer_before(warehouse: Any) -> None:
    warehouse.observe("deployments")
    warehouse.metric("deployment_frequency", FREQUENCY, [event(datetime(2026, 7, 1, tzinfo=UTC))])
    assert warehouse.publish().band("deployment_frequency").code == 2


def test_a_service_onboarded_three_weeks_ago_has_no_band(warehouse: Any) -> None:
    warehouse.observe("deployments", since=datetime(2026, 11, 2, tzinfo=UTC))
    warehouse.metric("deployment_frequency", FREQUENCY, days_of_weeks([0] * 10 + [5, 5, 5]))
    metrics = warehouse.publish()
    band = metrics.band("deployment_frequency")
    assert (band.code, band.label) == (None, "not enough data")
    assert "3 complete weeks" in band.reason
    assert [week.value for week in metrics.query("deployment_frequency", period="week")][8:] == [None, None, 5, 5, 5]


def test_nothing_is_divided_by_seven(warehouse: Any) -> None:
    warehouse.observe("deployments")
    warehouse.metric("deployment_frequency", FREQUENCY, days_of_weeks([5] * 13))
    metrics = warehouse.publish()
    assert metrics.query("deployment_frequency")[0].value == 5
    assert metrics.band("deployment_frequency").code == 5


def test_lead_time_of_five_changes_has_a_median_but_no_interval_or_tail(warehouse: Any) -> None:
    warehouse.observe("changes")
    warehouse.metric("change_lead_time", LEAD_TIME, lasting(50, 2, 26, 5, 7))
    metrics = warehouse.publish()
    (cell,) = metrics.query("change_lead_time")
    assert (cell.value, cell.n, cell.p25, cell.p75) == (7, 5, 5, 26)
    assert (cell.ci_low, cell.ci_high, cell.p90, cell.p95) == (None, None, None, None)
    assert metrics.band("change_lead_time").code == 5


def test_four_changes_have_no_median_but_their_count(warehouse: Any) -> None:
    warehouse.observe("changes")
    warehouse.metric("change_lead_time", LEAD_TIME, lasting(2, 5, 7, 26))
    metrics = warehouse.publish()
    (cell,) = metrics.query("change_lead_time")
    assert (cell.value, cell.n) == (None, 4)
    assert cell.reason == "not enough data: 4 changes, a median needs 5"
    assert metrics.band("change_lead_time").code is None


def test_forty_changes_have_every_percentile(warehouse: Any) -> None:
    warehouse.observe("changes")
    warehouse.metric("change_lead_time", LEAD_TIME, lasting(*range(1, 41)))
    (cell,) = warehouse.publish().query("change_lead_time")
    assert (cell.value, cell.p90, cell.p95) == (20.5, pytest.approx(36.1), pytest.approx(38.05))
    assert cell.ci_method == "order statistics"


def test_what_is_left_out_is_counted_by_reason(warehouse: Any) -> None:
    warehouse.observe("changes")
    rows = [*lasting(1, 2, 3, 4, 5, excluded_because=None), *lasting(-2, excluded_because="deployed_before_merge")]
    warehouse.metric("delivery_lead_time", LEAD_TIME, rows)
    (cell,) = warehouse.publish().query("delivery_lead_time")
    assert (cell.value, cell.n, cell.quality_flags) == (3, 5, ("deployed_before_merge=1",))


def test_three_of_twenty_is_fifteen_percent_with_wilsons_interval(warehouse: Any) -> None:
    warehouse.observe("deployments")
    warehouse.metric("change_fail_rate", FAIL_RATE, of_failures(*[True] * 3, *[False] * 17))
    metrics = warehouse.publish()
    (cell,) = metrics.query("change_fail_rate")
    assert (cell.value, cell.k, cell.n) == (15, 3, 20)
    assert (round(cell.ci_low, 1), round(cell.ci_high, 1)) == (5.2, 36.0)
    band = metrics.band("change_fail_rate")
    assert (band.code, band.label, band.score) == (6, "0-15 %", 8.5)


def test_two_of_eight_have_a_share_but_no_level(warehouse: Any) -> None:
    warehouse.observe("deployments")
    warehouse.metric("change_fail_rate", FAIL_RATE, of_failures(*[True] * 2, *[False] * 6))
    metrics = warehouse.publish()
    (cell,) = metrics.query("change_fail_rate")
    assert (cell.k, cell.n, cell.quality_flags) == (2, 8, ("insufficient",))
    band = metrics.band("change_fail_rate")
    assert (band.code, band.reason) == (None, "8 deployments, a level needs 20")


def test_young_deployments_and_guessed_failures_are_marked(warehouse: Any) -> None:
    warehouse.observe("deployments")
    rows = [
        event(warehouse.as_of - timedelta(days=1), failed=True, evidence="inferred"),
        event(warehouse.as_of - timedelta(days=2), failed=False, evidence="inferred"),
        event(warehouse.as_of - timedelta(days=8), failed=True, evidence="explicit"),
    ]
    warehouse.metric("change_fail_rate", FAIL_RATE, rows)
    (cell,) = warehouse.publish().query("change_fail_rate", end=date(2026, 11, 26))
    assert cell.quality_flags == ("insufficient", "inferred=1", "provisional=2")


def test_open_failures_are_censored(warehouse: Any) -> None:
    warehouse.observe("deployments")
    end = datetime(2026, 11, 20, tzinfo=UTC)
    rows = [event(end, started_at=end - timedelta(hours=one), hours=one, is_open=False) for one in (1.0, 2.0, 4.0)]
    rows += [
        event(warehouse.as_of - timedelta(hours=one), started_at=warehouse.as_of - timedelta(hours=one), is_open=True)
        for one in (100.0, 3000.0)  # the older one began before the window
    ]
    warehouse.metric("recovery", RECOVERY, rows)
    (cell,) = warehouse.publish().query("recovery")
    assert (cell.value, cell.n, cell.k) == (4, 5, 3)
    assert cell.quality_flags == ("open=2", "oldest_open_hours=3000.0")


def test_a_median_recovery_that_is_not_reached_says_so(warehouse: Any) -> None:
    warehouse.observe("deployments")
    began = [warehouse.as_of - timedelta(hours=one) for one in (80, 90, 100, 110)]
    rows = [event(began[0], started_at=began[0], hours=1.0, is_open=False)]
    rows += [event(one, started_at=one, is_open=True) for one in began]
    warehouse.metric("recovery", RECOVERY, rows)
    (cell,) = warehouse.publish().query("recovery")
    assert (cell.value, cell.reason) == (None, "not reached: 4 of 5 are still open")


def test_periods_are_those_of_the_reporting_zone(warehouse: Any) -> None:
    warehouse.zone = "Europe/Berlin"
    warehouse.observe("deployments")
    instants = [
        datetime(2026, 3, 31, 22, 30, tzinfo=UTC),  # 1 April in Berlin
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),  # both read 02:30
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
    ]
    warehouse.metric("deployments", DEPLOYMENTS, [event(one) for one in instants])
    warehouse.metric("deployment_frequency", FREQUENCY, [event(one) for one in instants])
    metrics = warehouse.publish()
    spring = {"start": date(2026, 3, 30), "end": date(2026, 4, 6)}
    months = metrics.query("deployments", period="month", **spring)
    assert [(cell.period, cell.value) for cell in months] == [("2026-03", 0), ("2026-04", 1)]
    assert [cell.period for cell in metrics.query("deployments", period="week", **spring)] == ["2026-W14"]
    autumn = {"start": date(2026, 10, 25), "end": date(2026, 10, 26), "period": "day"}
    assert metrics.query("deployments", **autumn)[0].value == 2
    assert metrics.query("deployment_frequency", **autumn)[0].value == 1


def test_the_week_that_is_not_over_is_partial_and_not_in_the_mean(warehouse: Any) -> None:
    warehouse.observe("deployments")
    warehouse.metric("deployments", DEPLOYMENTS, days_of_weeks([4] * 13 + [1]))
    metrics = warehouse.publish()
    weeks = metrics.query("deployments", period="week", start=date(2026, 11, 2), end=date(2026, 11, 26))
    assert [(week.period, week.value, week.is_partial) for week in weeks] == [
        ("2026-W45", 4, False), ("2026-W46", 4, False), ("2026-W47", 4, False), ("2026-W48", 1, True),
    ]  # fmt: skip
    assert metrics.query("deployments")[0].value == 4


def test_the_week_in_which_observation_began_is_partial_and_those_before_are_unknown(warehouse: Any) -> None:
    warehouse.observe("deployments", since=datetime(2026, 11, 11, tzinfo=UTC))
    warehouse.metric("deployments", DEPLOYMENTS, [])
    weeks = warehouse.publish().query("deployments", period="week", start=date(2026, 11, 2), end=date(2026, 11, 23))
    assert [(week.value, week.is_partial) for week in weeks] == [(None, True), (0, True), (0, False)]
    assert weeks[0].reason == "no data: deployments are observed from 2026-11-11 on"


def test_a_stream_nobody_delivers_is_unknown(warehouse: Any) -> None:
    warehouse.metric("deployments", DEPLOYMENTS, [])
    (cell,) = warehouse.publish().query("deployments")
    assert cell.value is None
    assert cell.reason == "not enough data, because no source delivers deployments: connect one in dx.toml"


def test_bots_are_left_out_or_in_as_the_metric_says_or_the_caller_asks(warehouse: Any) -> None:
    warehouse.observe("changes")
    rows = [*lasting(*[1.0] * 6, is_bot=False), *lasting(*[9.0] * 4, is_bot=True)]
    warehouse.metric("pickup", LEAD_TIME | {"bots": "excluded"}, rows)
    warehouse.metric("lead", LEAD_TIME | {"bots": "included"}, rows)
    metrics = warehouse.publish()
    assert (metrics.query("pickup")[0].n, metrics.query("pickup")[0].quality_flags) == (6, ("bot=4",))
    assert metrics.query("pickup", bots="included")[0].n == 10
    assert metrics.query("lead")[0].n == 10
    assert metrics.query("lead", bots="excluded")[0].n == 6


def test_each_observed_service_has_a_cell_even_without_events(warehouse: Any) -> None:
    warehouse.observe("deployments", "api")
    warehouse.observe("deployments", "shop")
    rows = [event(MONDAY), event(MONDAY, service=None)]
    warehouse.metric("deployments", DEPLOYMENTS, rows)
    cells = warehouse.publish().query("deployments", by=("service",))
    assert [(cell.dimensions["service"], cell.n) for cell in cells] == [("api", 1), ("shop", 0), (None, 1)]
    assert cells[1].value == 0


def test_filters_take_several_values_and_the_unmapped(warehouse: Any) -> None:
    warehouse.observe("deployments")
    rows = [event(MONDAY), event(MONDAY, service="shop"), event(MONDAY, service=None)]
    warehouse.metric("deployments", DEPLOYMENTS, rows)
    metrics = warehouse.publish()

    def count(*services: str | None) -> int:
        return metrics.query("deployments", where={"service": services})[0].n

    assert (count("api"), count("api", "shop"), count("unmapped"), count(None, "shop")) == (1, 2, 1, 2)
    assert count("'; drop table metrics.deployments; --") == 0


def test_what_is_not_a_dimension_is_answered_with_those_there_are(warehouse: Any) -> None:
    warehouse.observe("deployments")
    warehouse.metric("deployments", DEPLOYMENTS, [event(MONDAY, kind="change")])
    metrics = warehouse.publish()
    with pytest.raises(SettingsError, match=r"'region'.*team, service, repository.*kind"):
        metrics.query("deployments", by=("region",))
    with pytest.raises(SettingsError, match="region"):
        metrics.query("deployments", where={"region": ["eu"]})
    with pytest.raises(SettingsError, match="no value at all"):
        metrics.query("deployments", where={"team": []})
    with pytest.raises(SettingsError, match=r"'deploys'.*deployments"):
        metrics.query("deploys")
    with pytest.raises(SettingsError, match="fortnight"):
        metrics.query("deployments", period="fortnight")


def test_below_the_coverage_gate_there_is_no_number_but_what_to_connect(warehouse: Any) -> None:
    warehouse.observe("changes")
    warehouse.observe("deployments")
    linkage = FAIL_RATE | {
        "measure": "failed", "title": "Deployment linkage", "decision": "send the commit with each deployment",
    }  # fmt: skip
    warehouse.metric("deployment_linkage", linkage, of_failures(True, False, False, False))
    warehouse.metric("change_lead_time", LEAD_TIME | {"coverage": "deployment_linkage"}, lasting(1, 2, 3, 4, 5))
    (cell,) = warehouse.publish().query("change_lead_time")
    assert (cell.value, cell.n, cell.coverage) == (None, 5, 0.25)
    assert cell.reason == (
        "not enough data, because deployment linkage is 25% (1 of 4): send the commit with each deployment"
    )


def test_a_stock_is_what_is_alive_when_the_period_ends(warehouse: Any) -> None:
    warehouse.observe("changes")
    rows = [
        event(MONDAY, started_at=MONDAY, ended_at=MONDAY + timedelta(days=3)),
        event(MONDAY, started_at=MONDAY, ended_at=MONDAY + timedelta(days=10)),
        event(MONDAY, started_at=MONDAY + timedelta(days=1), ended_at=None),
    ]
    warehouse.metric("open_changes", {"aggregate": "stock", "unit": "changes"}, rows)
    metrics = warehouse.publish()
    weeks = metrics.query("open_changes", period="week", start=date(2026, 8, 24), end=date(2026, 9, 7))
    assert [week.value for week in weeks] == [2, 1]
    (now,) = metrics.query("open_changes")
    assert (now.value, now.is_partial) == (1, False)
    assert now.quality_flags == ("oldest_hours=2211.0",)  # 92 days and 3 hours


def test_rates_are_counted_against_another_metric(warehouse: Any) -> None:
    warehouse.observe("deployments")
    warehouse.observe("incidents")
    warehouse.metric("deployments", DEPLOYMENTS, days_of_weeks([5] * 10))
    rate = {"aggregate": "rate", "per": "deployments", "scale": 100, "unit": "incidents", "stream": "incidents"}
    warehouse.metric("incident_rate", rate, [event(MONDAY)] * 5)
    (cell,) = warehouse.publish().query("incident_rate")
    assert (cell.value, cell.k, cell.n) == (10, 5, 50)
    assert (round(cell.ci_low, 2), round(cell.ci_high, 2)) == (3.25, 23.34)


def test_parts_of_a_whole_are_means_that_add_up(warehouse: Any) -> None:
    warehouse.observe("changes")
    rows = [event(MONDAY, coding_hours=float(place), review_hours=10.0 - place) for place in range(6)]
    warehouse.metric("stages", {"aggregate": "mean", "measure": ["coding_hours", "review_hours"]}, rows)
    cells = warehouse.publish().query("stages", by=("service",))
    assert [(cell.dimensions["measure"], cell.value) for cell in cells] == [
        ("coding_hours", 2.5),
        ("review_hours", 7.5),
    ]


def test_cells_are_flat_json(warehouse: Any) -> None:
    warehouse.observe("deployments")
    warehouse.metric("deployments", DEPLOYMENTS, [event(MONDAY)])
    cell: Cell = warehouse.publish().query("deployments", period="week", by=("service",))[0]
    found = json.loads(json.dumps(cell.as_json()))
    assert found["period_start"] == "2026-08-24"
    assert (found["service"], found["value"], found["quality_flags"]) == ("api", 1.0, [])


def test_periods_before_the_last_history_that_is_still_read_are_unknown(warehouse: Any) -> None:
    warehouse.observe("changes", "api", since=datetime(2026, 8, 24, tzinfo=UTC))
    warehouse.observe("changes", "shop", since=datetime(2026, 10, 5, tzinfo=UTC), is_complete=False)
    warehouse.observe("changes", "new", since=datetime(2026, 11, 9, tzinfo=UTC))
    warehouse.metric("merged", {"aggregate": "count", "unit": "changes", "stream": "changes"}, [event(MONDAY)])
    metrics = warehouse.publish()
    counts = {cell.period_start.isoformat(): cell.value for cell in metrics.query("merged", period="week")}
    assert (counts["2026-09-28"], counts["2026-10-05"]) == (None, 0)
    (own,) = metrics.query("merged", where={"service": ["api"]}, start=date(2026, 8, 24), end=date(2026, 8, 31))
    assert own.value is not None
