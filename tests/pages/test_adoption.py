"""The page Adoption: what is reached, by which teams, where it stops; and never so few people that they are known."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dxmetrics.metrics import Cell, Metrics, complete_weeks
from dxmetrics.metrics.people import directory
from dxmetrics.palette import LIGHT
from dxmetrics.project import Project
from dxmetrics.settings import resolve
from dxmetrics.ui import reading
from dxmetrics.ui.adoption import activity, funnel, matrix, people, reach, requests, retention
from dxmetrics.ui.adoption.funnel import Step, Stuck
from dxmetrics.ui.adoption.matrix import Spot
from dxmetrics.ui.adoption.reach import Reach
from dxmetrics.ui.adoption.retention import Cohort, Week

from .conftest import NOW, OpenPage, cell, html

TITLES = {"golden-path": "Golden path", "preview": "Preview environments"}
LAST_WEEK = complete_weeks(1, NOW, "UTC")
STEPS = (Step("Scaffold", 20, 20), Step("First build", 18, 20, 3.0), Step("First production", 9, 18, 96.0))


def share(k: int, n: int) -> Cell:
    return cell(value=100 * k / n if n else None, n=n, k=k, unit="%", reason=None if n else "nobody is eligible")


def reached(title: str, k: int, n: int, **rest: Any) -> Reach:
    of_all = share(k, 2 * n)
    return Reach(title, rest.get("unit", "service"), rest.get("is_mandated", False), share(k, n), of_all, None)


def test_reach_is_shown_against_each_denominator_with_what_was_counted() -> None:
    drawn = reach.drawn([reached("Golden path", 30, 48)])
    assert "<b>62.5 %</b><small>30 of 48 services</small>" in drawn
    assert "30 of 96 services" in drawn
    assert "does not apply" in drawn


def test_the_least_reach_comes_first_and_what_nobody_could_use_says_so() -> None:
    drawn = reach.drawn([reached("Most", 9, 10), reached("None", 0, 0), reached("Least", 1, 10)])
    assert drawn.index("Least") < drawn.index("Most") < drawn.index("None")
    assert "nobody is eligible" in drawn


def test_what_is_mandated_is_marked_and_left_out_of_the_finding() -> None:
    reaches = [reached("Rule", 10, 10, is_mandated=True), reached("Path", 6, 10), reached("Preview", 2, 10)]
    assert 'class="dx-badge">mandated' in reach.drawn(reaches)
    assert reach.summary(reaches).startswith("Of what people may choose, Path reaches 60 % of those eligible and ")


def test_a_share_of_fewer_than_five_people_is_hidden_and_of_as_few_services_is_not() -> None:
    few = reach.drawn([reached("Chat", 1, 4, unit="person")])
    assert "</i>fewer than 5 people</div>" in few
    assert "1 of 4" not in few
    assert "</i>fewer than 5 people of 60</div>" in reach.drawn([reached("Chat", 3, 60, unit="person")])
    assert "1 of 4 services" in reach.drawn([reached("Path", 1, 4)])


def test_the_matrix_says_each_state_in_a_word_and_counts_no_people_of_a_small_team() -> None:
    spots = [
        Spot("Search", "golden-path", "adopted", 6),
        Spot("Data", "golden-path", "trial", 2),
        Spot("Data", "preview", "lapsed"),
    ]
    drawn = matrix.drawn(spots, TITLES)
    assert '<i class="mark adopted"></i>adopted<small>6 people</small>' in drawn
    assert '<i class="mark trial"></i>trial</td>' in drawn
    assert '<i class="mark lapsed"></i>lapsed' in drawn
    assert "not eligible" in drawn
    assert drawn.index("Data") < drawn.index("Search")
    assert matrix.summary(spots) == ("1 of 2 teams have adopted at least one capability; 1 team left one again")


def test_a_small_cohort_is_hidden_and_the_running_week_is_hollow() -> None:
    cohorts = [
        Cohort("Aug 2026", 8, (Week(0, 8, 8), Week(1, 6, 8), Week(2, 2, 8, is_running=True))),
        Cohort("Sep 2026", 3, (Week(0, 3, 3), Week(1, 1, 3))),
    ]
    drawn = retention.drawn(cohorts)
    assert 'style="--share:0.75" title="6 of 8 active 1 week after they began">75</td>' in drawn
    assert 'class="running" title="2 of 8 active 2 weeks after they began; this week still runs">25</td>' in drawn
    assert "Hidden, fewer than 5 people each: Sep 2026" in drawn
    assert "1 of 3" not in drawn


def test_the_funnel_shows_conversion_and_time_and_names_where_most_are_lost() -> None:
    drawn = funnel.drawn(STEPS)
    assert "90 % of the step before, median 3.0 h" in drawn
    assert "50 % of the step before, median 4.0 d" in drawn
    assert funnel.narrowest(STEPS) == STEPS[2]
    assert funnel.summary(STEPS, ()) == "Most are lost before first production: 9 of 18 get there"
    assert funnel.summary(STEPS[:1], ()) == "Of services made in the last year, every one arrives"


def test_why_some_are_not_eligible_stands_beside_the_share() -> None:
    one = Reach("Path", "service", False, share(1, 2), None, None, {"a vendor runs it": 3})
    assert "<small>Not eligible: 3 (a vendor runs it)</small>" in reach.drawn([one])


def test_who_is_stuck_is_a_service_and_its_team_the_longest_first() -> None:
    rows = funnel.listing([Stuck("web", "Search", "Scaffold", 12.0), Stuck("old", None, "First build", 40.0)])
    assert rows[0] == {
        "Service": "old", "Team": "no owner", "Waits before": "First build", "For": "40.0 d",
    }  # fmt: skip


def test_self_service_is_told_against_tickets() -> None:
    cells = [("Golden path", share(45, 60))]
    assert requests.summary(cells) == "75 % of 60 requests needed nobody else; 15 tickets did"
    drawn = requests.drawn(cells, {"Golden path": cell(value=20.0)})
    assert "45 alone, 15 tickets, 20.0 h each" in drawn
    assert "<b>75.0 %</b>" in drawn


def test_a_week_of_too_few_people_has_no_bar_and_an_empty_one_is_zero() -> None:
    weeks = [cell(0, 12.0, 12), cell(1, 4.0, 4), cell(2, 0.0, 0), cell(3, 7.0, 7, is_partial=True)]
    figure = activity.weekly(weeks, LIGHT)
    assert figure["data"][0]["y"] == [12.0, 0.0, 7.0]
    assert figure["data"][0]["marker"]["color"][-1] == LIGHT.card
    assert activity.hidden(weeks) == 1
    assert [shape["x0"] < "2026-09-14" < shape["x1"] for shape in figure["layout"]["shapes"]] == [True]


def test_few_are_one_to_four_people() -> None:
    assert [people.is_few(count) for count in (0, 1, 4, 5)] == [False, True, True, False]


# -- the page on the sample -------------------------------------------------------------------------------------------


def test_the_page_shows_each_capability_with_the_share_the_metrics_api_gives(
    open_page: OpenPage, metrics: Metrics, published: Project
) -> None:
    app = open_page("adoption")
    assert not app.exception
    assert [one.value for one in app.title] == ["Adoption of the platform"]
    drawn = html(app)
    shares = metrics.query("market_share", start=LAST_WEEK.start, end=LAST_WEEK.end, by=["capability"])
    of_services = {one.name for one in published.settings.capabilities if one.unit == "service"}
    told = [f"{one.k:,} of {one.n:,} services" for one in shares if one.dimensions["capability"] in of_services]
    assert told
    assert all(words in drawn for words in told)
    assert all(one.title in drawn for one in published.settings.capabilities)


def test_every_team_has_its_state_in_words(open_page: OpenPage, metrics: Metrics) -> None:
    drawn = html(open_page("adoption"))
    by = ["capability", "team", "state"]
    cells = metrics.query("team_adoption", start=LAST_WEEK.start, end=LAST_WEEK.end, by=by)
    known = [str(one.dimensions["state"]) for one in cells if one.n]
    assert sorted(re.findall(r'<td><i class="mark (\w+)"></i>\1', drawn)) == sorted(known)


def test_the_address_chooses_the_capability_and_its_weeks_are_drawn(
    open_page: OpenPage, metrics: Metrics, published: Project
) -> None:
    chosen = published.settings.capabilities[-1]
    app = open_page("adoption", capability=chosen.title)
    assert not app.exception
    assert app.selectbox(key="capability").value == chosen.title
    assert f"{chosen.title}: people a week" in html(app)
    start = LAST_WEEK.end - timedelta(weeks=13)
    weeks = metrics.query(
        "active_users",
        period="week",
        start=start,
        end=LAST_WEEK.end + timedelta(weeks=1),
        where={"capability": [chosen.name]},
    )
    assert len([one for one in weeks if not people.is_few(one.n)]) == len(activity.weekly(weeks, LIGHT)["data"][0]["y"])


def test_an_unknown_capability_in_the_address_opens_the_first(open_page: OpenPage, published: Project) -> None:
    app = open_page("adoption", capability="nonsense")
    assert not app.exception
    assert app.selectbox(key="capability").value == published.settings.capabilities[0].title


def test_no_number_of_one_to_four_people_is_on_the_page(open_page: OpenPage, published: Project) -> None:
    for one in published.settings.capabilities:
        drawn = html(open_page("adoption", capability=one.title))
        assert not re.search(r">[1-4](?: of [\d,]+)? people", drawn), one.name
        assert not re.search(r'<th>\w{3} \d{4}</th><td class="number">[0-4]</td>', drawn), one.name


@pytest.mark.parametrize("name", ["adoption", "standards"])
def test_nobody_is_named(open_page: OpenPage, published: Project, name: str) -> None:
    everybody = directory(published.data, NOW.date())
    named = {address for addresses in everybody.addresses.values() for address in addresses} | set(everybody.teams)
    drawn = html(open_page(name))
    assert named
    assert not [one for one in named if one in drawn]


def test_without_a_declared_capability_the_page_says_what_to_write(
    open_page: OpenPage, published: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = replace(published, settings=published.settings.model_copy(update={"capabilities": ()}))
    monkeypatch.setattr(reading, "project", lambda: bare)
    app = open_page("adoption")
    assert not app.exception
    assert "No capability is declared yet" in html(app)
    written = tomllib.loads(app.code[0].value)
    assert resolve(written, {}).capabilities[0].title == "Golden path"
