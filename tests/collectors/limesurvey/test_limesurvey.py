"""What is read of a survey of LimeSurvey, when, and what is said when it cannot be."""

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
from dxmetrics.errors import AuthError, CollectError, NotFoundError, RetryableError, SettingsError
from dxmetrics.project import builtin_root
from dxmetrics.records import SurveyResponse
from tests.fakes.limesurvey import PASSWORD, SECRETS, USER, LimeSurvey, Refused, column

collectors.extend_path([builtin_root() / "collectors"])
limesurvey: Any = importlib.import_module("dxmetrics.collectors.limesurvey")

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SURVEY = 471100
FOCUS = column("focus", "5", "<p>I can <b>focus</b></p>")
RECOMMEND = column("recommend", "L", "Recommend?", options={str(code): f"{code}" for code in range(11)})
COMMENT = column("comment", "T", "What would help you most?")
TEAM = column("team", "!", "Your team", options={"pay": "Payments &amp; Billing", "sea": "<i>Search</i>"})
ITEMS = {"focus": "flow_focus_v1", "recommend": "recommend_v1", "comment": "comment_v1"}
LOOK = ["get_session_key", "get_fieldmap", "export_responses", "release_session_key"]


@pytest.fixture
def server() -> LimeSurvey:
    """A survey with four questions, and nobody who has answered."""
    server = LimeSurvey(NOW)
    server.add_survey(SURVEY, FOCUS, RECOMMEND, COMMENT, TEAM)
    return server


def source(server: LimeSurvey, transport: httpx2.BaseTransport | None = None, **settings: Any) -> Any:
    chosen = {
        "kind": "limesurvey", "url": "https://survey.example.org/lime", "user": USER, "token": PASSWORD,
        "form": str(SURVEY), "survey": "devex", "items": ITEMS, **settings,
    }  # fmt: skip
    context = Context(now=lambda: server.now, folder=Path(), transport=transport or server, sleep=lambda _: None)
    return limesurvey.Limesurvey("pulse", limesurvey.LimesurveySettings.model_validate(chosen), context)


def pages(server: LimeSurvey, cursor: Cursor | None = None, **settings: Any) -> list[Page]:
    """The pages of one collection after `cursor`."""
    with closing(source(server, **settings)) as one:
        return [page for scope in one.scopes() for page in one.collect(scope, cursor)]


def records(found: list[Page]) -> list[SurveyResponse]:
    """The responses of pages, in their order."""
    return [SurveyResponse.model_validate(row) for page in found for row in page.rows[SurveyResponse]]


def said(server: LimeSurvey, **settings: Any) -> dict[str, tuple[float | None, str | None]]:
    """Number and text of the only response, by item."""
    (one,) = records(pages(server, **settings))
    return {answer.item: (answer.number, answer.text) for answer in one.answers}


# -- one response -----------------------------------------------------------------------------------------------------


def test_a_response_has_a_day_a_cohort_and_the_mapped_answers(server: LimeSurvey) -> None:
    server.answer(SURVEY, focus="4", recommend="9", comment="Faster builds", team="pay")
    (one,) = records(pages(server, team="team"))
    assert (one.ext_id, one.survey, one.wave, one.submitted_on) == ("1", "devex", "2026-Q4", date(2026, 11, 20))
    assert (one.team, one.cohort, one.language, one.updated_at) == ("Payments & Billing", None, None, None)
    assert [(answer.item, answer.number, answer.text) for answer in one.answers] == [
        ("flow_focus_v1", 4, None), ("recommend_v1", 9, "9"), ("comment_v1", None, "Faster builds"),
    ]  # fmt: skip


def test_nothing_of_who_answered_is_asked_for(server: LimeSurvey) -> None:
    server.answer(SURVEY, focus="4")
    found = pages(server)
    exports = [params[-1] for method, params in server.calls if method == "export_responses"]
    assert exports == [["id", "submitdate"], ["id", "submitdate", "471100X1X11", "471100X1X12", "471100X1X13"]]
    sent = json.dumps([dict(page.rows)[SurveyResponse] for page in found], default=str)
    assert not [secret for secret in (*SECRETS, "12:00") if secret in sent]


def test_the_team_of_a_code_without_option_is_the_code(server: LimeSurvey) -> None:
    server.edit(SURVEY, FOCUS, column("team", "S", "Your team"))
    server.answer(SURVEY, focus="4", team="Search")
    (one,) = records(pages(server, team="team"))
    assert one.team == "Search"
    server.edit(SURVEY, FOCUS, column("team", "L", "Your team"))
    (one,) = records(pages(server, team="team"))
    assert one.team == "Search"


@pytest.mark.parametrize(
    ("asked", "given", "expected"),
    [
        (column("q", "Y", "Is it fast?"), "Y", (1, None)),
        (column("q", "Y", "Is it fast?"), "N", (0, None)),
        (column("q", "N", "How many?"), "3.0000000000", (3, None)),
        (column("q", "N", "How many?"), "many", (None, "many")),
        (column("q", "L", "How often?"), "A2", (2, "A2")),
        (column("q", "L", "How often?"), "-oth-", (None, "-oth-")),
        (column("q", "S", "In a word"), "3 hours a day", (None, "3 hours a day")),
        (column("q", "D", "Since when?"), "2026-11-20 00:00:00", (None, "2026-11-20 00:00:00")),
    ],
)
def test_each_kind_of_question_has_its_own_answers(server: LimeSurvey, asked: Any, given: str, expected: Any) -> None:
    server.edit(SURVEY, asked)
    server.answer(SURVEY, q=given)
    assert said(server, items={"q": "q_v1"}, values={"A2": 2}) == {"q_v1": expected}


@pytest.mark.parametrize(
    ("asked", "code", "given", "expected"),
    [
        (column("q", "A", "How are", "SQ001", subquestion="Builds"), "q[SQ001]", "5", (5, None)),
        (column("q", "B", "How are", "SQ001", subquestion="Builds"), "q[SQ001]", "10", (10, None)),
        (column("q", "M", "Which?", "SQ001", subquestion="Builds"), "q[SQ001]", "Y", (1, None)),
        (column("q", "M", "Which?", "other", subquestion="Other"), "q[other]", "2 of them", (None, "2 of them")),
        (column("q", "P", "Which?", "SQ1comment"), "q[SQ1comment]", "1 is slow", (None, "1 is slow")),
        (column("q", "K", "Hours", "SQ001"), "q[SQ001]", "7.5000000000", (7.5, None)),
        (column("q", "C", "Fast?", "SQ001"), "q[SQ001]", "U", (None, "U")),
    ],
)
def test_parts_of_questions_are_questions(server: LimeSurvey, asked: Any, code: str, given: str, expected: Any) -> None:
    server.edit(SURVEY, asked)
    server.answer(SURVEY, said={code: given})
    assert said(server, items={code: "q_v1"}) == {"q_v1": expected}


def test_the_two_scales_of_an_array_are_told_apart(server: LimeSurvey) -> None:
    scales = [column("q", "1", "How", "SQ1", scale=name, scale_id=place) for place, name in enumerate(("Use", "Like"))]
    server.edit(SURVEY, *scales)
    server.answer(SURVEY, said={"q[SQ1][1]": "A1", "q[SQ1][2]": "A2"})
    values = {"A1": 1, "A2": 2}
    found = said(server, items={"q[SQ1][1]": "use_v1", "q[SQ1][2]": "like_v1"}, values=values)
    assert found == {"use_v1": (1, "A1"), "like_v1": (2, "A2")}


def test_blank_answers_are_left_out(server: LimeSurvey) -> None:
    server.answer(SURVEY, focus=None, recommend="", comment=" ")
    server.answer(SURVEY)
    assert [one.answers for one in records(pages(server))] == [(), ()]


def test_what_was_not_handed_in_is_left_out(server: LimeSurvey) -> None:
    server.answer(SURVEY, focus="4", is_handed_in=False)
    assert records(pages(server)) == []
    server.answer(SURVEY, focus="5")
    assert [one.ext_id for one in records(pages(server))] == ["2"]


def test_the_day_is_that_of_the_server_whose_zone_is_declared(server: LimeSurvey) -> None:
    server.now = datetime(2026, 10, 1, 0, 30, tzinfo=UTC)
    server.answer(SURVEY, focus="4")
    (one,) = records(pages(server, zone="America/New_York"))
    assert (one.submitted_on, one.wave) == (date(2026, 10, 1), "2026-Q4")


def test_numbers_outside_the_scale_are_left_out_and_told(server: LimeSurvey) -> None:
    server.answer(SURVEY, focus="7", recommend="10")
    found = pages(server)
    assert [[answer.item for answer in one.answers] for one in records(found)] == [["recommend_v1"]]
    assert found[-1].notes[0].startswith('question focus "I can focus": answers outside 1 to 5 are left out')


# -- anonymous surveys ------------------------------------------------------------------------------------------------


def test_an_anonymous_survey_needs_a_day_that_counts(server: LimeSurvey) -> None:
    server.add_survey(SURVEY, FOCUS, is_anonymous=True)
    server.answer(SURVEY, focus="4")
    with pytest.raises(SettingsError, match=r"\[sources\.pulse\] survey 471100 is anonymous.*set undated_on"):
        pages(server)
    assert server.sessions == set()
    (one,) = records(pages(server, undated_on="2026-09-30", zone="America/New_York"))
    assert (one.submitted_on, one.wave) == (date(2026, 9, 30), "2026-Q3")


def test_an_anonymous_survey_is_read_whole_each_time(server: LimeSurvey) -> None:
    server.add_survey(SURVEY, FOCUS, is_anonymous=True)
    first = server.answer(SURVEY, focus="4")
    settings: dict[str, Any] = {"undated_on": "2026-11-20", "wave": "autumn", "since": "2026-11-01"}
    cursor = pages(server, **settings)[-1].cursor
    server.answer(SURVEY, focus="5")
    server.delete(SURVEY, first)
    server.now += HOUR
    found = pages(server, cursor, **settings)
    assert ([one.ext_id for one in records(found)], found[-1].snapshot) == (["2"], True)


# -- what is read when ------------------------------------------------------------------------------------------------


def test_a_look_at_nothing_new_takes_four_requests_and_ends_its_session(server: LimeSurvey) -> None:
    server.answer(SURVEY, focus="1")
    server.now += 2 * DAY
    cursor = pages(server)[-1].cursor
    assert server.asked() == [*LOOK[:3], "export_responses", LOOK[3]]
    server.now += HOUR
    server.calls.clear()
    found = pages(server, cursor)
    assert (records(found), found[-1].snapshot, found[-1].is_last) == ([], False, True)
    assert server.asked() == LOOK
    assert server.sessions == set()


def test_what_is_new_since_a_day_before_the_last_look_is_read(server: LimeSurvey) -> None:
    server.now -= 5 * DAY
    server.answer(SURVEY, focus="1")
    slow = server.answer(SURVEY, focus="2", is_handed_in=False)
    server.now += 5 * DAY
    cursor = pages(server)[-1].cursor
    server.surveys[SURVEY].responses[slow - 1]["submitdate"] = f"{server.now - 20 * HOUR:%Y-%m-%d %H:%M:%S}"
    server.now += HOUR
    server.answer(SURVEY, focus="3")
    found = pages(server, cursor)
    assert ([one.ext_id for one in records(found)], found[-1].snapshot) == (["2", "3"], False)


def test_many_responses_come_in_pages_by_their_ids(server: LimeSurvey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limesurvey, "AT_ONCE", 100)
    for _ in range(250):
        server.answer(SURVEY, focus="3")
    server.delete(SURVEY, 150)
    found = pages(server)
    assert [len(page.rows[SurveyResponse]) for page in found] == [100, 100, 49]
    assert [page.cursor is None for page in found] == [True, True, False]
    ranges = [params[7:9] for method, params in server.calls if method == "export_responses"]
    assert ranges == [[None, None], [1, 100], [101, 201], [202, 250]]


def test_a_survey_that_nobody_has_answered_is_read_whole(server: LimeSurvey) -> None:
    found = pages(server)
    assert (records(found), found[-1].snapshot, found[-1].is_last) == ([], True, True)
    server.answer(SURVEY, is_handed_in=False)
    assert records(pages(server)) == []


def test_once_a_week_all_is_read_again_so_that_what_was_deleted_is_noticed(server: LimeSurvey) -> None:
    gone, kept = server.answer(SURVEY, focus="1"), server.answer(SURVEY, focus="2")
    server.now += 2 * DAY
    cursor = pages(server)[-1].cursor
    server.delete(SURVEY, gone)
    server.now += 6 * DAY
    found = pages(server, cursor)
    assert (records(found), found[-1].snapshot) == ([], False)
    server.now += DAY
    found = pages(server, found[-1].cursor)
    assert ([one.ext_id for one in records(found)], found[-1].snapshot) == ([str(kept)], True)


def test_nothing_handed_in_before_since_is_read(server: LimeSurvey) -> None:
    server.now = NOW - 400 * DAY
    server.answer(SURVEY, focus="1")
    server.now = NOW
    new = server.answer(SURVEY, focus="2")
    found = pages(server, since="2026-01-01")
    assert [one.ext_id for one in records(found)] == [str(new)]
    server.now += HOUR
    assert [one.ext_id for one in records(pages(server, found[-1].cursor, since="2026-01-01"))] == [str(new)]


def test_a_collection_that_is_given_up_ends_its_session(server: LimeSurvey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limesurvey, "AT_ONCE", 1)
    server.answer(SURVEY, focus="1")
    server.answer(SURVEY, focus="2")
    with closing(source(server)) as one:
        reading = one.collect(next(one.scopes()), None)
        next(reading)
        assert len(server.sessions) == 1
        reading.close()
    assert server.sessions == set()


def test_what_went_wrong_first_is_told_where_the_session_cannot_be_ended_either(server: LimeSurvey) -> None:
    def refuse(method: str) -> None:
        if method != "get_session_key":
            raise Refused(f"{method} is broken")

    server.before = refuse
    with pytest.raises(CollectError, match=r"^pulse: get_fieldmap: get_fieldmap is broken$"):
        pages(server)


# -- what a person is told --------------------------------------------------------------------------------------------


def test_where_the_api_is_off_it_is_said_how_to_switch_it_on(server: LimeSurvey) -> None:
    server.is_on = False
    with pytest.raises(CollectError, match=r"survey\.example\.org/lime.*Global, Interfaces, RPC interface: JSON-RPC"):
        pages(server)


@pytest.mark.parametrize(
    ("status", "kind", "message"),
    [
        ("No permission", CollectError, "let 'reader' view the content of survey 471100"),
        ("Invalid session key", RetryableError, "collect again"),
        ("No Data, survey table does not exist.", CollectError, "survey 471100 is not active: activate it"),
        ("Something else.", CollectError, "pulse: export_responses: Something else$"),
    ],
)
def test_a_status_inside_a_success_is_an_error(
    server: LimeSurvey, status: str, kind: type[Exception], message: str
) -> None:
    def refuse(method: str) -> None:
        if method == "export_responses":
            raise Refused(status)

    server.before = refuse
    with pytest.raises(kind, match=message):
        pages(server)
    assert server.sessions == set()


def test_a_survey_that_is_not_active_any_more_keeps_what_was_read(server: LimeSurvey) -> None:
    server.surveys[SURVEY].is_active = False
    with pytest.raises(CollectError, match="survey table does not exist: survey 471100 is not active"):
        pages(server)


def test_a_deleted_survey_is_named_with_what_to_do(server: LimeSurvey) -> None:
    del server.surveys[SURVEY]
    with pytest.raises(NotFoundError, match=r"there is no survey 471100.*what was read of it is kept"):
        pages(server)


def test_a_refused_password_stops_the_source_and_names_the_variable(server: LimeSurvey) -> None:
    with pytest.raises(AuthError, match=r"Invalid user name or password: correct `user`.*DX_PULSE__TOKEN") as caught:
        pages(server, token="wrong-password")  # noqa: S106 - the fake's
    assert "wrong-password" not in str(caught.value)


def test_without_a_password_nothing_is_asked(server: LimeSurvey) -> None:
    with pytest.raises(SettingsError, match=r"\[sources\.pulse\] has no password of 'reader': set it in DX_PULSE"):
        source(server, token=None)


def test_an_early_version_without_fields_is_told(server: LimeSurvey) -> None:
    def miss(method: str) -> None:
        if method == "get_fieldmap":
            raise LookupError

    server.before = miss
    with pytest.raises(CollectError, match=r"unknown method or incorrect parameters: LimeSurvey 5\.4 or later"):
        pages(server)


def test_a_changed_code_fails_the_survey_until_it_is_mapped_too(server: LimeSurvey) -> None:
    server.answer(SURVEY, focus="4", recommend="8")
    cursor = pages(server)[-1].cursor
    server.edit(SURVEY, column("Focus1", "5", "I can focus"), RECOMMEND, COMMENT, TEAM)
    with pytest.raises(CollectError, match="question focus of item flow_focus_v1 was there at the last look"):
        pages(server, cursor)
    found = said(server, cursor=cursor, items=ITEMS | {"Focus1": "flow_focus_v1"})
    assert found["flow_focus_v1"] == (4, None)


def test_a_survey_without_mapping_is_answered_with_its_questions(server: LimeSurvey) -> None:
    server.edit(
        SURVEY, FOCUS, column("shown", "X", "Welcome"), column("q", "A", "How are", "SQ1", subquestion="Builds")
    )
    with pytest.raises(SettingsError, match="set items") as caught:
        pages(server, items={})
    assert str(caught.value).endswith('of focus "I can focus", q[SQ1] "How are: Builds"')


def test_files_cannot_be_mapped(server: LimeSurvey) -> None:
    server.edit(SURVEY, FOCUS, column("cv", "|", "Your file"))
    with pytest.raises(SettingsError, match="asks who somebody is"):
        pages(server, items=ITEMS | {"cv": "file_v1"})


@pytest.mark.parametrize("result", ["bm8ganNvbg==", "", 7, {"responses": []}, "e30=", "W10="])
def test_an_export_of_another_form_is_no_empty_list(server: LimeSurvey, result: object) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if b"export_responses" in request.read():
            return httpx2.Response(200, json={"id": 1, "result": result, "error": None})
        return server.handle_request(request)

    with (
        pytest.raises(CollectError, match="export_responses does not answer with responses"),
        closing(source(server, httpx2.MockTransport(answer))) as one,
    ):
        list(one.collect(next(one.scopes()), None))


@pytest.mark.parametrize("body", [[], {"version": 3}, "LimeSurvey"])
def test_another_server_is_told(server: LimeSurvey, body: object) -> None:
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, json=body))
    with pytest.raises(CollectError, match="correct `url`"), closing(source(server, transport)) as one:
        list(one.collect(next(one.scopes()), None))


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("https://survey.example.org", "https://survey.example.org/index.php/admin/remotecontrol"),
        ("https://example.org/lime/index.php/", "https://example.org/lime/index.php/admin/remotecontrol"),
        ("https://acme.limesurvey.net/admin/remotecontrol", "https://acme.limesurvey.net/admin/remotecontrol"),
    ],
)
def test_the_address_may_be_that_of_the_survey_tool_or_of_its_api(server: LimeSurvey, url: str, asked: str) -> None:
    pages(server, url=url)
    assert set(server.addresses) == {asked}


@pytest.mark.parametrize("form", ["", "devex", "471100/1"])
def test_a_survey_is_named_by_its_number(server: LimeSurvey, form: str) -> None:
    with pytest.raises(ValidationError, match="form"):
        source(server, form=form)
