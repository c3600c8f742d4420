"""The page Experience: what it says is what was published, and what must not be shown is nowhere on it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from streamlit.testing.v1 import AppTest

from dxmetrics import numbers
from dxmetrics.metrics import Cell as MetricCell
from dxmetrics.metrics import Definition, Metrics, Window
from dxmetrics.palette import LIGHT
from dxmetrics.project import Project
from dxmetrics.survey import Cell, Measure, Results, TeamNode
from dxmetrics.survey import read as published_surveys
from dxmetrics.survey.actions import Action
from dxmetrics.survey.read import Surveys
from dxmetrics.survey.results import Participation, Quote, Theme
from dxmetrics.ui import charts
from dxmetrics.ui.experience import actions, agreement, comments, figures, rows, scores
from dxmetrics.ui.experience.figures import Mark
from dxmetrics.ui.experience.rows import Row
from dxmetrics.ui.experience.view import View, order
from dxmetrics.ui.reading import Reading

from .conftest import OpenPage, html, page
from .conftest import cell as metric_cell

SURVEY = "devex-quarterly"
HIDDEN = "Data"  # the sample's team of which too few answer


@pytest.fixture
def surveys(published: Project) -> Surveys:
    return published_surveys.results(published.data)


# -- the page on the sample -------------------------------------------------------------------------------------------


def test_the_page_shows_the_scores_and_who_took_part_as_published(open_page: OpenPage, surveys: Surveys) -> None:
    app = open_page("experience")
    assert not app.exception
    assert [one.value for one in app.title] == ["Developer experience"]
    now, drawn = surveys.find(SURVEY), html(app)
    index, recommend = (published_surveys.cell(now, name) for name in ("devex", "recommend_v1"))
    assert index is not None
    assert recommend is not None
    assert f'{index.value}<small>of 100</small></div><div class="dx-note">n {index.n}, 95 %: {index.low} to ' in drawn
    assert f"{recommend.value}<small>from −100 to 100</small>" in drawn
    assert f"{now.answered} of {now.invited} people" in drawn
    assert "How is it to build software here?" in drawn


def test_every_item_is_a_row_the_least_favourable_first(open_page: OpenPage, surveys: Surveys) -> None:
    now = surveys.find(SURVEY)
    said = re.findall(r'aria-label="([^"]+): (\d+) %, 95 %', html(open_page("experience")))
    shares = [int(share) for words, share in said if words in {one.text["en"] for one in now.measures}]
    assert len(shares) == sum(one.kind == "likert" for one in now.measures) == 12
    assert shares == sorted(shares)


def test_the_address_picks_survey_and_wave(open_page: OpenPage, surveys: Surveys) -> None:
    app = open_page("experience", survey=SURVEY, wave="2026-Q2")
    assert not app.exception
    assert (app.selectbox(key="survey").value, app.selectbox(key="wave").value) == (SURVEY, "2026-Q2")
    index = published_surveys.cell(surveys.find(SURVEY, "2026-Q2"), "devex")
    assert index is not None
    assert f"{index.value}<small>of 100</small>" in html(app)


@pytest.mark.parametrize("survey", ["platform", "recommend"])
def test_a_survey_without_items_that_are_measured_is_shown_too(open_page: OpenPage, survey: str) -> None:
    app = open_page("experience", survey=survey)
    assert not app.exception
    assert app.selectbox(key="survey").value == survey
    assert "Said against measured" not in html(app)


def test_a_survey_and_a_wave_that_do_not_exist_open_the_newest(open_page: OpenPage) -> None:
    app = open_page("experience", survey="nonsense", wave="1999-Q1", measure="nothing", theme="none")
    assert not app.exception
    assert app.selectbox(key="survey").value == SURVEY
    assert app.selectbox(key="wave").value == "2026-Q3"


def test_choosing_another_survey_leaves_no_wave_of_the_former(open_page: OpenPage) -> None:
    app = open_page("experience", survey=SURVEY, wave="2026-Q2")
    app.selectbox(key="survey").set_value("recommend").run()
    assert not app.exception
    assert app.selectbox(key="wave").value in ("2026-Q3", "2026-Q4")


def test_a_hidden_team_has_a_row_with_words_and_no_number_anywhere(open_page: OpenPage, surveys: Surveys) -> None:
    now = surveys.find(SURVEY)
    assert not any(one.shown for one in now.cells if one.cut == "team" and one.key == HIDDEN)
    app = open_page("experience")
    drawn = html(app)
    assert re.search(rf'>{HIDDEN}</div><div class="dx-track plain"><i class="hidden first"[^>]*></i></div>', drawn)
    assert "Hidden: fewer than 5 answered" in drawn
    assert f'title="{HIDDEN}: ' not in drawn
    figures_drawn = [json.loads(one.proto.spec) for one in app.get("plotly_chart")]
    named = {name for figure in figures_drawn for trace in figure["data"] for name in trace.get("text", [])}
    assert "Mobile" in " ".join(named)
    assert HIDDEN not in " ".join(named)


def test_the_reader_chooses_what_is_shown_by_group(open_page: OpenPage, surveys: Surveys) -> None:
    text = "Reviews arrive soon enough to keep me going."
    app = open_page("experience", measure=text)
    search = published_surveys.cell(surveys.find(SURVEY), "review_speed_v1", "team", "Search")
    assert search is not None
    assert f"Search: {search.value} %, 95 %: {search.low} to {search.high}, n {search.n}" in html(app)
    app.segmented_control(key="cut").set_value("By time here").run()
    drawn = html(app)
    assert not app.exception
    assert drawn.index(">under 2 years<") < drawn.index(">2 to 5 years<") < drawn.index(">over 5 years<")


def test_a_team_that_is_fast_and_unhappy_is_named_with_both_numbers(
    open_page: OpenPage, surveys: Surveys, metrics: Metrics
) -> None:
    now = surveys.find(SURVEY)
    window = View.of(surveys, SURVEY).window("UTC")
    assert window == Window(date(2026, 6, 15), date(2026, 9, 14)), "the weeks before 14 September, its last day"
    value = metrics.query("time_to_first_review", start=window.start, end=window.end, where={"team": ["Search"]})[0]
    said = published_surveys.cell(now, "review_speed_v1", "team", "Search")
    assert said is not None
    drawn = html(open_page("experience"))
    told = drawn[drawn.index("Measured better than everybody, felt worse") :]
    measured = numbers.text(value.value, value.unit)
    assert f"<b>Search</b>: time to first review {measured}" in told
    assert f"{said.value} % favourable, the lowest" in told


def test_the_metric_behind_a_comparison_has_its_receipt(open_page: OpenPage) -> None:
    app = open_page("experience", receipt="time_to_first_review")
    assert not app.exception
    assert "Window" in html(app)
    assert "15 Jun to 13 Sep 2026" in html(app)


def test_comments_are_counted_by_theme_and_can_be_narrowed_to_one(open_page: OpenPage, surveys: Surveys) -> None:
    now = surveys.find(SURVEY)
    told = {theme.name: theme.count for theme in now.themes if theme.count is not None}
    app = open_page("experience", theme="Documentation")
    drawn = html(app)
    assert f"{now.comments} comments, {len(now.quotes)} of them may be shown" in drawn
    assert f"{told['Documentation']}</div>" in drawn
    quoted = re.findall(r"<p>(.*?)<small>(.*?)</small></p>", drawn)
    assert len(quoted) == sum("Documentation" in quote.themes for quote in now.quotes)
    assert all("Documentation" in themes for _, themes in quoted)


def test_what_was_done_is_shown_with_owner_and_date(open_page: OpenPage) -> None:
    drawn = html(open_page("experience"))
    assert "Delete every alert that nobody acted on in a quarter, then share the rota with ranking." in drawn
    assert re.search(r"planned, due 7 Dec 2026</span><small>Said in 2026-Q3: “[^”]+” · Search</small>", drawn)


def test_without_results_the_page_says_how_to_come_by_some(
    published: Project, tmp_path: Path, serve: Callable[[Path, Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "published").symlink_to(published.data / "published")
    monkeypatch.setattr(published_surveys, "results", lambda data: Surveys(()))
    serve(tmp_path, tmp_path)
    app = AppTest.from_file(page("experience"), default_timeout=60).run()
    assert not app.exception
    assert "No survey has results yet" in html(app)
    assert "dxmetrics survey open" in app.code[0].value


# -- its parts on invented results ------------------------------------------------------------------------------------


def shown(measure: str, value: int, low: int, high: int, team: str = "", n: str = "12") -> Cell:
    cut: Any = "team" if team else "all"
    return Cell(measure=measure, cut=cut, key=team, shown=True, n=n, value=value, low=low, high=high)


def unseen(measure: str, team: str) -> Cell:
    return Cell(measure=measure, cut="team", key=team, shown=False, reason="fewer than 5 answered")


ITEM = Measure(
    id="reviews", kind="likert", text={"de": "Reviews sind schnell.", "en": "Reviews are fast."}, unit="%",
    measured_by="time_to_first_review", metric_better="lower",
)  # fmt: skip
TEAMS = (
    TeamNode(name="North"), TeamNode(name="Fast", parent="North"), TeamNode(name="Slow", parent="North"),
    TeamNode(name="Even"), TeamNode(name="Tiny"),
)  # fmt: skip
CELLS = (
    shown("reviews", 50, 40, 60),
    shown("reviews", 55, 40, 70, "North"),
    shown("reviews", 20, 10, 35, "Fast"),
    shown("reviews", 80, 65, 90, "Slow"),
    shown("reviews", 52, 35, 69, "Even"),
    unseen("reviews", "Tiny"),
)


def results(cells: Sequence[Cell] = CELLS, **changed: Any) -> Results:
    given: dict[str, Any] = {
        "survey": "small", "version": 1, "wave": "2026-Q3", "title": {"en": "Small"}, "owner": None,
        "confidentiality": "confidential", "k_cell": 5, "opened_on": date(2026, 9, 1), "closed_on": date(2026, 9, 14),
        "invited": 40, "answered": 30, "languages": ("de", "en"), "teams": TEAMS,
        "tenures": ("2 to 5 years", "over 5 years", "under 2 years"), "participation": (), "measures": (ITEM,),
        "cells": tuple(cells), "comments": None, "quotes": (), "themes": (), "unusable": 0,
    }  # fmt: skip
    return Results(**(given | changed))


def view_of(*waves: Results) -> View:
    return View.of(Surveys(waves or (results(),)), "small")


@dataclass
class Measured:
    """A metric as `Reading` gives it: everybody's value, and the teams'."""

    teams: Mapping[str | None, MetricCell]
    everybody: MetricCell
    definition: Definition

    def once(self, question: object, ask: Callable[[], Any]) -> Any:
        return ask()

    def catalogue(self) -> tuple[Definition, ...]:
        return (self.definition,)

    def cells(self, name: str, start: date, end: date, where: object, by: Sequence[str] = ()) -> tuple[MetricCell, ...]:
        return tuple(self.teams.values()) if by else (self.everybody,)


def compared(metrics: Metrics, view: View, hours: Mapping[str, tuple[float, float, float]]) -> agreement.Comparison:
    """The item against hours by team, given as value and interval, where everybody's value is 10."""
    cells: dict[str | None, MetricCell] = {
        team: metric_cell(value=value, ci_low=low, ci_high=high, dimensions={"team": team})
        for team, (value, low, high) in hours.items()
    }
    read = cast("Reading", Measured(cells, metric_cell(value=10.0), metrics.definition("time_to_first_review")))
    (found,) = agreement.comparisons(read, view, view.window("UTC"))
    return found


HOURS = {
    "North": (5.0, 4.0, 6.0),
    "Fast": (2.0, 1.0, 3.0),
    "Slow": (30.0, 8.0, 50.0),
    "Even": (11.0, 9.0, 12.0),
    "Tiny": (1.0, 0.5, 2.0),
}


def test_a_text_is_in_the_pages_language_else_in_the_surveys_first() -> None:
    assert view_of().said(ITEM.text) == "Reviews are fast."
    assert view_of().said({"fr": "Vite", "de": "Schnell"}) == "Schnell"


def test_teams_stand_below_the_one_above_and_only_those_at_the_bottom_are_compared() -> None:
    assert view_of().teams == (("North", 0), ("Fast", 1), ("Slow", 1), ("Even", 0), ("Tiny", 0))
    assert view_of().leaves == {"Fast", "Slow", "Even", "Tiny"}


def test_the_survey_with_most_items_that_are_measured_comes_first() -> None:
    plain = results(survey="plain", measures=(ITEM.model_copy(update={"measured_by": None}),))
    assert order(Surveys((plain, results()))) == ["small", "plain"]


def test_who_disagrees_with_the_numbers_is_told_and_whether_it_may_be_chance(metrics: Metrics) -> None:
    found = agreement.findings([compared(metrics, view_of(), HOURS)])
    assert [(finding.team, finding.apart, finding.is_clear) for _, finding in found] == [
        ("Fast", "felt worse", True),
        ("Even", "felt better", False),
        ("Slow", "felt better", False),
    ], "the interval of Slow's hours reaches what everybody has"
    fast = found[0][1]
    assert fast.measured == "time to first review 2.0 h, the shortest; everybody 10.0 h"
    assert fast.said == "20 % favourable, the lowest; everybody 50 %"
    assert "1 clear contradiction between a team and its numbers" in agreement.summary(found)


def test_a_hidden_team_and_one_above_others_are_in_no_comparison(metrics: Metrics) -> None:
    found = compared(metrics, view_of(), HOURS)
    assert [spot.team for spot in found.spots] == ["Even", "Fast", "Slow"]
    assert found.missing == ("Tiny",)
    figure = figures.agreement(found, LIGHT)
    assert "Tiny" not in json.dumps(figure)
    assert charts.validated(figure)


def test_two_teams_are_too_few_to_compare(metrics: Metrics) -> None:
    with pytest.raises(ValueError, match="unpack"):
        compared(metrics, view_of(), {team: HOURS[team] for team in ("Fast", "Slow")})


def test_hours_that_differ_much_are_on_a_logarithmic_axis(metrics: Metrics) -> None:
    near = {"Fast": (9.0, 8.0, 10.0), "Slow": (14.0, 12.0, 16.0), "Even": (11.0, 9.0, 12.0)}
    far = compared(metrics, view_of(), HOURS)
    assert figures.agreement(far, LIGHT)["layout"]["xaxis"]["type"] == "log"
    assert "type" not in figures.agreement(compared(metrics, view_of(), near), LIGHT)["layout"]["xaxis"]


def test_disagreement_is_tinted_where_better_is_higher_too(metrics: Metrics) -> None:
    view = view_of(results(measures=(ITEM.model_copy(update={"metric_better": "higher"}),)))
    found = compared(metrics, view, HOURS)
    assert {spot.team: spot.apart for spot in found.spots} == {"Even": None, "Fast": None, "Slow": None}
    tints = [shape for shape in figures.agreement(found, LIGHT)["layout"]["shapes"] if shape["type"] == "rect"]
    assert [(tint["x0"] == 10.0, tint["y1"] == 50) for tint in tints] == [(True, True), (False, False)]


def test_a_change_has_an_arrow_only_where_it_is_more_than_noise() -> None:
    before = results([shown("reviews", 20, 15, 26)], wave="2026-Q2", closed_on=date(2026, 6, 14))
    view = view_of(results([shown("reviews", 60, 52, 68)]), before)
    cell = view.cell(ITEM)
    assert cell is not None
    assert '<b class="good">▲ 40 points</b> since 2026-Q2' in rows.change(view, cell, ITEM)
    option = ITEM.model_copy(update={"kind": "choice"})
    assert '<b class="">▲ 40 points</b>' in rows.change(view, cell, option)
    still = view_of(results([shown("reviews", 22, 15, 30)]), before)
    cell = still.cell(ITEM)
    assert cell is not None
    assert rows.change(still, cell, ITEM) == '<div class="dx-change">within noise since 2026-Q2</div>'
    first = view_of()
    assert rows.change(first, CELLS[0], ITEM) == ""


def test_a_row_places_dot_and_interval_and_keeps_hidden_teams_off_the_scale() -> None:
    drawn = rows.drawn([Row("Reviews <fast>", CELLS[0], teams=CELLS[2:])], "%", (0, 100))
    assert 'class="range" style="left:40.0%;width:20.0%"' in drawn
    assert 'class="dot" style="left:50.0%"' in drawn
    assert re.findall(r'class="team" style="left:([\d.]+)%" title="([^"]+)"', drawn) == [
        ("20.0", "Fast: 20 %"), ("80.0", "Slow: 80 %"), ("52.0", "Even: 52 %"),
    ]  # fmt: skip
    assert '<i class="hidden last" title="Hidden: Tiny"></i>' in drawn
    assert "Reviews &lt;fast&gt;" in drawn
    assert "<fast>" not in drawn


def test_a_recommend_score_is_placed_between_minus_100_and_100() -> None:
    score = Measure(id="recommend", kind="recommend", text={"en": "Recommend?"}, unit="points")
    drawn = rows.drawn([Row("Everybody", shown("recommend", -50, -70, -30))], "points", rows.scale_of(score))
    assert 'class="dot" style="left:25.0%"' in drawn
    assert "<b>-50</b>" in drawn


def test_a_score_that_is_hidden_says_why() -> None:
    index = Measure(id="devex", kind="index", text={"en": "DevEx Index"}, unit="points")
    hidden = Cell(measure="devex", cut="all", key="", shown=False, reason="the items do not measure one thing here")
    drawn = scores.face(view_of(results([hidden], measures=(index,))), index)
    assert "the items do not measure one thing here" in drawn
    assert 'dx-value none">–' in drawn


def test_participation_below_half_is_doubtful_and_a_team_of_few_has_no_number() -> None:
    told = (
        Participation(team=None, invited=40, answered=19, shown=True),
        Participation(team="Fast", invited=10, answered=4, shown=True),
        Participation(team="Tiny", invited=None, answered=None, shown=False),
    )
    now = results(participation=told)
    assert scores.is_doubtful(now)
    assert not scores.is_doubtful(results(participation=()))
    assert scores.low_teams(now) == ["Fast"]
    drawn = scores.participation_rows(view_of(now))
    assert "40 % · 4 of 10" in drawn
    assert drawn.index(">Tiny</div>") < drawn.index("hidden first")


def test_comments_of_few_are_not_counted_and_markup_in_them_is_text() -> None:
    themes = (Theme(name="Builds", count=7), Theme(name="Praise", count=None))
    quotes = (Quote(item="why", text="<script>alert(1)</script>", themes=("Builds",)),)
    now = results(comments=12, quotes=quotes, themes=themes)
    assert "Of fewer than 5 comments each: Praise" in comments.themes(now)
    assert "&lt;script&gt;" in comments.quotes(now, None)
    assert "<script>" not in comments.quotes(now, None)
    assert "<p>" not in comments.quotes(now, "Praise")


@pytest.mark.parametrize(
    ("status", "due_on", "words"),
    [
        ("planned", date(2026, 12, 8), "planned, due 8 Dec 2026"),
        ("doing", date(2026, 11, 8), "doing, overdue since 8 Nov 2026"),
        ("done", date(2026, 11, 8), "done 8 Nov 2026"),
        ("planned", None, "planned"),
    ],
)
def test_an_action_says_its_state_with_the_date(status: Any, due_on: date | None, words: str) -> None:
    one = Action(
        survey="small", wave="2026-Q3", theme=None, said="Slow <CI>", did="More runners", owner="Platform",
        due_on=due_on, status=status,
    )  # fmt: skip
    assert actions.when(one, date(2026, 11, 25)) == words
    assert "Slow &lt;CI&gt;" in actions.drawn([one], date(2026, 11, 25))


def test_a_wave_with_little_to_show_is_shown_all_the_same(
    published: Project, tmp_path: Path, serve: Callable[[Path, Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    option = Measure(id="tool.editor", kind="choice", text={"en": "An editor"}, unit="%")
    cells = [CELLS[0], shown("tool.editor", 33, 20, 48)]
    bare = results(cells, measures=(ITEM, option), teams=(), tenures=(), answered=None, invited=None, unusable=7)
    (tmp_path / "published").symlink_to(published.data / "published")
    monkeypatch.setattr(published_surveys, "results", lambda data: Surveys((bare,)))
    serve(tmp_path, tmp_path)
    app = AppTest.from_file(page("experience"), default_timeout=60).run()
    assert not app.exception
    drawn = html(app)
    assert "An editor: 33 %, 95 %: 20 to 48" in drawn
    assert "How many were asked is not known" in drawn
    assert "Said against measured" not in drawn
    assert any("shown for everybody together only" in one.value for one in app.caption)
    assert any("7 answers on no point" in one.value for one in app.caption)
    assert "survey: small" in app.code[0].value


def test_a_trend_has_a_gap_where_a_wave_is_hidden_and_room_for_its_intervals() -> None:
    marks = [Mark("2026-Q1", 60, 55, 65), Mark("2026-Q2", None), Mark("2026-Q3", 62, 59, 66)]
    figure = figures.trend(marks, "2026-Q1", "", LIGHT)
    trace = figure["data"][0]
    assert trace["y"] == [60, None, 62]
    assert trace["error_y"]["array"] == [5, 0, 4]
    assert trace["marker"]["color"] == [LIGHT.accent, LIGHT.card, LIGHT.card], "the wave that is looked at is filled"
    low, high = figure["layout"]["yaxis"]["range"]
    assert low < 55 < 66 < high
    assert charts.validated(figure)


def test_the_window_is_the_quarter_before_a_wave_closed() -> None:
    window = view_of().window("Europe/Berlin")
    assert window.end == date(2026, 9, 14)
    assert window.end - window.start == timedelta(weeks=13)
