"""What needs attention: each rule says what it found and what to do, and nothing where all is well."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from dxmetrics.metrics.attention import attention, whole_months

if TYPE_CHECKING:
    from conftest import Warehouse

AS_OF = datetime(2026, 11, 25, 12, tzinfo=UTC)
LAST_WEEK = AS_OF - timedelta(days=8)
CHECKS = """
    drop table meta.check_results;
    create table meta.check_results (name varchar, title varchar, severity varchar, remedy varchar, failures bigint);
"""


def row(occurred_at: datetime, service: str = "api", team: str | None = "web", **columns: Any) -> dict[str, Any]:
    return {"occurred_at": occurred_at, "service": service, "team": team, **columns}


def incident(service: str, detected: datetime, hours: float | None) -> dict[str, Any]:
    """An incident, still open where it has no hours."""
    return row(detected, service, started_at=detected, is_open=hours is None, hours=hours)


def result(service: str, title: str, tier: str, status: str, until_on: str | None = None) -> dict[str, Any]:
    """What a standard says of a service."""
    told = {"standard_title": title, "tier": tier, "remedy": f"Mend {title}.", "status": status, "until_on": until_on}
    counts = {"is_passed": status == "pass", "excluded_because": "exempt" if status == "exempt" else None}
    return row(LAST_WEEK, service, **told, **counts)


@pytest.fixture
def quiet(warehouse: Warehouse) -> Warehouse:
    """A warehouse in which nothing needs attention, with every metric a rule reads."""
    in_hours = {"aggregate": "recovery", "measure": "hours", "stream": None}
    share = {"aggregate": "proportion", "measure": "is_linked", "unit": "%", "entity": "deployment", "stream": None}
    linked = [row(LAST_WEEK, is_linked=True) for _ in range(30)]
    warehouse.metric("time_to_resolve", in_hours, [incident("api", LAST_WEEK, 2.0)])
    warehouse.metric(
        "deployment_linkage", share | {"title": "Deployment linkage", "decision": "Report commits."}, linked
    )
    warehouse.metric("incident_linkage", share | {"title": "Incident linkage", "entity": "incident"}, linked)
    standards = {"aggregate": "proportion", "measure": "is_passed", "unit": "%", "is_current": True, "stream": None}
    warehouse.metric("standard_results", standards, [result("api", "Has an owner", "bronze", "pass")])
    warehouse.metric("cost", COST, charges(100, 100, 100, 100, 100, 100, 100))
    warehouse.statements += [CHECKS, ran("files")]
    return warehouse


COST = {
    "aggregate": "sum", "measure": "amount", "unit": "money", "better": "none", "entity": "charge", "stream": None,
    "decision": "Ask its team first; much unallocated: tag it.",
}  # fmt: skip


def charges(*amounts: float) -> list[dict[str, Any]]:
    """A charge of each of these amounts in the months up to October 2026."""
    months = [(2026, month) for month in range(11 - len(amounts), 11)]
    return [
        row(datetime(year, month, 3, tzinfo=UTC), amount=amount, currency="EUR")
        for (year, month), amount in zip(months, amounts, strict=True)
    ]


def ran(source: str, hours_ago: float = 1, status: str = "ok") -> str:
    at = (AS_OF - timedelta(hours=hours_ago)).isoformat()
    return (
        "insert into meta.scope_runs (source, scope, started_at, finished_at, status)"
        f" values ('{source}', 'one', '{at}', '{at}', '{status}')"
    )


def told(warehouse: Warehouse, **where: tuple[str, ...]) -> list[str]:
    return [f"{one.kind}: {one.text} {one.remedy}" for one in attention(warehouse.publish(), where)]


def test_nothing_is_said_where_all_is_well(quiet: Warehouse) -> None:
    assert told(quiet) == []


def test_a_check_that_fails_is_an_error_and_a_warning_is_not(quiet: Warehouse) -> None:
    quiet.statements.append(
        "insert into meta.check_results values ('a', 'Keys are unique', 'error', 'Report it.', 3),"
        " ('b', 'Teams are known', 'warning', 'Name them.', 5), ('c', 'Fine', 'error', 'No.', 0)"
    )
    assert told(quiet) == ["check: Keys are unique: not so in 3 rows. Report it."]


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        ([ran("git", 50)], "source: Source git was read whole not for 50.0 h."),
        ([ran("git", 2, "failed")], "source: Source git was read whole never."),
        (
            [ran("git", 2), ran("git", 1, "failed").replace("'one'", "'two'")],
            "source: Source git: 1 of 2 scopes could not be read.",
        ),
    ],
)
def test_a_source_that_is_not_read_needs_attention(quiet: Warehouse, runs: list[str], words: str) -> None:
    quiet.statements += runs
    (text,) = told(quiet)
    assert text.startswith(words)


def test_an_incident_that_is_open_for_long_is_told_with_its_service(quiet: Warehouse) -> None:
    header, rows = quiet.metrics["time_to_resolve"]
    rows.append(incident("checkout", AS_OF - timedelta(hours=30), None))
    assert told(quiet) == []
    rows.append(incident("payouts", AS_OF - timedelta(days=9), None))
    quiet.metric("time_to_resolve", header, rows)
    quiet.data = quiet.data / "second"
    assert told(quiet)[0].startswith("incident: 2 incidents are open, the oldest, of payouts, for 9.0 d.")


def test_linkage_that_is_known_of_few_is_told_with_what_to_do(quiet: Warehouse) -> None:
    header, _ = quiet.metrics["deployment_linkage"]
    quiet.metric("deployment_linkage", header, [row(LAST_WEEK, is_linked=place < 10) for place in range(40)])
    assert told(quiet) == ["coverage: Deployment linkage is 25.0 % (10 of 40 deployments). Report commits."]


def test_of_standards_the_one_of_the_lowest_tier_that_most_fail_is_told(quiet: Warehouse) -> None:
    header, rows = quiet.metrics["standard_results"]
    rows += [result(name, "Has an owner", "bronze", "fail") for name in ("b", "c")]
    rows += [result(name, "Is tested", "bronze", "fail") for name in ("b", "c", "d")]
    rows += [result(name, "Is golden", "gold", "fail") for name in ("a", "b", "c", "d", "e")]
    quiet.metric("standard_results", header, rows)
    assert told(quiet) == ["standard: 3 of 3 services fail “Is tested”, a bronze standard. Mend Is tested."]


def test_exemptions_that_end_soon_are_told_together(quiet: Warehouse) -> None:
    header, rows = quiet.metrics["standard_results"]
    rows += [
        result("ledger", "Is tested", "bronze", "exempt", "2026-12-10"),
        result("search", "Is tested", "bronze", "exempt", "2026-12-01"),
        result("sso", "Is tested", "bronze", "exempt", "2027-12-01"),
    ]
    quiet.metric("standard_results", header, rows)
    (text,) = told(quiet)
    assert text == (
        "exemption: The exemption from “Is tested” of search ends 1 Dec 2026, and 1 other within a month. Meet the "
        "standard by then, or agree on a new date in [[exemptions]]."
    )


@pytest.mark.parametrize(
    ("amounts", "is_told"),
    [
        ((100, 110, 90, 100, 105, 95, 130), True),
        ((100, 110, 90, 100, 105, 95, 110), False),
        ((100, 200), False),  # too few months to know what is usual
        ((100, 100, 100, 100, 100, 100, -50), False),
    ],
)
def test_a_month_that_costs_much_more_than_usual_is_told(
    quiet: Warehouse, amounts: tuple[float, ...], is_told: bool
) -> None:
    quiet.metric("cost", COST, charges(*amounts))
    expected = (
        "cost: Cost of 130 EUR in October 2026 was 30 % above what the months before it usually cost (100 EUR). "
        "Ask its team first."
    )
    assert told(quiet) == ([expected] if is_told else [])


def test_of_one_team_what_concerns_all_is_left_out(quiet: Warehouse) -> None:
    quiet.statements += [
        "insert into meta.check_results values ('a', 'Keys are unique', 'error', 'Report it.', 3)", ran("git", 90),
    ]  # fmt: skip
    header, rows = quiet.metrics["time_to_resolve"]
    rows.append(incident("checkout", AS_OF - timedelta(days=9), None))
    rows.append(row(AS_OF, "search", "find", started_at=AS_OF - timedelta(days=20), is_open=True, hours=None))
    quiet.metric("time_to_resolve", header, rows)
    assert [text.partition(":")[0] for text in told(quiet)] == ["check", "source", "incident"]
    quiet.data = quiet.data / "second"
    (text,) = told(quiet, team=("web",))
    assert text.startswith("incident: An incident of checkout is open for 9.0 d.")


def test_the_most_urgent_come_first_and_not_more_than_asked_for(quiet: Warehouse) -> None:
    quiet.statements.append(
        "insert into meta.check_results select 'c' || i, 'Check ' || i, 'error', 'Mend it.', 1 from range(12) as t(i)"
    )
    metrics = quiet.publish()
    assert len(attention(metrics)) == 8
    assert [one.kind for one in attention(metrics, most=2)] == ["check", "check"]


def test_whole_months_are_over_in_the_reporting_zone(quiet: Warehouse) -> None:
    window = whole_months(quiet.publish(), 3)
    assert (window.start, window.end) == (date(2026, 8, 1), date(2026, 11, 1))
