"""What is read of a survey of Formbricks, when, and what is said when it cannot be."""

from __future__ import annotations

import importlib
import json
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import ValidationError

from dxmetrics import collectors
from dxmetrics.collectors import Context, Cursor, Page
from dxmetrics.errors import AuthError, CollectError, LimitedError, NotFoundError, SettingsError
from dxmetrics.project import builtin_root
from dxmetrics.records import SurveyResponse
from tests.fakes.formbricks import SECRETS, Formbricks, Refused, choice, element, texts

collectors.extend_path([builtin_root() / "collectors"])
formbricks: Any = importlib.import_module("dxmetrics.collectors.formbricks")

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SURVEY = "cm4survey"
FOCUS = element("q1", "rating", "I can focus", scale="number", range=5)
RECOMMEND = element("q2", "nps", "Would you recommend our platform?")
COMMENT = element("q3", "openText", "What would help you most?")
ITEMS = {"q1": "flow_focus_v1", "q2": "recommend_v1", "q3": "comment_v1"}


@pytest.fixture
def server() -> Formbricks:
    """A survey with three questions, and nobody who has answered."""
    server = Formbricks(NOW)
    server.add_survey(SURVEY, "How is your work?", FOCUS, RECOMMEND, COMMENT, hidden=("team", "tenure"))
    return server


def source(server: Formbricks, transport: httpx2.BaseTransport | None = None, **settings: Any) -> Any:
    chosen = {"kind": "formbricks", "token": "fbk_secret", "form": SURVEY, "survey": "devex", "items": ITEMS}
    context = Context(now=lambda: server.now, folder=Path(), transport=transport or server, sleep=lambda _: None)
    return formbricks.Formbricks("pulse", formbricks.FormbricksSettings.model_validate(chosen | settings), context)


def pages(server: Formbricks, cursor: Cursor | None = None, **settings: Any) -> list[Page]:
    """The pages of one collection after `cursor`."""
    with closing(source(server, **settings)) as one:
        return [page for scope in one.scopes() for page in one.collect(scope, cursor)]


def records(found: list[Page]) -> list[SurveyResponse]:
    """The responses of pages, in their order."""
    return [SurveyResponse.model_validate(row) for page in found for row in page.rows[SurveyResponse]]


def said(server: Formbricks, **settings: Any) -> dict[str, tuple[float | None, str | None]]:
    """Number and text of the only response, by item."""
    (one,) = records(pages(server, **settings))
    return {answer.item: (answer.number, answer.text) for answer in one.answers}


# -- one response -----------------------------------------------------------------------------------------------------


def test_a_response_has_a_day_a_cohort_and_the_mapped_answers(server: Formbricks) -> None:
    row = server.answer(SURVEY, q1=4, q2=9, q3="Faster builds", team="payments", tenure="1-2")
    (one,) = records(pages(server, team="team", tenure="tenure"))
    assert (one.ext_id, one.survey, one.wave, one.submitted_on) == (row["id"], "devex", "2026-Q4", date(2026, 11, 20))
    assert (one.team, one.cohort, one.language, one.updated_at, one.url) == ("payments", "1-2", None, None, None)
    assert [(answer.item, answer.number, answer.text) for answer in one.answers] == [
        ("flow_focus_v1", 4, None), ("recommend_v1", 9, None), ("comment_v1", None, "Faster builds"),
    ]  # fmt: skip


def test_nothing_that_is_known_of_who_answered_leaves_the_source(server: Formbricks) -> None:
    contact = element("who", "contactInfo", "Who are you?")
    server.add_survey(SURVEY, "How is your work?", FOCUS, contact, hidden=("team", "employee"))
    server.answer(SURVEY, q1=4, who=["Ada", "Lovelace", SECRETS[0], "", ""], team="payments", employee="4711")
    sent = json.dumps([dict(page.rows)[SurveyResponse] for page in pages(server)], default=str)
    assert "payments" not in sent  # which no setting names
    assert not [secret for secret in (*SECRETS, "Ada", "4711", "12:00") if secret in sent]


def test_a_choice_is_told_in_the_main_language_and_has_its_code(server: Formbricks) -> None:
    choices = [choice("Agree", de="Stimme zu"), choice("Disagree", de="")]
    server.add_survey(SURVEY, "Agree?", element("c", "multipleChoiceSingle", "Agree?", choices=choices))
    server.answer(SURVEY, c="Stimme zu")
    assert said(server, items={"c": "agree_v1"}, values={"agree": 4}) == {"agree_v1": (4, "Agree")}


def test_several_choices_a_former_one_and_words_are_told_together(server: Formbricks) -> None:
    choices = [choice("Builds", ja="ビルド"), choice("Reviews")]
    server.add_survey(SURVEY, "Which?", element("c", "multipleChoiceMulti", "Which?", choices=choices))
    server.answer(SURVEY, c=["ビルド", "Former", "", "Meetings"])
    assert said(server, items={"c": "which_v1"}) == {"which_v1": (None, "Builds, Former, Meetings")}


def test_the_rows_of_a_matrix_are_questions_in_any_language(server: Formbricks) -> None:
    matrix = element(
        "m",
        "matrix",
        "How are",
        rows=[choice("Builds", de="Bauten"), choice("Tests")],
        columns=[choice("Good", de="Gut"), choice("Bad")],
    )
    server.add_survey(SURVEY, "Matrix", matrix)
    server.answer(SURVEY, m={"Bauten": "Gut", "Tests": "Bad"})
    found = said(server, items={"m/Builds": "builds_v1", "m/id-Tests": "tests_v1"}, values={"Good": 5, "Bad": 1})
    assert found == {"builds_v1": (5, "Good"), "tests_v1": (1, "Bad")}


def test_surveys_of_earlier_versions_have_questions_and_rows_without_ids(server: Formbricks) -> None:
    matrix = element("m", "matrix", "How are", rows=[texts("Builds")], columns=[texts("Good")])
    server.surveys[SURVEY] = {"id": SURVEY, "name": "Early", "questions": [FOCUS, matrix]}
    server.answer(SURVEY, q1=2, m={"Builds": "Good"})
    found = said(server, items={"q1": "flow_focus_v1", "m/Builds": "builds_v1"})
    assert found == {"flow_focus_v1": (2, None), "builds_v1": (None, "Good")}


def test_words_that_begin_with_a_number_are_words_and_numbers_are_numbers(server: Formbricks) -> None:
    wanted = element("n", "openText", "How many?", inputType="number")
    server.add_survey(SURVEY, "Numbers", COMMENT, wanted)
    server.answer(SURVEY, q3="3 hours a day of waiting", n="12")
    found = said(server, items={"q3": "comment_v1", "n": "many_v1"})
    assert found == {"comment_v1": (None, "3 hours a day of waiting"), "many_v1": (12, "12")}


def test_blank_answers_are_left_out(server: Formbricks) -> None:
    server.answer(SURVEY, q1="", q2=0, q3="  ")
    server.answer(SURVEY)
    half, empty = records(pages(server))
    assert [(answer.item, answer.number) for answer in half.answers] == [("recommend_v1", 0)]
    assert empty.answers == ()


def test_the_day_and_the_wave_are_those_of_the_beginning_in_the_zone(server: Formbricks) -> None:
    server.now = datetime(2026, 9, 30, 22, 30, tzinfo=UTC)
    row = server.answer(SURVEY, q1=4)
    server.now = NOW
    server.change(row, data={"q1": 5})
    (one,) = records(pages(server, zone="Europe/Berlin"))
    assert (one.submitted_on, one.wave) == (date(2026, 10, 1), "2026-Q4")
    (one,) = records(pages(server, wave="autumn"))
    assert (one.submitted_on, one.wave) == (date(2026, 9, 30), "autumn")


def test_numbers_outside_the_present_scale_are_left_out_and_told(server: Formbricks) -> None:
    server.answer(SURVEY, q1=7, q2=10)
    server.answer(SURVEY, q1=5)
    found = pages(server)
    assert [[answer.item for answer in one.answers] for one in records(found)] == [["recommend_v1"], ["flow_focus_v1"]]
    (note,) = found[-1].notes
    assert note.startswith('question q1 "I can focus": answers outside 1 to 5 are left out')
    server.now += 2 * HOUR
    assert pages(server, found[-1].cursor)[-1].notes == (note,)


# -- what is read when ------------------------------------------------------------------------------------------------


def test_what_is_not_finished_is_read_once_it_is(server: Formbricks) -> None:
    begun = server.answer(SURVEY, q1=4, is_finished=False)
    server.now += 2 * DAY
    found = pages(server)
    assert records(found) == []
    server.now += HOUR
    server.change(begun, finished=True, data={"q1": 4, "q2": 9})
    server.now += HOUR
    (one,) = records(pages(server, found[-1].cursor))
    assert (one.ext_id, one.submitted_on, len(one.answers)) == (begun["id"], date(2026, 11, 20), 2)


def test_a_look_takes_two_requests_and_reads_an_hour_again(server: Formbricks) -> None:
    server.answer(SURVEY, q1=1)
    server.now += 3 * HOUR
    first = pages(server)
    assert server.asked() == [f"/api/v1/management/surveys/{SURVEY}", "/api/v2/management/responses"]
    assert (first[-1].snapshot, first[-1].is_last) == (True, True)
    server.now -= 30 * MINUTE
    late = server.answer(SURVEY, q1=2)
    server.now += DAY
    found = pages(server, first[-1].cursor)
    assert ([one.ext_id for one in records(found)], found[-1].snapshot) == ([late["id"]], False)


def test_many_pages_are_read_by_time_so_that_changes_between_them_lose_nothing(server: Formbricks) -> None:
    rows = []
    for _ in range(600):
        rows.append(server.answer(SURVEY, q1=3))
        server.now += MINUTE
    with closing(source(server)) as one:
        (scope,) = one.scopes()
        reading = one.collect(scope, None)
        found = [next(reading)]
        for place in (3, 100, 249):
            server.change(rows[place], data={"q1": 4})  # moves to the end of a list by the last change
        server.responses.remove(rows[5])
        found += reading
    assert [page.cursor is None for page in found] == [True, True, False]
    assert {one.ext_id for one in records(found)} == {row["id"] for row in rows}
    server.now += HOUR
    news = records(pages(server, found[-1].cursor))
    assert {rows[3]["id"], rows[100]["id"], rows[249]["id"]} <= {one.ext_id for one in news}


def test_more_responses_of_one_millisecond_than_a_page_holds_are_all_read(server: Formbricks) -> None:
    for _ in range(620):
        server.answer(SURVEY, q1=3)
    server.now += MINUTE
    server.answer(SURVEY, q1=3)
    found = records(pages(server))
    assert len({one.ext_id for one in found}) == 621
    assert len(found) < 621 + 260


def test_a_server_that_answers_with_the_same_page_again_is_an_error_and_no_loop(server: Formbricks) -> None:
    rows = [server.answer(SURVEY, q1=3) for _ in range(250)]

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path.endswith("responses"):
            return httpx2.Response(200, json={"data": rows})
        return server.handle_request(request)

    with (
        pytest.raises(CollectError, match="comes again"),
        closing(source(server, httpx2.MockTransport(answer))) as one,
    ):
        list(one.collect(next(one.scopes()), None))


def test_once_a_week_all_is_read_again_so_that_what_was_deleted_is_noticed(server: Formbricks) -> None:
    gone, kept = server.answer(SURVEY, q1=1), server.answer(SURVEY, q1=2)
    server.now += 2 * HOUR
    cursor = pages(server)[-1].cursor
    server.responses.remove(gone)
    server.now += 6 * DAY
    found = pages(server, cursor)
    assert (records(found), found[-1].snapshot) == ([], False)
    server.now += DAY
    found = pages(server, found[-1].cursor)
    assert ([one.ext_id for one in records(found)], found[-1].snapshot) == ([kept["id"]], True)


def test_an_early_version_is_read_whole_and_its_late_responses_once_a_week(server: Formbricks) -> None:
    server.is_early = True
    slow = server.answer(SURVEY, q1=1, is_finished=False)
    for _ in range(300):
        server.now += MINUTE
        server.answer(SURVEY, q1=2)
    server.now += HOUR
    found = pages(server)
    assert len({one.ext_id for one in records(found)}) == 300
    server.change(slow, finished=True)
    server.now += 3 * HOUR
    assert slow["id"] not in {one.ext_id for one in records(pages(server, found[-1].cursor))}
    server.now += 7 * DAY
    assert slow["id"] in {one.ext_id for one in records(pages(server, found[-1].cursor))}


@pytest.mark.parametrize(
    "changed", [{"items": {"q1": "flow_focus_v2"}}, {"values": {"Agree": 4}}, {"wave": "month"}, {"team": "team"}]
)
def test_other_settings_read_all_again(server: Formbricks, changed: dict[str, Any]) -> None:
    server.answer(SURVEY, q1=1)
    server.now += 2 * HOUR
    cursor = pages(server)[-1].cursor
    server.now += DAY
    assert records(pages(server, cursor)) == []
    assert len(records(pages(server, cursor, **changed))) == 1


def test_nothing_begun_before_since_is_read(server: Formbricks) -> None:
    server.now = NOW - 400 * DAY
    server.answer(SURVEY, q1=1)
    server.now = NOW
    new = server.answer(SURVEY, q1=2)
    assert [one.ext_id for one in records(pages(server, since="2026-01-01"))] == [new["id"]]


# -- what a person is told --------------------------------------------------------------------------------------------


def test_a_survey_without_mapping_is_answered_with_its_questions(server: Formbricks) -> None:
    marked = element("q4", "rating", "<p class='x'>How <b>fast</b>?</p>", range=5)
    server.add_survey(SURVEY, "How is your work?", FOCUS, element("s", "cta", "Go on"), marked)
    with pytest.raises(SettingsError, match='of the form "How is your work\\?"') as caught:
        pages(server, items={})
    assert str(caught.value).endswith('of q1 "I can focus", q4 "How fast ?"')


def test_a_removed_question_is_told_and_its_former_answers_are_read(server: Formbricks) -> None:
    server.answer(SURVEY, q1=4, q2=8)
    server.add_survey(SURVEY, "How is your work?", RECOMMEND, COMMENT)
    found = pages(server)
    assert [answer.item for one in records(found) for answer in one.answers] == ["flow_focus_v1", "recommend_v1"]
    assert found[-1].notes == (
        "question q1 of item flow_focus_v1 is not asked any more; its former answers are still read",
    )


@pytest.mark.parametrize(("setting", "value"), [("items", {"q9": "who_v1"} | ITEMS), ("team", "q9")])
@pytest.mark.parametrize(
    "asked",
    [
        element("q9", "contactInfo", "Who?"), element("q9", "address", "Who?"), element("q9", "fileUpload", "Who?"),
        element("q9", "cal", "Who?"), element("q9", "openText", "Who?", inputType="email"),
        element("q9", "openText", "Who?", inputType="phone"),
    ],
)  # fmt: skip
def test_a_question_about_who_somebody_is_cannot_be_mapped(
    server: Formbricks, asked: Any, setting: str, value: Any
) -> None:
    server.add_survey(SURVEY, "Who?", FOCUS, asked)
    with pytest.raises(SettingsError, match=f'{setting} names q9 "Who\\?", which asks who somebody is'):
        pages(server, **{setting: value})


def test_a_deleted_survey_is_named_with_what_to_do(server: Formbricks) -> None:
    del server.surveys[SURVEY]
    with pytest.raises(NotFoundError, match=r"pulse: survey cm4survey is not there.*what was read of it is kept"):
        pages(server)


def test_a_refused_key_stops_the_source_and_names_the_variable(server: Formbricks) -> None:
    with pytest.raises(AuthError, match=r"not one of the workspace of survey cm4survey.*set DX_PULSE__TOKEN") as caught:
        pages(server, token="fbk_revoked")  # noqa: S106 - the fake's
    assert "fbk_revoked" not in str(caught.value)


def test_other_refusals_are_told_as_they_are(server: Formbricks) -> None:
    def limit(_: httpx2.Request) -> None:
        raise Refused(429, "Too Many Requests")

    server.before = limit
    with pytest.raises(LimitedError):
        pages(server)


@pytest.mark.parametrize("body", [[], {"total": 0}, {"data": None}, {"data": {}}])
def test_an_answer_of_another_form_is_no_empty_list(server: Formbricks, body: object) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path.endswith("responses"):
            return httpx2.Response(200, json=body)
        return server.handle_request(request)

    with (
        pytest.raises(CollectError, match="their form changed"),
        closing(source(server, httpx2.MockTransport(answer))) as one,
    ):
        list(one.collect(next(one.scopes()), None))


@pytest.mark.parametrize("missing", ["id", "createdAt"])
def test_a_response_without_key_or_time_is_no_record(server: Formbricks, missing: str) -> None:
    row = server.answer(SURVEY, q1=4)
    del row[missing]

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path.endswith("responses"):
            return httpx2.Response(200, json={"data": [row]})
        return server.handle_request(request)

    with (
        pytest.raises(CollectError, match=f"a response to survey cm4survey has no '{missing}'"),
        closing(source(server, httpx2.MockTransport(answer))) as one,
    ):
        list(one.collect(next(one.scopes()), None))


@pytest.mark.parametrize("form", ["", "app.formbricks.com/s/cm4survey", "../me"])
def test_a_survey_is_named_by_its_id(server: Formbricks, form: str) -> None:
    with pytest.raises(ValidationError, match="form"):
        source(server, form=form)


def test_an_own_server_is_asked_at_its_address(server: Formbricks) -> None:
    pages(server, url="https://forms.example.org")
    assert str(server.requests[0].url) == f"https://forms.example.org/api/v1/management/surveys/{SURVEY}"
