"""What is read of a form of Google, when, as whom, and what is said when it cannot be."""

from __future__ import annotations

import importlib
import json
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import ValidationError

from dxmetrics import collectors
from dxmetrics.collectors import Context, Cursor, Page
from dxmetrics.errors import AuthError, CollectError, NotFoundError, RetryableError, SettingsError
from dxmetrics.project import builtin_root
from dxmetrics.records import SurveyResponse
from tests.collectors.contract import FOLDER, contract
from tests.fakes.google_forms import (
    ACCOUNT,
    RESPONDENT,
    GoogleForms,
    Refused,
    choices,
    free,
    item,
    key_of,
    scale,
)

collectors.extend_path([builtin_root() / "collectors"])
google_forms: Any = importlib.import_module("dxmetrics.collectors.google_forms")

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
FORM = "1BxiMVs0XRA5"
FOCUS, RECOMMEND = scale("I can focus", "1a", 1, 5), scale("Would you recommend our platform?", "2b", 0, 10)
COMMENT = free("What would help you most?", "3c")
ITEMS = {"1a": "flow_focus_v1", "2b": "recommend_v1", "3c": "comment_v1"}
TOKEN, RESPONSES = "/token", f"/v1/forms/{FORM}/responses"


@pytest.fixture
def server() -> GoogleForms:
    """A form with three questions, and nobody who has answered."""
    server = GoogleForms(NOW)
    server.add_form(FORM, "How is your work?", FOCUS, RECOMMEND, COMMENT)
    return server


def source(
    server: GoogleForms,
    transport: httpx2.BaseTransport | None = None,
    ahead: timedelta = timedelta(),
    folder: Path | None = None,
    **settings: Any,
) -> Any:
    """The source on a server that is asked instead of the network; `ahead`: so wrong is the clock of this machine."""
    key = {} if "key_file" in settings else {"token": key_of()}
    chosen = {"kind": "google_forms", "form": FORM, "survey": "devex", "items": ITEMS, **key, **settings}
    context = Context(
        now=lambda: server.now + ahead,
        folder=Path(),
        project_folder=folder or Path(),
        transport=transport or server,
        sleep=lambda _: None,
    )
    return google_forms.GoogleForms("pulse", google_forms.GoogleFormsSettings.model_validate(chosen), context)


def pages(server: GoogleForms, cursor: Cursor | None = None, **settings: Any) -> list[Page]:
    """The pages of one collection after `cursor`."""
    with closing(source(server, **settings)) as one:
        return [page for scope in one.scopes() for page in one.collect(scope, cursor)]


def records(found: list[Page]) -> list[SurveyResponse]:
    """The responses of pages, in their order."""
    return [SurveyResponse.model_validate(row) for page in found for row in page.rows[SurveyResponse]]


def said(server: GoogleForms, **settings: Any) -> dict[str, tuple[float | None, str | None]]:
    """Number and text of the only response, by item."""
    (one,) = records(pages(server, **settings))
    return {answer.item: (answer.number, answer.text) for answer in one.answers}


# -- one response -----------------------------------------------------------------------------------------------------


def test_a_response_has_a_day_a_cohort_and_the_mapped_answers(server: GoogleForms) -> None:
    team, tenure = choices("Your team", "4d", "payments"), choices("Since", "5e", "1-2")
    server.add_form(FORM, "How is your work?", FOCUS, RECOMMEND, COMMENT, team, tenure)
    key = server.answer(FORM, {"1a": ["4"], "2b": ["9"], "3c": ["Faster builds"], "4d": ["payments"], "5e": ["1-2"]})
    (one,) = records(pages(server, team="4d", tenure="5e"))
    assert (one.ext_id, one.survey, one.wave, one.submitted_on) == (key, "devex", "2026-Q4", date(2026, 11, 20))
    assert (one.team, one.cohort, one.language, one.updated_at, one.url) == ("payments", "1-2", None, None, None)
    assert [(answer.item, answer.number, answer.text) for answer in one.answers] == [
        ("flow_focus_v1", 4, None), ("recommend_v1", 9, None), ("comment_v1", None, "Faster builds"),
    ]  # fmt: skip


def test_neither_the_address_nor_the_time_leaves_the_source(server: GoogleForms) -> None:
    server.answer(FORM, {"1a": ["4"]})
    sent = json.dumps([dict(page.rows)[SurveyResponse] for page in pages(server)], default=str)
    assert not [secret for secret in (RESPONDENT, "12:00", "Submitted", "createTime") if secret in sent]


def test_choices_are_told_by_their_text_and_have_their_code(server: GoogleForms) -> None:
    agree = choices("Do you agree?", "4d", "Stimme zu", "Lehne ab")
    several = choices("Which?", "5e", "ビルド", "レビュー", kind="CHECKBOX")
    server.add_form(FORM, "Choices", agree, several)
    server.answer(FORM, {"4d": ["Stimme zu"], "5e": ["ビルド", "レビュー"]})
    found = said(server, items={"4d": "agree_v1", "5e": "which_v1"}, values={"stimme zu": 4})
    assert found == {"agree_v1": (4, "Stimme zu"), "which_v1": (None, "ビルド, レビュー")}


def test_rows_of_grids_are_questions_of_their_own(server: GoogleForms) -> None:
    columns = {"type": "RADIO", "options": [{"value": "1 - Bad"}, {"value": "2 - Good"}]}
    rows = [{"questionId": key, "rowQuestion": {"title": title}} for key, title in (("r1", "Builds"), ("r2", "Docs"))]
    grid = {"itemId": "g", "title": "How are", "questionGroupItem": {"questions": rows, "grid": {"columns": columns}}}
    server.add_form(FORM, "Grid", {"itemId": "t", "title": "Welcome", "textItem": {}}, grid)
    server.answer(FORM, {"r1": ["2 - Good"]})
    assert said(server, items={"r1": "builds_v1", "r2": "docs_v1"}) == {"builds_v1": (2, "2 - Good")}
    with pytest.raises(SettingsError, match=r'of r1 "How are: Builds", r2 "How are: Docs"$'):
        pages(server, items={})


def test_words_that_begin_with_a_number_are_words_and_a_number_alone_is_one(server: GoogleForms) -> None:
    server.add_form(FORM, "Words", COMMENT, free("Minutes of waiting", "4d"))
    server.answer(FORM, {"3c": ["3 hours a day of waiting"], "4d": [" 45 "]})
    found = said(server, items={"3c": "comment_v1", "4d": "minutes_v1"})
    assert found == {"comment_v1": (None, "3 hours a day of waiting"), "minutes_v1": (45, "45")}


def test_half_filled_responses_have_what_was_answered_and_empty_ones_nothing(server: GoogleForms) -> None:
    server.answer(FORM, {"2b": ["0"], "3c": [" "]})
    server.answer(FORM, {})
    half, empty = records(pages(server))
    assert [(answer.item, answer.number) for answer in half.answers] == [("recommend_v1", 0)]
    assert empty.answers == ()


def test_files_are_not_read(server: GoogleForms) -> None:
    server.add_form(FORM, "Files", FOCUS, item("Your CV", "4d", fileUploadQuestion={"folderId": "f"}))
    server.answer(FORM, {"1a": ["4"]})
    answers = server.responses[FORM]["ACYDB00000"]["answers"]
    answers["4d"] = {"questionId": "4d", "fileUploadAnswers": {"answers": [{"fileName": "Ada.pdf"}]}}
    assert said(server) == {"flow_focus_v1": (4, None)}
    with pytest.raises(SettingsError, match=r'items names 4d "Your CV", which asks who somebody is'):
        pages(server, items=ITEMS | {"4d": "cv_v1"})


def test_numbers_outside_the_present_scale_are_left_out_and_told(server: GoogleForms) -> None:
    rating = item("Stars", "4d", ratingQuestion={"ratingScaleLevel": 3, "iconType": "STAR"})
    server.add_form(FORM, "Scales", FOCUS, RECOMMEND, rating)
    for focus, recommend, stars in (("1", "0", "1"), ("5", "10", "3"), ("0", "-1", "0"), ("6", "11", "4")):
        server.answer(FORM, {"1a": [focus], "2b": [recommend], "4d": [stars]})
    found = pages(server, items={"1a": "flow_focus_v1", "2b": "recommend_v1", "4d": "stars_v1"})
    numbers = [[answer.number for answer in one.answers] for one in records(found)]
    assert numbers == [[1, 0, 1], [5, 10, 3], [], []]
    assert [note.partition(" are left out")[0] for note in found[-1].notes] == [
        'question 1a "I can focus": answers outside 1 to 5',
        'question 2b "Would you recommend our platform?": answers outside 0 to 10',
        'question 4d "Stars": answers outside 1 to 3',
    ]


def test_what_was_answered_before_a_question_became_a_scale_stays_text(server: GoogleForms) -> None:
    server.answer(FORM, {"1a": ["Mostly"]})
    assert said(server) == {"flow_focus_v1": (None, "Mostly")}


# -- what is read when ------------------------------------------------------------------------------------------------


def test_a_look_takes_two_requests_and_one_for_a_token(server: GoogleForms) -> None:
    server.answer(FORM, {"1a": ["1"]})
    server.now += 3 * HOUR
    first = pages(server)
    assert server.asked() == [TOKEN, f"/v1/forms/{FORM}", RESPONSES]
    assert "filter" not in server.requests[-1].url.params
    assert first[-1].snapshot
    new = server.answer(FORM, {"1a": ["2"]})
    second = pages(server, first[-1].cursor)
    assert [one.ext_id for one in records(second)] == [new]
    assert server.requests[-1].url.params["filter"] == "timestamp >= 2026-11-20T14:00:01Z"


def test_an_edited_answer_comes_again_under_its_id_and_day(server: GoogleForms) -> None:
    key = server.answer(FORM, {"1a": ["1"]})
    server.now += 40 * DAY
    cursor = pages(server)[-1].cursor
    server.now += 3 * HOUR
    server.edit(FORM, key, {"1a": ["5"]})
    (one,) = records(pages(server, cursor))
    assert (one.ext_id, one.submitted_on, one.wave) == (key, date(2026, 11, 20), "2026-Q4")
    assert one.answers[0].number == 5


def test_all_pages_have_the_same_filter_and_the_last_one_moves_the_cursor(server: GoogleForms) -> None:
    server.most = 2
    cursor = pages(server)[-1].cursor
    for _ in range(5):
        server.answer(FORM, {"1a": ["3"]})
    found = pages(server, cursor)
    assert [len(page.rows[SurveyResponse]) for page in found] == [2, 2, 1]
    assert [(page.cursor is None, page.is_last) for page in found] == [(True, False), (True, False), (False, True)]
    asked = [request.url.params for request in server.requests if request.url.path == RESPONSES]
    assert len({params["filter"] for params in asked[-3:]}) == 1
    assert {params["pageSize"] for params in asked} == {"5000"}


def test_a_page_token_that_comes_again_is_an_error_and_no_loop(server: GoogleForms) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == RESPONSES:
            return httpx2.Response(200, json={"nextPageToken": "again"})
        return server.handle_request(request)

    with (
        pytest.raises(CollectError, match="paging is in a loop"),
        closing(source(server, httpx2.MockTransport(answer))) as one,
    ):
        list(one.collect(next(one.scopes()), None))


def test_once_a_week_all_is_read_again_so_that_what_was_deleted_is_noticed(server: GoogleForms) -> None:
    gone, kept = server.answer(FORM, {"1a": ["1"]}), server.answer(FORM, {"1a": ["2"]})
    server.now += 2 * HOUR
    cursor = pages(server)[-1].cursor
    del server.responses[FORM][gone]
    server.now += 6 * DAY
    found = pages(server, cursor)
    assert (records(found), found[-1].snapshot) == ([], False)
    server.now += DAY
    found = pages(server, found[-1].cursor)
    assert ([one.ext_id for one in records(found)], found[-1].snapshot) == ([kept], True)


def test_other_settings_read_all_again(server: GoogleForms) -> None:
    server.answer(FORM, {"1a": ["1"]})
    server.now += 2 * HOUR
    cursor = pages(server)[-1].cursor
    server.now += DAY
    assert records(pages(server, cursor)) == []
    assert len(records(pages(server, cursor, items={"1a": "flow_focus_v2"}))) == 1


def test_nothing_handed_in_before_since_is_read(server: GoogleForms) -> None:
    server.now = NOW - 400 * DAY
    server.answer(FORM, {"1a": ["1"]})
    server.now = NOW
    new = server.answer(FORM, {"1a": ["2"]})
    assert [one.ext_id for one in records(pages(server, since="2026-01-01"))] == [new]


# -- as whom ----------------------------------------------------------------------------------------------------------


def test_a_token_is_used_for_an_hour_and_renewed_before_it_ends(server: GoogleForms) -> None:
    with closing(source(server)) as one:
        (scope,) = one.scopes()
        for _ in range(8):
            list(one.collect(scope, None))
            server.now += 9 * MINUTE
    assert server.asked().count(TOKEN) == 2


def test_a_token_that_is_refused_is_asked_for_again(server: GoogleForms) -> None:
    with closing(source(server)) as one:
        (scope,) = one.scopes()
        list(one.collect(scope, None))
        server.tokens.clear()
        list(one.collect(scope, None))
    assert server.asked().count(TOKEN) == 2


@pytest.mark.parametrize("ahead", [-3 * HOUR, 3 * HOUR])
def test_a_wrong_clock_of_this_machine_does_not_matter(server: GoogleForms, ahead: timedelta) -> None:
    server.answer(FORM, {"1a": ["4"]})
    server.now += 2 * HOUR
    cursor = pages(server, ahead=ahead)[-1].cursor
    assert server.asked().count(TOKEN) == 2
    server.now += 2 * HOUR
    new = server.answer(FORM, {"1a": ["5"]})
    assert [one.ext_id for one in records(pages(server, cursor, ahead=ahead))] == [new]


def test_a_key_that_was_deleted_stops_the_source_and_says_so(server: GoogleForms) -> None:
    server.is_key_valid = False
    with pytest.raises(
        AuthError, match=r"no token \(Invalid JWT Signature\.\): make a new key.*DX_PULSE__TOKEN"
    ) as told:
        pages(server)
    assert "PRIVATE" not in str(told.value)


def test_a_token_place_that_fails_is_tried_again(server: GoogleForms) -> None:
    failures = [503, 500]

    def fail(request: httpx2.Request) -> None:
        if request.url.path == TOKEN and failures:
            raise Refused(failures.pop(), "UNAVAILABLE", "Try again")

    server.before = fail
    assert records(pages(server)) == []
    failures.extend([503] * 9)
    with pytest.raises(RetryableError, match="503 where a token was asked for"):
        pages(server)


def test_the_key_may_be_in_a_file_of_the_project(server: GoogleForms, tmp_path: Path) -> None:
    (tmp_path / "key.json").write_text(key_of(), encoding="utf-8")
    server.answer(FORM, {"1a": ["4"]})
    assert len(records(pages(server, folder=tmp_path, key_file="key.json"))) == 1
    with pytest.raises(SettingsError, match=r"\[sources\.pulse\] key_file = .*absent\.json': No such file"):
        pages(server, folder=tmp_path, key_file="absent.json")


def test_a_key_with_line_breaks_in_it_is_understood(server: GoogleForms) -> None:
    server.answer(FORM, {"1a": ["4"]})
    assert len(records(pages(server, token=key_of().replace("\\n", "\n")))) == 1


@pytest.mark.parametrize("key", ["", "AIza-an-api-key", "[]", "{}"])
def test_what_is_no_key_of_a_service_account_is_refused(server: GoogleForms, key: str) -> None:
    with pytest.raises((SettingsError, ValidationError), match=r"no key of a service account|needs its key") as told:
        pages(server, token=key)
    assert "AIza" not in str(told.value)


@pytest.mark.parametrize("wrong", [{"private_key": "secret"}, {"token_uri": "file:///secret"}, {"client_email": ""}])
def test_a_key_that_lacks_something_is_refused_without_quoting_it(server: GoogleForms, wrong: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="no key of a service account") as told:
        pages(server, token=key_of(**wrong))
    assert not [word for word in ("secret", "PRIVATE") if word in str(told.value)]
    assert told.value.__cause__ is None


def test_a_key_of_another_kind_is_refused(server: GoogleForms) -> None:
    other = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(SettingsError, match="no key of a service account"):
        pages(server, token=key_of(private_key=other.decode()))


# -- what a person is told --------------------------------------------------------------------------------------------


def test_a_form_without_mapping_is_answered_with_its_questions(server: GoogleForms) -> None:
    with pytest.raises(SettingsError) as caught:
        pages(server, items={"9z": "flow_focus_v1"})
    assert str(caught.value) == (
        '[sources.pulse] items maps no question of the form "How is your work?" (but 9z): set items = { "id of the'
        ' question" = "id of the item" } of 1a "I can focus", 2b "Would you recommend our platform?", 3c "What would'
        ' help you most?"'
    )


def test_a_removed_question_is_told_and_its_former_answers_are_read(server: GoogleForms) -> None:
    server.answer(FORM, {"1a": ["4"], "2b": ["8"]})
    server.add_form(FORM, "How is your work?", scale("I can focus well", "7g", 1, 5), RECOMMEND, COMMENT)
    found = pages(server)
    assert {answer.item: answer.number for one in records(found) for answer in one.answers} == {
        "flow_focus_v1": 4, "recommend_v1": 8,
    }  # fmt: skip
    (note,) = found[-1].notes
    assert note == (
        "question 1a of item flow_focus_v1 is not asked any more; its former answers are still read: if it was made"
        ' anew, map one of 7g "I can focus well"'
    )


def test_a_form_that_is_not_shared_is_named_with_whom_to_share_it_with(server: GoogleForms) -> None:
    server.shared.clear()
    with pytest.raises(CollectError, match=f"does not have permission.*share form {FORM} with {ACCOUNT} as an editor"):
        pages(server)


def test_a_deleted_form_is_named_with_what_to_do(server: GoogleForms) -> None:
    del server.forms[FORM]
    with pytest.raises(NotFoundError, match=rf"pulse: form {FORM} is not there.*what was read of it is kept"):
        pages(server)


@pytest.mark.parametrize(
    ("form", "why"),
    [
        ("1FAIpQLSdPublic", "address that people answer at"),
        ("https://docs.google.com/forms/d/x/edit", "form"),
        ("", "form"),
    ],
)
def test_a_form_is_named_by_the_id_that_editors_see(server: GoogleForms, form: str, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        source(server, form=form)


@pytest.mark.parametrize("body", [[], None])
def test_an_answer_of_another_form_is_no_empty_list(server: GoogleForms, body: object) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, json=body) if request.url.path == RESPONSES else server.handle_request(request)

    with (
        pytest.raises(CollectError, match="form has changed"),
        closing(source(server, httpx2.MockTransport(answer))) as one,
    ):
        list(one.collect(next(one.scopes()), None))


def test_a_response_without_an_id_is_no_response(server: GoogleForms) -> None:
    key = server.answer(FORM, {"1a": ["4"]})
    del server.responses[FORM][key]["responseId"]
    with pytest.raises(CollectError, match="has no 'responseId'"):
        pages(server)


# -- what Google describes --------------------------------------------------------------------------------------------


def test_every_request_is_described(server: GoogleForms) -> None:
    described = contract("google-forms/v1.json")
    server.most = 2
    for _ in range(5):
        server.answer(FORM, {"1a": ["3"]})
    known = described.transport(server)

    def answer(request: httpx2.Request) -> httpx2.Response:
        return (server if request.url.path == TOKEN else known).handle_request(request)

    cursor: Cursor | None = None
    for _ in range(2):
        with closing(source(server, httpx2.MockTransport(answer))) as one:
            cursor = list(one.collect(next(one.scopes()), cursor))[-1].cursor
    assert {described.template(request) for request in server.requests if request.url.path != TOKEN} == {
        "/v1/forms/{formId}", "/v1/forms/{formId}/responses",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("Form", {"info", "items"}),
        ("Item", {"title", "questionItem", "questionGroupItem"}),
        ("QuestionItem", {"question"}),
        ("QuestionGroupItem", {"questions"}),
        ("Question", {"questionId", "scaleQuestion", "textQuestion", "fileUploadQuestion", "rowQuestion"}),
        ("RowQuestion", {"title"}),
        ("ScaleQuestion", {"low", "high"}),
        ("ListFormResponsesResponse", {"responses", "nextPageToken"}),
        ("FormResponse", {"responseId", "createTime", "answers"}),
        ("Answer", {"textAnswers"}),
        ("TextAnswers", {"answers"}),
        ("TextAnswer", {"value"}),
    ],
)
def test_every_field_that_is_read_is_described(kind: str, fields: set[str]) -> None:
    contract("google-forms/v1.json")  # or the test is skipped
    schemas = json.loads((FOLDER / "google-forms/v1.json").read_text(encoding="utf-8"))["components"]["schemas"]
    assert fields <= schemas[kind]["properties"].keys()
