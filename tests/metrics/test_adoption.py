"""Adoption at a size that is too much for a table of rows: worked example 24, and the honesty rules around it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from dxmetrics.errors import SettingsError
from dxmetrics.metrics import Metrics

from .conftest import Line

AS_OF = datetime(2026, 3, 30, tzinfo=UTC)  # a Monday
FIRST = date(2026, 3, 2)  # the first of the four weeks before it
WEEK: dict[str, Any] = {"start": date(2026, 3, 23), "end": date(2026, 3, 30)}
MARCH: dict[str, Any] = {"start": date(2026, 3, 1), "end": date(2026, 4, 1)}


def identities(count: int) -> dict[str, Any]:
    rows = [{"ext_id": f"p{number}", "login": f"p{number}", "kind": "human"} for number in range(count)]
    return {"record": "Identity", "source": "portal", "rows": rows}


def members(team: str, people: range) -> dict[str, Any]:
    rows = [{"ext_id": f"{team}-{number}", "team": team, "person": f"p{number}"} for number in people]
    return {"record": "Membership", "source": "portal", "scope": team, "rows": rows}


def uses(capability: str, days: dict[int, list[date]], **rest: Any) -> dict[str, Any]:
    """A value action at noon by each person on each of their days."""
    rows = [
        {
            "ext_id": f"{capability}-{number}-{day}",
            "capability": capability,
            "action": "use",
            "outcome": "success",
            "person": f"p{number}",
            "occurred_at": datetime(day.year, day.month, day.day, 12, tzinfo=UTC),
            **rest,
        }
        for number, on in days.items()
        for day in on
    ]
    return {"record": "PlatformEvent", "source": "portal", "scope": capability, "rows": rows}


def workdays(first: date = FIRST) -> list[date]:
    return [first + timedelta(days=day) for day in range(28) if (first + timedelta(days=day)).isoweekday() <= 5]


@pytest.fixture
def reached(line: Line) -> Metrics:
    """60 developers, 12 of them in a team the portal cannot serve; 30 of the others used it in the last week."""
    return line(
        {
            "as_of": AS_OF,
            "settings": {
                "capabilities": [
                    {
                        "name": "portal",
                        "unit": "person",
                        "excluded": [{"teams": ["Firmware"], "reason": "Works offline."}],
                    },
                    {"name": "unseen", "unit": "person"},
                    {"name": "nobody", "unit": "person", "teams": ["No such team"], "since": FIRST},
                ]
            },
            "given": [
                identities(60),
                members("Web", range(48)),
                members("Firmware", range(48, 60)),
                uses("portal", {number: [date(2026, 3, 24)] for number in range(30)}),
            ],
        }
    )


def test_24_thirty_of_48_eligible_and_60_developers_are_two_shares(reached: Metrics) -> None:
    where = {"capability": ["portal"]}
    (of_eligible,) = reached.query("market_share", where=where, **WEEK)
    (of_all,) = reached.query("market_share_of_all", where=where, **WEEK)
    assert (of_eligible.value, of_eligible.k, of_eligible.n) == (62.5, 30, 48)
    assert (of_all.value, of_all.k, of_all.n) == (50.0, 30, 60)
    assert of_eligible.quality_flags == ("Works offline.=12",)


def test_a_capability_that_was_never_seen_in_use_has_no_share_not_a_share_of_nothing(reached: Metrics) -> None:
    (unseen,) = reached.query("market_share", where={"capability": ["unseen"]}, **WEEK)
    assert (unseen.value, unseen.n) == (None, 0)


def test_a_capability_with_nobody_eligible_has_no_share(reached: Metrics) -> None:
    (nobody,) = reached.query("market_share", where={"capability": ["nobody"]}, **WEEK)
    assert (nobody.value, nobody.n) == (None, 0)
    assert nobody.reason == "no user weeks count in this period: 60 other team"


def test_people_are_counted_and_listed_in_no_receipt(reached: Metrics) -> None:
    for metric in ("market_share", "market_share_of_all", "active_users", "retention", "stickiness"):
        paper = reached.explain(metric, where={"capability": ["portal"]}, **MARCH)
        assert paper.total_rows > 0, metric
        assert paper.rows == (), metric


def test_a_cut_that_leaves_fewer_than_five_people_has_no_number(reached: Metrics) -> None:
    where = {"capability": ["portal"], "team": ["Web"]}
    by_state = reached.query("market_share", by=["state"], where=where, **WEEK)
    assert {cell.dimensions["state"]: cell.n for cell in by_state} == {"none": 18, "trial": 30}
    with pytest.raises(SettingsError, match="no dimension 'is_few'"):
        reached.query("market_share", by=["is_few"], **WEEK)


@pytest.fixture
def small_teams(line: Line) -> Metrics:
    """Teams of 12, 7 and 4, as in worked example 22; everybody used the portal on 24 March, 4 of Web a week before."""
    return line(
        {
            "as_of": AS_OF,
            "settings": {"capabilities": [{"name": "portal", "unit": "person"}]},
            "given": [
                identities(23),
                members("Web", range(12)),
                members("App", range(12, 19)),
                members("Data", range(19, 23)),
                uses(
                    "portal",
                    {number: [date(2026, 3, 17)] * (number < 4) + [date(2026, 3, 24)] for number in range(23)},
                ),
            ],
        }
    )


def test_22_a_team_of_four_is_hidden_and_so_is_the_one_that_would_tell_of_it(small_teams: Metrics) -> None:
    for metric in ("market_share", "market_share_of_all", "active_users", "stickiness"):
        cells = small_teams.query(metric, by=["team"], **WEEK)
        assert {cell.dimensions["team"]: cell.n for cell in cells} == {"Web": 12, None: 11}, metric
    cells = small_teams.query("retention", by=["team"], where={"weeks_after": ["0"]}, **MARCH)
    assert {cell.dimensions["team"]: cell.n for cell in cells} == {"Web": 12, None: 11}


def test_weeks_of_few_people_tell_nothing_however_many_there_are(small_teams: Metrics) -> None:
    early: dict[str, Any] = {"start": date(2026, 3, 2), "end": date(2026, 3, 23)}
    (week,) = small_teams.query("active_users", start=date(2026, 3, 16), end=date(2026, 3, 23), period="week")
    assert (week.value, week.n, week.reason, week.is_hidden) == (None, 0, "fewer than 5 people", True)
    (weeks,) = small_teams.query("active_users", **early)
    assert (weeks.value, weeks.is_hidden) == (None, True)
    paper = small_teams.explain("active_users", **early)
    assert (paper.rows, paper.total_rows, paper.exclusions) == ((), 0, {})


def test_24_stickiness_is_mean_daily_by_monthly_users(line: Line) -> None:
    """400 people used it in 28 days; on each of the 20 workdays 120 of them did."""
    days: dict[int, list[date]] = {number: [] for number in range(400)}
    for place, day in enumerate(workdays()):
        for number in range(120):
            days[(place * 120 + number) % 400].append(day)
    metrics = line(
        {
            "as_of": AS_OF,
            "settings": {"capabilities": [{"name": "portal", "unit": "person"}]},
            "given": [identities(400), members("Web", range(400)), uses("portal", days)],
        }
    )
    (cell,) = metrics.query("stickiness", **WEEK)
    assert cell.value == pytest.approx(30.0)
    assert cell.n == 400


def change(name: str, author: str, merged_at: datetime) -> dict[str, Any]:
    opened = {"repository": "shop", "state": "merged", "opened_at": merged_at - timedelta(hours=1)}
    return {"ext_id": name, "author": author, "merged_at": merged_at, "merge_sha": name, **opened}


@pytest.fixture
def joined(line: Line) -> Metrics:
    """Six people join on 2 March, two of them a team of their own; five have merged, one of them ten times."""
    midnight = datetime(2026, 3, 2, tzinfo=UTC)
    joining = {"valid_from": date(2026, 3, 2)}
    teams = ["red"] * 5 + ["blue"] * 2
    changes = [change(f"c{number}", f"p{number}", midnight + timedelta(hours=10 * (number + 1))) for number in range(5)]
    changes += [change(f"d{number}", "p0", midnight + timedelta(hours=100 + number)) for number in range(9)]
    changes.append(change("before", "p9", midnight - timedelta(days=20)))
    memberships = [
        {"ext_id": str(number), "team": team, "person": f"p{number}", **joining} for number, team in enumerate(teams)
    ]
    memberships.append({"ext_id": "old hand", "team": "red", "person": "p9"})
    repository = {"ext_id": "shop", "name": "git.example/acme/shop", "created_at": datetime(2025, 1, 1, tzinfo=UTC)}
    deployment = {
        "ext_id": "1", "repository": "shop", "status": "success", "sha": "c1", "changes": ["c0", "c1"],
        "finished_at": midnight + timedelta(hours=25),
    }  # fmt: skip
    place = {"source": "host", "scope": "shop"}
    return line(
        {
            "as_of": AS_OF,
            "given": [
                identities(10) | {"source": "host"},
                {"record": "Repository", "rows": [repository], **place},
                {"record": "Membership", "rows": memberships, **place},
                {
                    "record": "Change",
                    "rows": changes,
                    "covers": {"Change": datetime(2026, 1, 1, tzinfo=UTC)},
                    **place,
                },
                {"record": "Deployment", "rows": [deployment], **place},
            ],
        }
    )


def test_who_joined_and_has_not_merged_yet_counts_as_waiting(joined: Metrics) -> None:
    (first,) = joined.query("time_to_first_merge", **MARCH)
    assert (first.value, first.n, first.k) == (40.0, 7, 5)
    assert "open=2" in first.quality_flags
    (tenth,) = joined.query("time_to_tenth_merge", **MARCH)
    assert (tenth.value, tenth.n, tenth.k) == (None, 7, 1)
    assert tenth.reason == "not reached: 6 of 7 are still open"


def test_the_first_change_in_production_ends_the_third_wait(joined: Metrics) -> None:
    (cell,) = joined.query("time_to_first_deployment", **MARCH)
    assert (cell.n, cell.k) == (7, 2)


def test_a_team_that_fewer_than_five_joined_has_no_number_of_its_own(joined: Metrics) -> None:
    cells = joined.query("time_to_first_merge", by=["team"], **MARCH)
    assert [(cell.dimensions["team"], cell.n, cell.is_hidden) for cell in cells] == [("red", 5, False), (None, 0, True)]


def test_who_joined_when_is_listed_in_no_receipt(joined: Metrics) -> None:
    paper = joined.explain("time_to_first_merge", **MARCH)
    assert (paper.rows, paper.total_rows) == ((), 7)
