"""What changed and why: signals only, and nobody is named who does not carry the larger part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from dxmetrics import numbers
from dxmetrics.metrics import Metrics
from dxmetrics.metrics.changes import Moved, changes, sentence, sentences

if TYPE_CHECKING:
    from conftest import Warehouse

OCTOBER, NOVEMBER = (date(2026, 9, 1), date(2026, 10, 1)), (date(2026, 10, 1), date(2026, 11, 1))
BEFORE, NOW = datetime(2026, 9, 2, 9, tzinfo=UTC), datetime(2026, 10, 2, 9, tzinfo=UTC)
TEAMS = {"checkout": "Payments", "ledger": "Payments", "search": "Search", "ranking": "Search", "sso": "Identity"}
STAGES = ["coding_hours", "pickup_hours", "deploy_wait_hours"]
LEAD_TIME = {"aggregate": "median", "measure": "hours", "title": "Change lead time", "stream": "deployments"}
FAIL_RATE = {
    "aggregate": "proportion", "measure": "failed", "unit": "%", "entity": "deployment", "title": "Change fail rate",
    "stream": "deployments",
}  # fmt: skip
SPREAD = (0.6, 0.8, 0.9, 1.0, 1.0, 1.1, 1.2, 1.4)  # around the middle


def changed(service: str, start: datetime, hours: float, count: int = 24) -> list[dict[str, Any]]:
    """Changes of a service within a month, around so many hours."""
    return [
        {
            "occurred_at": start + timedelta(days=place % 28), "service": service, "team": TEAMS.get(service),
            "hours": hours * SPREAD[place % len(SPREAD)],
        }
        for place in range(count)
    ]  # fmt: skip


def deployed(service: str, start: datetime, count: int, failed: int) -> list[dict[str, Any]]:
    """Deployments of a service within a month, the first of which failed."""
    return [
        {
            "occurred_at": start + timedelta(days=place % 28), "service": service, "team": TEAMS.get(service),
            "failed": place < failed,
        }
        for place in range(count)
    ]  # fmt: skip


def stages(start: datetime, **hours: float) -> list[dict[str, Any]]:
    """Changes by stage, each around its hours."""
    return [
        {
            "occurred_at": start + timedelta(days=place), "service": "checkout", "team": "Payments",
            **{stage: hours.get(stage, 1.0) * SPREAD[place % len(SPREAD)] for stage in STAGES},
        }
        for place in range(24)
    ]  # fmt: skip


def published(
    warehouse: Warehouse,
    lead_time: Sequence[Mapping[str, Any]] = (),
    fail_rate: Sequence[Mapping[str, Any]] = (),
    by_stage: Sequence[Mapping[str, Any]] = (),
) -> Metrics:
    warehouse.metric("change_lead_time", LEAD_TIME, list(lead_time))
    warehouse.metric("change_fail_rate", FAIL_RATE, list(fail_rate))
    warehouse.metric(
        "change_cycle_stages", {"aggregate": "mean", "measure": STAGES, "stream": "deployments"}, list(by_stage)
    )
    for service, team in TEAMS.items():
        warehouse.observe("deployments", service, team=team)
    return warehouse.publish()


def said(metrics: Metrics, **asked: Any) -> list[str]:
    names = asked.pop("names", ("change_lead_time", "change_fail_rate"))
    return [one.text for one in sentences(changes(metrics, *NOVEMBER, names=names, **asked))]


def test_a_change_is_said_with_the_stage_and_the_service_that_carry_it(warehouse: Warehouse) -> None:
    quiet = [
        row for service in ("ledger", "search") for start in (BEFORE, NOW) for row in changed(service, start, 20, 8)
    ]
    moved = [*changed("checkout", BEFORE, 20), *changed("checkout", NOW, 50)]
    by_stage = [*stages(BEFORE, coding_hours=8, pickup_hours=10), *stages(NOW, coding_hours=9, pickup_hours=70)]
    metrics = published(warehouse, [*quiet, *moved], by_stage=by_stage)

    (found,) = changes(metrics, *NOVEMBER, names=["change_lead_time"])
    compared = found.comparison
    assert (found.stage, found.dimension) == ("waiting for review", "service")
    assert [(one.name, one.share) for one in found.groups] == [("checkout", 1.0)]
    first = f"from 20.0 to {compared.current.value:.1f} h"
    sure = numbers.difference(compared.ci_low or 0, compared.ci_high or 0, "hours")
    assert said(metrics) == [
        f"Change lead time rose {first} (95 %: {sure}): mostly waiting for review; checkout moved it most."
    ]
    (sentence,) = sentences([found])
    assert [one.text for one in sentence.words if one.is_strong] == ["waiting for review", "checkout"]
    assert (sentence.metric, sentence.change) == ("change_lead_time", "worse")


def test_routine_variation_is_not_worth_a_sentence(warehouse: Warehouse) -> None:
    rows = [row for service in TEAMS for start in (BEFORE, NOW) for row in changed(service, start, 20)]
    failures = [row for start in (BEFORE, NOW) for row in deployed("checkout", start, 40, 4)]
    assert said(published(warehouse, rows, failures)) == []


def test_a_change_of_all_services_alike_names_none_of_them(warehouse: Warehouse) -> None:
    rows = [row for service in TEAMS for row in (*changed(service, BEFORE, 20), *changed(service, NOW, 60))]
    (text,) = said(published(warehouse, rows))
    assert text.endswith("): spread over 5 services.")


def test_teams_are_named_where_no_few_services_carry_it(warehouse: Warehouse) -> None:
    others = ("a", "b", "c", "d")
    rows = [row for service in others for start in (BEFORE, NOW) for row in changed(service, start, 20)]
    for service in ("checkout", "ledger", "refunds"):
        for start, hours in ((BEFORE, 20), (NOW, 60)):
            rows += [row | {"team": "Payments"} for row in changed(service, start, hours)]
    (text,) = said(published(warehouse, [row | {"team": row["team"] or "Search"} for row in rows]))
    assert text.endswith("): team Payments moved it most.")


def test_who_has_too_few_events_is_not_named(warehouse: Warehouse) -> None:
    rows = [*deployed("checkout", BEFORE, 10, 0), *deployed("checkout", NOW, 10, 0)]
    rows += [*deployed("search", BEFORE, 4, 0), *deployed("search", NOW, 4, 4)]
    found = changes(published(warehouse, fail_rate=rows), *NOVEMBER, names=["change_fail_rate"])
    assert [one.groups for one in found] == [()]


def test_a_service_that_always_failed_more_moves_the_rate_by_deploying_more(warehouse: Warehouse) -> None:
    rows = [*deployed("checkout", BEFORE, 90, 3), *deployed("search", BEFORE, 10, 5)]
    rows += [*deployed("checkout", NOW, 90, 3), *deployed("search", NOW, 60, 30)]
    metrics = published(warehouse, fail_rate=rows)
    (text,) = said(metrics)
    assert text.startswith("Change fail rate rose from 8.0 to 22.0 % (95 %: +")
    assert text.endswith("points): search moved it most.")


def test_what_got_worse_is_said_first(warehouse: Warehouse) -> None:
    rows = [*changed("checkout", BEFORE, 60), *changed("checkout", NOW, 20)]
    failures = [*deployed("checkout", BEFORE, 60, 2), *deployed("checkout", NOW, 60, 20)]
    metrics = published(warehouse, rows, failures)
    found = changes(metrics, *NOVEMBER, names=["change_lead_time", "change_fail_rate"])
    assert [(one.definition.name, one.comparison.change) for one in found] == [
        ("change_fail_rate", "worse"),
        ("change_lead_time", "better"),
    ]


def test_what_is_filtered_is_not_told_again(warehouse: Warehouse) -> None:
    rows = [row for service in ("checkout", "ledger") for start in (BEFORE, NOW) for row in changed(service, start, 20)]
    rows = [row for row in rows if (row["service"], row["occurred_at"] >= NOW) != ("ledger", True)]
    metrics = published(warehouse, [*rows, *changed("ledger", NOW, 90)])
    (of_team,) = said(metrics, where={"team": ("Payments",)})
    assert of_team.endswith("ledger moved it most.")
    (of_service,) = said(metrics, where={"service": ("ledger",)})
    assert of_service.endswith(" d).")


def test_nothing_is_compared_where_nothing_was_observed_before(warehouse: Warehouse) -> None:
    assert said(published(warehouse, changed("checkout", NOW, 20))) == []


@pytest.mark.parametrize("name", ["change_fail_rate", "change_lead_time"])
def test_contributions_add_up_to_the_difference(warehouse: Warehouse, name: str) -> None:
    failures = [*deployed("checkout", BEFORE, 50, 5), *deployed("gone", BEFORE, 20, 8)]
    failures += [*deployed("checkout", NOW, 30, 9), *deployed("new", NOW, 40, 2)]
    failures += [row | {"service": None} for row in deployed("", NOW, 10, 3)]
    rows = [*changed("checkout", BEFORE, 20), *changed("gone", BEFORE, 50), *changed("checkout", NOW, 40)]
    metrics = published(warehouse, [*rows, *changed("new", NOW, 10)], failures)
    found = metrics.contributions(name, "service", start=NOVEMBER[0], end=NOVEMBER[1])
    total = sum(one.amount for one in found)
    if name == "change_fail_rate":
        assert total == pytest.approx(14 / 80 - 13 / 70)
        assert {one.name: (one.n, one.n_before) for one in found} == {
            "checkout": (30, 50), "gone": (0, 20), "new": (40, 0), None: (10, 0),
        }  # fmt: skip
    else:
        hours = sorted(row["hours"] for row in [*rows, *changed("new", NOW, 10)])
        middle = (hours[47] + hours[48]) / 2
        above = [
            sum(row["hours"] > middle for row in side) / len(side)
            for side in (
                [*changed("checkout", NOW, 40), *changed("new", NOW, 10)],
                [*changed("checkout", BEFORE, 20), *changed("gone", BEFORE, 50)],
            )
        ]
        assert total == pytest.approx(above[0] - above[1])
    same_way = [one for one in found if one.share]
    assert sum(one.share for one in same_way) == pytest.approx(1)
    assert all(one.amount * total > 0 for one in same_way)


def test_counts_contribute_what_they_grew_by_in_a_week(warehouse: Warehouse) -> None:
    header = {"aggregate": "count", "unit": "deployments", "entity": "deployment", "stream": "deployments"}
    rows = [*deployed("checkout", BEFORE, 28, 0), *deployed("checkout", NOW, 56, 0), *deployed("search", BEFORE, 14, 0)]
    warehouse.metric("deployments", header, rows)
    metrics = published(warehouse)
    found = metrics.contributions("deployments", "service", start=NOVEMBER[0], end=NOVEMBER[1])
    assert [(one.name, one.amount) for one in found] == [
        ("checkout", pytest.approx(7 * (56 / 31 - 28 / 30))),
        ("search", pytest.approx(-7 * 14 / 30)),
    ]


def test_stages_contribute_nothing_as_they_are_no_sum_of_services(warehouse: Warehouse) -> None:
    metrics = published(warehouse, by_stage=[*stages(BEFORE), *stages(NOW, pickup_hours=30)])
    assert metrics.contributions("change_cycle_stages", "service", start=NOVEMBER[0], end=NOVEMBER[1]) == ()


@pytest.mark.parametrize(
    ("ends", "unit", "words"),
    [
        ((4.0, 18.2), "hours", "+4.0 to +18.2 h"),
        ((-0.5, -0.1), "hours", "−30 to −6 min"),
        ((-100.0, 40.0), "hours", "−4.2 to +1.7 d"),
        ((-2.13, -0.4), "%", "−2.1 to −0.4 points"),
        ((0.5, 3.0), "deployments/week", "+0.5 to +3 deployments a week"),
    ],
)
def test_the_ends_of_a_difference_have_signs(ends: tuple[float, float], unit: str, words: str) -> None:
    assert numbers.difference(*ends, unit) == words


def test_single_weeks_outside_of_their_range_are_said_before_the_little_they_change(warehouse: Warehouse) -> None:
    metrics = published(warehouse, changed("checkout", NOW, 10.0))
    definition = metrics.definition("change_lead_time")
    (compared,) = metrics.compare("change_lead_time", start=NOVEMBER[0], end=NOVEMBER[1])
    weeks = replace(
        compared,
        current=replace(compared.current, value=232.0, unit="deployments/week"),
        previous=replace(compared.previous, value=229.0, unit="deployments/week"),
        difference=3.0,
        is_signal=True,
    )
    told = sentence(Moved(definition, weeks, spread_over=19, dimension="service")).text
    assert told == (
        "Change lead time had weeks outside their usual range and rose from 229 to 232 deployments a week: "
        "spread over 19 services."
    )
