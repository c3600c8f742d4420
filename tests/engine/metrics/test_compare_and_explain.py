"""Comparisons that stay silent about routine variation, receipts, and the state of the data."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

MONDAY = datetime(2026, 8, 24, 9, tzinfo=UTC)
BEFORE = MONDAY - timedelta(weeks=13)
LEAD_TIME = {"aggregate": "median", "measure": "hours"}
DEPLOYMENTS = {"aggregate": "count", "unit": "deployments", "better": "higher", "stream": "deployments"}


def event(occurred_at: datetime, **columns: Any) -> dict[str, Any]:
    return {"occurred_at": occurred_at, "team": "web", "service": "api", "repository": "repo", **columns}


def lasting(first: datetime, *hours: float) -> list[dict[str, Any]]:
    return [event(first + timedelta(hours=place), hours=one) for place, one in enumerate(hours)]


def weekly(first: datetime, *counts: int) -> list[dict[str, Any]]:
    return [event(first + timedelta(weeks=week, hours=one)) for week, n in enumerate(counts) for one in range(n)]


def test_a_clear_fall_of_lead_time_is_better(warehouse: Any) -> None:
    warehouse.observe("changes")
    rows = [*lasting(BEFORE, *range(60, 90)), *lasting(MONDAY, *range(10, 40))]
    warehouse.metric("lead", LEAD_TIME, rows)
    (found,) = warehouse.publish().compare("lead")
    assert (found.difference, found.is_signal, found.change) == (-50, True, "better")
    assert found.ci_high < 0
    assert found.text == "50.0 hours less than before: better"
    assert (found.current.value, found.previous.value) == (24.5, 74.5)


def test_a_small_change_is_routine_variation(warehouse: Any) -> None:
    warehouse.observe("changes")
    warehouse.metric("lead", LEAD_TIME, [*lasting(BEFORE, *range(11, 41)), *lasting(MONDAY, *range(10, 40))])
    (found,) = warehouse.publish().compare("lead")
    assert (found.difference, found.is_signal, found.change, found.text) == (-1, False, None, "routine variation")


def test_five_changes_a_side_give_no_verdict(warehouse: Any) -> None:
    warehouse.observe("changes")
    warehouse.metric("lead", LEAD_TIME, [*lasting(BEFORE, 6, 8, 10, 14, 20), *lasting(MONDAY, 2, 4, 6, 8, 10)])
    (found,) = warehouse.publish().compare("lead")
    assert (found.difference, found.is_signal, found.ci_low) == (-4, False, None)


def test_more_deployments_every_week_are_a_signal_and_one_more_is_not(warehouse: Any) -> None:
    warehouse.observe("deployments")
    before = weekly(BEFORE, *[4, 5, 4, 6, 5, 4, 5, 6, 4, 5, 4, 5, 6])
    warehouse.metric("many", DEPLOYMENTS, before + weekly(MONDAY, *[9, 8, 9, 10, 9, 8, 9, 9, 10, 8, 9, 9, 8]))
    warehouse.metric("same", DEPLOYMENTS, before + weekly(MONDAY, *[5, 5, 4, 6, 5, 4, 5, 6, 4, 5, 4, 5, 6]))
    metrics = warehouse.publish()
    (many,), (same,) = metrics.compare("many"), metrics.compare("same")
    assert (many.is_signal, many.change) == (True, "better")
    assert (same.is_signal, same.text) == (False, "routine variation")


def test_a_period_that_is_not_over_is_never_compared(warehouse: Any) -> None:
    warehouse.observe("deployments")
    warehouse.metric("deployments", DEPLOYMENTS, weekly(MONDAY, *[4] * 13, 1))
    metrics = warehouse.publish()
    (found,) = metrics.compare("deployments", start=date(2026, 11, 2), end=date(2026, 11, 30))
    assert (found.difference, found.is_signal) == (None, False)
    assert found.reason == "this period is not over, or was not observed from its beginning"


def test_a_period_that_began_unobserved_is_never_compared_with(warehouse: Any) -> None:
    warehouse.observe("deployments", since=MONDAY - timedelta(days=20))
    warehouse.metric("deployments", DEPLOYMENTS, weekly(MONDAY, *[4] * 13))
    (found,) = warehouse.publish().compare("deployments")
    assert (found.difference, found.reason) == (None, "the period before was not observed from its beginning")


def test_comparisons_are_made_per_service(warehouse: Any) -> None:
    warehouse.observe("changes", "api")
    warehouse.observe("changes", "shop")
    rows = [*lasting(BEFORE, *range(60, 90)), *lasting(MONDAY, *range(10, 40))]
    rows += [row | {"service": "shop", "hours": 5.0} for row in rows]
    warehouse.metric("lead", LEAD_TIME, rows)
    found = warehouse.publish().compare("lead", by=("service",))
    assert [(one.dimensions["service"], one.is_signal) for one in found] == [("api", True), ("shop", False)]


def test_a_process_behaviour_chart_ignores_partial_periods(warehouse: Any) -> None:
    warehouse.observe("deployments")
    warehouse.metric("deployments", DEPLOYMENTS, weekly(MONDAY, *[10, 12, 11, 13, 9, 12] * 2, 40, 1))
    chart = warehouse.publish().chart("deployments", end=date(2026, 11, 26))
    assert len(chart.cells) == 14
    assert chart.limits is not None
    assert [cell.value for cell in chart.signals] == [40]


def test_a_receipt_has_the_rows_the_exclusions_and_the_freshness(warehouse: Any) -> None:
    warehouse.observe("changes")
    rows = [
        row | {"title": f"Change {place}", "url": f"https://host/{place}", "excluded_because": None}
        for place, row in enumerate(lasting(MONDAY, 1, 2, 3, 4, 5))
    ]
    rows.append(event(MONDAY + timedelta(days=1), hours=-2.0, excluded_because="clock_skew"))
    rows.append(event(BEFORE, hours=100.0, excluded_because=None))
    warehouse.metric("lead", LEAD_TIME, rows)
    read_at = "timestamptz '2026-11-25 10:00:00+00'"
    warehouse.statements.append(
        "insert into meta.scope_runs values"
        f" ('1', 'git', 'a', 'a', {read_at}, {read_at}, 'ok', 5, 5, 0, null, []),"
        f" ('2', 'git', 'a', 'a', {read_at} + interval 1 hour, {read_at} + interval 1 hour, 'failed', 0, 0, 0, 'x', [])"
    )
    receipt = warehouse.publish().explain("lead", limit=3)
    assert (receipt.value.value, receipt.value.n, receipt.total_rows) == (3, 5, 6)
    assert receipt.exclusions == {"clock_skew": 1}
    assert [(row["measure"], row["excluded_because"]) for row in receipt.rows] == [
        (-2, "clock_skew"),
        (5, None),
        (4, None),
    ]
    assert receipt.rows[1]["url"] == "https://host/4"
    assert (receipt.window.start, receipt.window.end) == (date(2026, 8, 24), date(2026, 11, 23))
    (source,) = receipt.freshness
    assert (source["source"], source["age_hours"], source["last_status"]) == ("git", 2.0, "failed")
    assert receipt.sql == "select 1 as lead"


def test_a_receipt_counts_the_bots_a_number_leaves_out(warehouse: Any) -> None:
    warehouse.observe("changes")
    rows = [row | {"is_bot": place < 4} for place, row in enumerate(lasting(MONDAY, *range(10)))]
    warehouse.metric("pickup", LEAD_TIME | {"bots": "excluded"}, rows)
    metrics = warehouse.publish()
    assert metrics.explain("pickup").exclusions == {"bot": 4}
    assert metrics.explain("pickup", bots="included").exclusions == {}


def test_the_receipt_of_a_stock_has_what_is_alive(warehouse: Any) -> None:
    warehouse.observe("changes")
    rows = [
        event(MONDAY, started_at=MONDAY, ended_at=MONDAY + timedelta(days=3)),
        event(MONDAY - timedelta(weeks=40), started_at=MONDAY - timedelta(weeks=40), ended_at=None),
    ]
    warehouse.metric("open_changes", {"aggregate": "stock", "unit": "changes"}, rows)
    receipt = warehouse.publish().explain("open_changes")
    assert (receipt.value.value, receipt.total_rows) == (1, 1)
    assert receipt.rows[0]["entity_id"] == "open_changes-1"


def test_the_coverage_a_number_rests_on_is_a_cell_of_its_own(warehouse: Any) -> None:
    warehouse.observe("changes")
    warehouse.metric(
        "linkage",
        {"aggregate": "proportion", "measure": "failed", "unit": "%"},
        [event(MONDAY, failed=one) for one in (True, True, True, False)],
    )
    warehouse.metric("lead", LEAD_TIME | {"coverage": "linkage"}, lasting(MONDAY, 1, 2, 3, 4, 5))
    receipt = warehouse.publish().explain("lead")
    assert receipt.value.coverage == 0.75
    assert (receipt.coverage.value, receipt.coverage.k, receipt.coverage.n) == (75, 3, 4)


def test_health_says_what_was_read_refused_and_is_unmapped(warehouse: Any) -> None:
    when = "timestamptz '2026-11-25 10:00:00+00'"
    warehouse.statements.append(
        "insert into meta.scope_runs values"
        f" ('1', 'git', 'a', 'a', {when}, {when}, 'ok', 5, 5, 0, null, ['shallow clone']),"
        f" ('1', 'git', 'b', 'b', {when}, {when}, 'failed', 7, 0, 1, 'not a repository', [])"
    )
    warehouse.statements += [
        f"insert into meta.coverage values ('git', 'commits', 'a', {when} - interval 1 year, {when})",
        f"insert into meta.quarantine values ('git', 'b', 'commits', 'no date', {when}, {when}, 3)",
        "insert into core.changes values (null, null, 'repo'), ('api', null, 'repo')",
        "insert into core.services values ('api', 'web')",
        "insert into meta.check_results values ('fine', 'Fine', 0), ('broken', 'Broken', 2)",
    ]
    metrics = warehouse.publish()
    health = metrics.health()
    (source,) = health.sources
    assert (source["source"], source["scopes"], source["scopes_not_ok"], source["rows_read"]) == ("git", 2, 1, 12)
    assert [scope["scope"] for scope in health.scopes] == ["b", "a"]
    assert health.coverage[0]["complete_since"] == datetime(2025, 11, 25, 10, tzinfo=UTC)
    assert health.quarantine[0]["occurrences"] == 3
    assert [(row["what"], row["rows"]) for row in health.unmapped] == [
        ("changes without a team", 2), ("changes without a service", 1),
    ]  # fmt: skip
    assert [check["name"] for check in health.checks] == ["broken", "fine"]
    assert metrics.values("service") == ("api",)
    assert metrics.values("team") == ("web",)


def test_a_stream_is_complete_since_the_youngest_beginning_while_history_is_still_read(warehouse: Any) -> None:
    when = "'2026-11-25 10:00:00+00'::timestamptz"
    warehouse.statements += [
        f"insert into landing.repositories values ('forge', '{scope}', {when} - interval {age} day)"
        for scope, age in (("old", 900), ("older", 900), ("young", 5))
    ]
    warehouse.statements += [
        f"insert into meta.coverage values ('forge', 'changes', '{scope}', {when} - interval {age} day, {when})"
        for scope, age in (("old", 30), ("older", 90), ("young", 5))
    ]
    warehouse.statements.append(
        "insert into meta.coverage values"
        f" ('forge', 'changes', 'older', {when} - interval 400 day, {when} - interval 300 day)"
    )
    (stream,) = warehouse.publish().health().coverage
    assert (stream["complete_since"], stream["scopes"]) == (datetime(2026, 10, 26, 10, tzinfo=UTC), 3)
    assert stream["scopes_in_arrears"] == 2


def test_nobody_can_ask_for_the_values_of_a_person(warehouse: Any) -> None:
    metrics = warehouse.publish()
    with pytest.raises(Exception, match="team, service, repository"):
        metrics.values("author_id")
