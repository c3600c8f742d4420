"""The built-in surveys are sound, and the sample organisation answers them with the stories it promises."""

from __future__ import annotations

import math
import re
import tomllib
from collections import defaultdict
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from dxmetrics import collectors
from dxmetrics.collectors import Context
from dxmetrics.project import Project, builtin_root
from dxmetrics.records import SurveyResponse, Team
from dxmetrics.survey import Cell, Facts, Results, TeamNode, evaluation, instrument, library, read, themes
from dxmetrics.survey.answers import Comment, Response
from dxmetrics.survey.instrument import Instrument

collectors.extend_path([builtin_root() / "collectors"])
ROOT = builtin_root()
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
SURVEYS = ("after-deployment", "devex-quarterly", "platform", "recommend")
TEAMS = ("data", "identity", "mobile", "payments", "platform", "search")
BEFORE, NEWEST = "2026-Q2", "2026-Q3"
NPS = "registered marks of Bain & Company, Satmetrix Systems (NICE) and Fred Reichheld"

Row = dict[str, Any]


@cache
def instruments() -> dict[str, Instrument]:
    return library.of_project(Project.sample(ROOT, {}))


@cache
def sample() -> tuple[dict[tuple[str, str], list[Row]], frozenset[str]]:
    """The responses of the sample organisation by survey and wave, and its teams."""
    kind = collectors.load("sample")
    source = kind("sample", kind.Settings.model_validate({"kind": "sample"}), Context(now=lambda: NOW, folder=Path()))
    rows: dict[tuple[str, str], list[Row]] = defaultdict(list)
    teams: set[str] = set()
    for page in source.collect(next(iter(source.scopes())), None):
        teams.update(row["ext_id"] for row in page.rows.get(Team, ()))
        for row in page.rows.get(SurveyResponse, ()):
            rows[row["survey"], row["wave"]].append(dict(row))
    return rows, frozenset(teams)


@cache
def computed(survey: str, wave: str) -> Results:
    """The results of a wave of the sample."""
    rows = sample()[0][survey, wave]
    responses = [Response(row["submitted_on"], row["team"], row["cohort"], codes(row), row["language"]) for row in rows]
    facts = Facts(
        wave=wave, opened_on=date(2026, 9, 1), closed_on=date(2026, 9, 28),
        teams=[TeamNode(name=team) for team in TEAMS], team_of=lambda team: team, invited=None,
        themes=themes.load(ROOT / "data/seeds/survey_themes.toml"),
    )  # fmt: skip
    said = [
        Comment(one["item"], one["text"], may_share=one["may_share"])
        for row in rows for one in row["answers"] if "text" in one
    ]  # fmt: skip
    return evaluation.compute(instruments()[survey], facts, responses, said)


def codes(row: Row) -> dict[str, int]:
    return {one["item"]: one["number"] for one in row["answers"] if "number" in one}


def words(row: Row) -> dict[str, str]:
    return {one["item"]: one["text"] for one in row["answers"] if "text" in one}


def cell(survey: str, wave: str, measure: str, key: str = "") -> Cell:
    found = computed(survey, wave).cells
    return next(one for one in found if (one.measure, one.key) == (measure, key))


# The files


def test_the_built_in_surveys_are_there_and_fit_together() -> None:
    assert tuple(instruments()) == SURVEYS


@pytest.mark.parametrize("survey", SURVEYS)
def test_a_survey_speaks_four_languages_in_words_of_their_own(survey: str) -> None:
    asked = instruments()[survey]
    assert asked.survey.languages == ("en", "de", "fr", "es")
    for text in (asked.survey.title, *(item.text for item in asked.items)):
        assert len({text.of(language) for language in asked.survey.languages}) == 4


@pytest.mark.parametrize("survey", SURVEYS)
def test_a_question_is_read_at_a_glance(survey: str) -> None:
    asked = instruments()[survey]
    long = [item.text.of(language) for item in asked.items for language in asked.survey.languages]
    assert [text for text in long if len(text) > 76] == []


def test_the_quarterly_survey_asks_for_feedback_load_and_flow_in_a_dozen_items() -> None:
    items = instruments()["devex-quarterly"].items
    by_dimension: dict[str | None, int] = defaultdict(int)
    for item in items:
        by_dimension[item.dimension] += item.index == "devex"
    assert by_dimension == {"feedback": 5, "load": 4, "flow": 3, None: 0}
    assert [item.id for item in items if item.reverse] == ["unplanned_v1"]
    assert [item.id for item in items if item.index is None] == ["recommend_v1", "fix_first_v1"]


def test_what_is_set_against_a_measurement_names_a_metric_that_reads_the_same_way() -> None:
    better = {
        file.stem: re.search(r'^better +=+ "(\w+)"', file.read_text(), re.MULTILINE)
        for file in (ROOT / "sql/metrics").glob("*/*.sql")
    }
    measured = {item.id: item.measured for asked in instruments().values() for item in asked.items if item.measured}
    assert len(measured) == 7
    for name, one in measured.items():
        found = better[one.metric]
        assert found is not None, name
        assert found[1] == one.better, name


def test_words_of_others_are_credited_where_they_are_asked_and_where_they_are_shown() -> None:
    platform = instruments()["platform"]
    adapted = [item.source for item in platform.items if item.source.name != instrument.OWN]
    assert len(adapted) == 11
    assert {(one.name, one.licence, one.modified) for one in adapted} == {("DORA 2025", "CC-BY-4.0", True)}
    assert platform.survey.intro is not None
    for language in platform.survey.languages:
        assert "DORA, dora.dev, CC BY 4.0" in platform.survey.intro.of(language)
    assert "CC-BY-4.0" in (computed("platform", "2026-Q4").attribution or "")


def test_a_recommend_score_comes_with_the_owners_of_its_marks() -> None:
    scores = [item for asked in instruments().values() for item in asked.items if item.type == "recommend"]
    assert [item.id for item in scores] == ["recommend_v1", "recommend_platform_v1"]
    assert all(NPS in (item.source.licence or "") for item in scores)


def test_one_question_is_asked_after_one_deployment_in_twenty() -> None:
    asked = instruments()["after-deployment"]
    trigger = asked.triggers[0]
    assert [item.id for item in asked.items] == [trigger.item]
    assert (trigger.on, trigger.sample, trigger.cooldown_days, trigger.expires_h) == (
        "deployment.finished", 0.05, 14, 48
    )  # fmt: skip


def test_the_survey_of_the_guide_is_understood(tmp_path: Path) -> None:
    guide = (Path(__file__).parents[2] / "docs/surveys.md").read_text(encoding="utf-8")
    file = tmp_path / "on-call.yaml"
    file.write_text(re.findall(r"^```yaml\n(survey:.*?)^```", guide, re.MULTILINE | re.DOTALL)[0], encoding="utf-8")
    asked = instrument.load(file)
    assert [item.id for item in asked.items] == ["alerts_matter_v1", "nights_v1", "on_call_fix_v1"]
    assert (asked.wave.sampling.parts, asked.privacy.breakdowns) == (3, ("team",))


# The sample organisation


def test_every_answer_of_the_sample_is_one_the_survey_takes() -> None:
    rows, teams = sample()
    assert teams == set(TEAMS)
    for (survey, wave), responses in rows.items():
        asked = instruments()[survey]
        scales = {item.id: asked.scale_of(item).codes for item in asked.items if item.scale}
        comments = {item.id for item in asked.items if item.type == "text"}
        for row in responses:
            assert codes(row).keys() | words(row).keys() <= scales.keys() | comments
            assert all(code in scales[item] for item, code in codes(row).items()), (survey, wave)
            assert row["team"] in {*teams, None}
            assert row["language"] in asked.survey.languages


def test_each_survey_is_asked_in_its_rhythm() -> None:
    waves = defaultdict(list)
    for survey, wave in sorted(sample()[0]):
        waves[survey].append(wave)
    assert waves == {
        "devex-quarterly": ["2025-Q2", "2025-Q3", "2025-Q4", "2026-Q1", "2026-Q2", "2026-Q3"],
        "platform": ["2025-Q4", "2026-Q2", "2026-Q4"],
        "recommend": ["2025-Q3", "2025-Q4", "2026-Q1", "2026-Q2", "2026-Q3", "2026-Q4"],
    }


def test_comments_are_enough_to_be_shown_and_no_two_of_a_wave_are_alike() -> None:
    rows = sample()[0]
    for wave in (BEFORE, NEWEST):
        said = [text for row in rows["devex-quarterly", wave] for text in words(row).values()]
        assert 0.3 < len(said) / len(rows["devex-quarterly", wave]) < 0.5
        assert len(said) == len(set(said))


def test_addresses_in_comments_are_there_to_be_taken_out() -> None:
    said = [text for rows in sample()[0].values() for row in rows for text in words(row).values()]
    assert any("@example.com" in text for text in said)
    assert not any("{" in text for text in said)
    shown = [quote.text for survey, wave in sample()[0] for quote in computed(survey, wave).quotes]
    assert 0.7 < len(shown) / len(said) < 0.9  # the others do not want to be shown word for word
    assert not any("@" in text for text in shown)


def test_most_comments_have_a_theme() -> None:
    quotes = [quote for survey, wave in sample()[0] for quote in computed(survey, wave).quotes]
    without = [quote for quote in quotes if quote.themes == (themes.OTHER,)]
    assert len(without) < 0.25 * len(quotes)
    assert {theme for quote in quotes for theme in quote.themes} == set(
        themes.load(ROOT / "data/seeds/survey_themes.toml").names
    )


def test_the_contractors_are_too_few_to_be_shown_and_a_team_is_hidden_with_them() -> None:
    without_team = [row for row in sample()[0]["devex-quarterly", NEWEST] if row["team"] is None]
    assert 1 <= len(without_team) < 5
    hidden = {one.key for one in computed("devex-quarterly", NEWEST).cells if one.cut == "team" and not one.shown}
    assert hidden == {"data"}


def test_one_team_is_unhappy_though_fast_and_another_content_though_slow() -> None:
    reviews = {
        team: value
        for team in TEAMS
        if (value := cell("devex-quarterly", NEWEST, "review_speed_v1", team).value) is not None
    }
    assert min(reviews, key=reviews.__getitem__) == "search"  # whose reviews are among the fastest
    assert reviews["identity"] > sorted(reviews.values())[2]  # whose reviews are the slowest
    index = {team: cell("devex-quarterly", NEWEST, "devex", team).value or math.inf for team in TEAMS}
    assert min(index, key=index.__getitem__) == "search"


def test_documentation_got_better_and_everything_else_is_noise() -> None:
    newest, before = (computed("devex-quarterly", wave) for wave in (NEWEST, BEFORE))
    signals = {one.measure: one.value for one in read.changes(newest, before) if one.cut == "all" and one.is_signal}
    assert signals.keys() == {"docs_findable_v1"}
    assert signals["docs_findable_v1"] > 30


def test_what_was_done_names_a_survey_a_theme_and_a_team() -> None:
    actions = yaml.safe_load((ROOT / "data/seeds/sample/actions.yaml").read_text(encoding="utf-8"))
    known = themes.load(ROOT / "data/seeds/survey_themes.toml").names
    assert {one["status"] for one in actions} == {"planned", "doing", "done"}
    for one in actions:
        assert one.keys() == {"survey", "wave", "theme", "said", "did", "owner", "due_weeks", "status"}
        assert (one["survey"] in SURVEYS, one["theme"] in known, one["owner"].lower() in TEAMS) == (True, True, True)
        assert one["wave"] in {0, -1, -2}
        assert one["due_weeks"] > 0


def test_the_moods_of_the_sample_are_about_items_there_are() -> None:
    seeds = tomllib.loads((ROOT / "data/seeds/sample/surveys.toml").read_text(encoding="utf-8"))
    known = {item.id for asked in instruments().values() for item in asked.items}
    told = {item for mood in seeds["moods"].values() for item in mood}
    told |= {item for shift in seeds["shifts"] for item in shift["items"]}
    assert told - known == set()
    for one in seeds["surveys"]:
        assert one["days"] == instruments()[one["id"]].wave.days
