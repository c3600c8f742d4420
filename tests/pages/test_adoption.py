"""The page Adoption: what is reached, by which teams, where it stops; and never so few people that they are known."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dxmetrics.metrics import FEW_PEOPLE, Cell, Metrics, complete_weeks
from dxmetrics.metrics.people import directory
from dxmetrics.palette import LIGHT
from dxmetrics.project import Project
from dxmetrics.settings import resolve
from dxmetrics.survey.read import Surveys
from dxmetrics.ui import reading
from dxmetrics.ui.adoption import activity, funnel, matrix, onboarding, people, reach, requests, retention, templates
from dxmetrics.ui.adoption.funnel import Step, Stuck
from dxmetrics.ui.adoption.matrix import Spot
from dxmetrics.ui.adoption.onboarding import Wait
from dxmetrics.ui.adoption.reach import Reach
from dxmetrics.ui.adoption.retention import Cohort, Week
from dxmetrics.ui.adoption.templates import Behind
from dxmetrics.ui.experience import view as experience

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


HIDDEN = cell(value=None, n=0, unit="%", reason=FEW_PEOPLE)


def test_a_share_of_fewer_than_five_people_is_hidden_and_of_as_few_services_is_not() -> None:
    few = reach.drawn([Reach("Chat", "person", False, HIDDEN, share(3, 60), None)])
    assert "</i>fewer than 5 people</div>" in few
    assert "</i>fewer than 5 people of 60</div>" in few
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


def test_a_cohort_is_a_row_of_shares_and_the_running_week_is_hollow() -> None:
    drawn = retention.drawn([Cohort("Aug 2026", 8, (Week(0, 8, 8), Week(1, 6, 8), Week(2, 2, 8, is_running=True)))])
    assert 'style="--share:0.75" title="6 of 8 active 1 week after they began">75</td>' in drawn
    assert 'class="running" title="2 of 8 active 2 weeks after they began; this week still runs">25</td>' in drawn


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
    assert "75.0 %</div>" in drawn


def test_a_week_of_too_few_people_has_no_bar_and_an_empty_one_is_zero() -> None:
    weeks = [cell(0, 12.0, 12), cell(1, None, 0, reason=FEW_PEOPLE), cell(2, 0.0, 0), cell(3, 7.0, 7, is_partial=True)]
    figure = activity.weekly(weeks, LIGHT)
    assert figure["data"][0]["y"] == [12.0, 0.0, 7.0]
    assert figure["data"][0]["marker"]["color"][-1] == LIGHT.card
    assert activity.hidden(weeks) == 1
    assert [shape["x0"] < "2026-09-14" < shape["x1"] for shape in figure["layout"]["shapes"]] == [True]


def test_few_are_one_to_four_people() -> None:
    assert [people.is_few(count) for count in (0, 1, 4, 5)] == [False, True, True, False]


def test_waits_of_services_and_people_stand_on_one_scale_and_say_how_many_are_there() -> None:
    waits = (
        Wait("All", cell(value=50.0, n=8, k=5)),
        Wait("From nothing", cell(value=None, n=2, reason="not enough data: 2 services, a median needs 3")),
        Wait("first merged change", cell(value=100.0, n=12, k=12, ci_low=60.0, ci_high=200.0), of_people=True),
        Wait("tenth merged change", HIDDEN, of_people=True),
    )
    drawn = onboarding.drawn(waits)
    assert "All<small>5 of 8</small>" in drawn
    assert 'style="width:50.0%"' in drawn
    assert "From nothing<small>not enough data: 2 services, a median needs 3</small>" in drawn
    assert "12 of 12, 95 %: 2.5 to 8.3 d" in drawn
    assert 'title="fewer than 5 people"></i></div><div class="dx-said none">hidden' in drawn
    assert (
        drawn.index("New services") < drawn.index("All") < drawn.index("People who join") < drawn.index("first merged")
    )


def test_templates_tell_what_begins_from_one_and_who_is_furthest_behind() -> None:
    lag = cell(value=1.0, n=21, unit="versions")
    assert templates.summary(share(6, 8), lag) == (
        "75.0 % of services made in the last year began from one (6 of 8); "
        "a service is 1 version behind it in the median (n 21)"
    )
    assert templates.summary(share(0, 0), cell(value=None, n=0)) == "No service was made in the last year"
    assert templates.summary(cell(value=None, n=3), lag).startswith("Not known which services have one; ")
    found = [Behind(f"s{place}", None, "2", place) for place in range(1, 11)]
    rows = templates.listing(found)
    assert [row["Service"] for row in rows] == [f"s{place}" for place in range(10, 2, -1)]
    assert rows[0] == {"Service": "s10", "Team": "no owner", "Has version": "2", "Behind": "10 versions"}
    known = templates.listing([Behind("old", "Web", "1.2", 3, 410)])
    assert known[0]["Behind"] == "3 versions, 410 days"
    assert templates.rest(found, lag) == "2 more services behind; 11 services on the newest version."


def test_stickiness_is_told_with_what_it_rests_on() -> None:
    said = activity.sticky(cell(value=30.0, n=400, unit="%", ci_low=28.0, ci_high=32.0))
    assert said.startswith(
        "Stickiness 30.0 %: on a workday so many of the 400 people of the last four weeks use it (95 %:"
    )
    assert activity.sticky(HIDDEN) == "Stickiness is not known: fewer than 5 people."


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
    assert len([one for one in weeks if one.value is not None]) == len(activity.weekly(weeks, LIGHT)["data"][0]["y"])


def test_what_is_new_falls_behind_and_is_said_stands_on_the_page(open_page: OpenPage, metrics: Metrics) -> None:
    drawn = html(open_page("adoption"))
    start, end = LAST_WEEK.end - timedelta(weeks=52), LAST_WEEK.end + timedelta(weeks=1)
    (first,) = metrics.query("time_to_first_merge", start=start, end=end)
    assert f"{first.k} of {first.n}, 95 %: " in drawn
    behind = [row for row in metrics.explain("template_lag", limit=1000).rows if row["measure"]]
    worst = max(behind, key=lambda row: (row["measure"], row["service"]))
    assert behind
    assert f"<td>{worst['template_version']}</td>" in drawn
    assert "What people say of the platform" in drawn
    assert "Recommend score (NPS-style)<small>from −100 to 100, " in drawn


def test_where_nobody_was_asked_the_page_says_how_to_ask(
    open_afresh: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(experience, "results", lambda _: Surveys([]))
    app = open_afresh("adoption")
    assert not app.exception
    assert "dxmetrics survey open recommend" in app.code[-1].value


def test_an_unknown_capability_in_the_address_opens_the_first(open_page: OpenPage, published: Project) -> None:
    app = open_page("adoption", capability="nonsense")
    assert not app.exception
    assert app.selectbox(key="capability").value == published.settings.capabilities[0].title


def test_no_number_of_one_to_four_people_is_on_the_page(open_page: OpenPage, published: Project) -> None:
    for one in published.settings.capabilities:
        drawn = html(open_page("adoption", capability=one.title))
        assert not re.search(r">[1-4](?: of [\d,]+)? people", drawn), one.name
        assert not re.search(r'<th>\w{3} \d{4}</th><td class="number">[0-4]</td>', drawn), one.name


OF_PEOPLE = {
    "active_users", "ai_reach", "market_share", "market_share_of_all", "retention", "stickiness", "time_to_first_merge",
    "time_to_first_deployment", "time_to_tenth_merge",
}  # fmt: skip


def test_no_metric_of_people_tells_of_fewer_than_five_or_lists_one(metrics: Metrics) -> None:
    found = [one for one in metrics.catalogue() if one.is_of_people]
    assert {one.name for one in found} == OF_PEOPLE
    for one in found:
        where = {"unit": ["person"]} if "unit" in one.dimensions else {}
        cells = metrics.query(one.name, period="week", by=["team"], where=where)
        assert cells, one.name
        assert not [cell for cell in cells if people.is_few(cell.n)], one.name
        assert metrics.explain(one.name, where=where).rows == (), one.name


def test_a_receipt_of_people_says_that_they_are_counted_and_not_listed(open_page: OpenPage) -> None:
    app = open_page("adoption", receipt="active_users")
    assert not app.exception
    assert "They are people: counted, and never listed" in html(app)


@pytest.mark.parametrize("name", ["adoption", "standards", "does_it_help", "cost", "ai_assistants"])
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
