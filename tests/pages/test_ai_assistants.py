"""The page AI assistants says what the metrics API says, of five people at least, and claims no cause."""

from __future__ import annotations

from typing import Any

import pytest

from dxmetrics import numbers
from dxmetrics.metrics import Cell, Metrics, complete_weeks, people
from dxmetrics.metrics.statistics import proportion_difference
from dxmetrics.palette import LIGHT
from dxmetrics.project import Project
from dxmetrics.ui import charts
from dxmetrics.ui.assistants import figures, view, words
from dxmetrics.ui.assistants.view import Month, Rework, Spending, Team, View

from .conftest import NOW, OpenPage, cell, html

WINDOW = complete_weeks(13, NOW, "UTC")


# -- on the sample ----------------------------------------------------------------------------------------------------


def test_the_page_says_what_the_metrics_api_says(open_page: OpenPage, metrics: Metrics) -> None:
    app = open_page("ai_assistants")
    assert not app.exception
    assert [one.value for one in app.title] == ["AI assistants"]
    drawn = html(app)
    share = metrics.query("ai_assisted_changes", start=WINDOW.start, end=WINDOW.end)[0]
    assert f"{numbers.text(share.value, '%')} of merged changes are assisted" in drawn
    assert f"{share.k:,} of {share.n:,} merged changes" in drawn
    for side in ("assisted", "unassisted"):
        one = metrics.query("ai_change_rework", start=WINDOW.start, end=WINDOW.end, where={"assistance": [side]})[0]
        assert f"{one.k:,} of {one.n:,}" in drawn


def test_a_team_narrows_every_number_and_a_service_those_of_changes(open_page: OpenPage, metrics: Metrics) -> None:
    app = open_page("ai_assistants", team="Search")
    share = metrics.query("ai_assisted_changes", start=WINDOW.start, end=WINDOW.end, where={"team": ["Search"]})[0]
    assert f"{share.k:,} of {share.n:,} merged changes" in html(app)
    app = open_page("ai_assistants", service="search-api", receipt="ai_spend")
    assert not app.exception
    where = {"service": ["search-api"]}
    share = metrics.query("ai_assisted_changes", start=WINDOW.start, end=WINDOW.end, where=where)[0]
    assert f"{share.k:,} of {share.n:,} merged changes" in html(app)


def test_nobody_is_named(open_page: OpenPage, published: Project) -> None:
    everybody = people.directory(published.data, NOW.date())
    drawn = html(open_page("ai_assistants"))
    assert len(everybody.teams) > 50
    told = [*everybody.teams, *(address for one in everybody.addresses.values() for address in one)]
    assert not [who for who in told if who in drawn]


# -- its parts on invented cells --------------------------------------------------------------------------------------


def part(k: int, n: int) -> Cell:
    return cell(value=100 * k / n if n else None, n=n, k=k, unit="%", ci_low=1.0, ci_high=60.0)


def compared(k: int, n: int, other_k: int, other_n: int) -> Rework:
    return Rework(part(k, n), part(other_k, other_n), proportion_difference(k, n, other_k, other_n))


def test_rework_can_be_worse_better_or_not_told_apart() -> None:
    worse = compared(40, 100, 100, 1000).verdict
    assert worse.startswith("Worse: assistance is associated with 30.0 points more rework (95 %: +")
    assert compared(10, 1000, 100, 1000).verdict.startswith("Better: assistance is associated with 9.0 points less")
    assert compared(10, 100, 100, 1000).verdict.startswith("No difference detectable at this n")
    assert "cause" not in worse


def test_of_few_changes_no_difference_is_spoken_of() -> None:
    few = Rework(part(5, 19), part(10, 900), None)
    assert few.verdict == "No verdict: 19 assisted changes, a comparison needs 20 on each side."


def month(value: float, n: int, changes: int, **rest: Any) -> Month:
    return Month(cell(value=value, n=n, unit="money", **rest), changes)


def test_a_month_without_charges_or_changes_has_no_unit_cost() -> None:
    assert month(300.0, 30, 150).per_change == 2.0
    assert month(0.0, 0, 150).per_change is None
    assert month(300.0, 30, 0).per_change is None


def test_the_running_month_is_hollow_and_not_the_one_that_is_named() -> None:
    spending = Spending("EUR", (month(300.0, 30, 150), month(50.0, 10, 100, is_partial=True)), 0)
    assert spending.last is not None
    assert spending.last.per_change == 2.0
    figure = figures.cost(spending, LIGHT)
    assert figure["data"][0]["y"] == [2.0, 0.5]
    assert figure["data"][0]["marker"]["color"] == [LIGHT.bars, LIGHT.card]
    assert charts.validated(figure)


def seen(**changed: Any) -> View:
    weeks = (cell(0, 40.0, 50, k=20, unit="%"), cell(1, 50.0, 50, k=25, unit="%", is_partial=True))
    given: dict[str, Any] = {
        "weeks": weeks, "share": part(30, 100), "shares": weeks, "rework": compared(40, 100, 100, 1000),
        "spending": Spending("EUR", (month(300.0, 30, 150),), 0), "teams": (Team("Search", weeks[0], part(3, 10)),),
    }  # fmt: skip
    return View(**(given | changed))


def test_reach_is_of_the_last_complete_week_and_cost_of_the_last_complete_month() -> None:
    drawn = words.tiles(seen())
    assert "20 of 50 people, week of 7 Sep 2026" in drawn
    assert "2.00<small>EUR</small>" in drawn
    assert (
        words.answer(seen())
        == "40.0 % of 50 people used an assistant last week · 30.0 % of merged changes are assisted"
    )


def test_a_week_of_four_people_shows_nothing_of_them() -> None:
    few = seen(weeks=(cell(0, None, 4, unit="%", reason="fewer than 5 people"),))
    drawn = words.tiles(few)
    assert "no week with 5 people or more" in drawn
    assert figures.share(few.weeks, "people", LIGHT)["data"][0]["y"] == [None]


def test_teams_stand_in_the_order_they_are_given_with_n() -> None:
    drawn = words.teams(seen())
    assert "<td>Search</td>" in drawn
    assert "30.0 % · 3 of 10" in drawn


def test_a_share_is_drawn_with_its_last_complete_value() -> None:
    figure = figures.share(seen().weeks, "people", LIGHT)
    assert [note["text"] for note in figure["layout"]["annotations"]] == ["<b>40.0 %</b>"]
    assert figure["data"][0]["marker"]["color"] == [LIGHT.accent, LIGHT.card]
    assert charts.validated(figure)


@pytest.mark.parametrize(("share", "is_empty"), [(part(0, 100), True), (part(1, 100), False)])
def test_where_nothing_is_known_the_page_says_what_to_write(share: Cell, is_empty: bool) -> None:
    assert seen(weeks=(), share=share, spending=None, teams=()).is_empty is is_empty
    assert 'kind = "github_copilot"' in words.EXAMPLE
    assert view.last_week(()) is None
