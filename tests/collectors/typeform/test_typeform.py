"""What is read of a form of Typeform, when, and what is said when it cannot be."""

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
from tests.collectors.contract import FOLDER, contract
from tests.fakes.typeform import SECRETS, Refused, Typeform, choice, chosen, given, number, question, words

collectors.extend_path([builtin_root() / "collectors"])
typeform: Any = importlib.import_module("dxmetrics.collectors.typeform")

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
FORM = "u6nXL7"
FOCUS = question("q1", "opinion_scale", "I can focus", steps=5, start_at_one=True)
RECOMMEND = question("q2", "nps", "Would you recommend our platform?", steps=11, start_at_one=False)
COMMENT = question("q3", "long_text", "What would help you most?")
ITEMS = {"q1": "flow_focus_v1", "q2": "recommend_v1", "q3": "comment_v1"}


@pytest.fixture
def server() -> Typeform:
    """A form with three questions, and nobody who has answered."""
    server = Typeform(NOW)
    server.add_form(FORM, "How is your work?", FOCUS, RECOMMEND, COMMENT, hidden=("team", "tenure"))
    return server


def source(server: Typeform, transport: httpx2.BaseTransport | None = None, **settings: Any) -> Any:
    chosen = {"kind": "typeform", "token": "tfp_secret", "form": FORM, "survey": "devex", "items": ITEMS, **settings}
    context = Context(now=lambda: server.now, folder=Path(), transport=transport or server, sleep=lambda _: None)
    return typeform.Typeform("pulse", typeform.TypeformSettings.model_validate(chosen), context)


def pages(server: Typeform, cursor: Cursor | None = None, **settings: Any) -> list[Page]:
    """The pages of one collection after `cursor`."""
    with closing(source(server, **settings)) as one:
        return [page for scope in one.scopes() for page in one.collect(scope, cursor)]


def records(found: list[Page]) -> list[SurveyResponse]:
    """The responses of pages, in their order."""
    return [SurveyResponse.model_validate(row) for page in found for row in page.rows[SurveyResponse]]


def said(server: Typeform, **settings: Any) -> dict[str, tuple[float | None, str | None]]:
    """Number and text of the only response, by item."""
    (one,) = records(pages(server, **settings))
    return {answer.item: (answer.number, answer.text) for answer in one.answers}


# -- one response -----------------------------------------------------------------------------------------------------


def test_a_response_has_a_day_a_cohort_and_the_mapped_answers(server: Typeform) -> None:
    answers = [number(FOCUS, 4), number(RECOMMEND, 9), words(COMMENT, "Faster builds")]
    key = server.answer(FORM, *answers, hidden={"team": "payments", "tenure": "1-2"})
    (one,) = records(pages(server, team="team", tenure="tenure"))
    assert (one.ext_id, one.survey, one.wave, one.submitted_on) == (key, "devex", "2026-Q4", date(2026, 11, 20))
    assert (one.team, one.cohort, one.language, one.updated_at, one.url) == ("payments", "1-2", None, None, None)
    assert [(answer.item, answer.number, answer.text) for answer in one.answers] == [
        ("flow_focus_v1", 4, None), ("recommend_v1", 9, None), ("comment_v1", None, "Faster builds"),
    ]  # fmt: skip


def test_nothing_that_the_browser_told_leaves_the_source(server: Typeform) -> None:
    address = question("q9", "email", "Your address")
    server.add_form(FORM, "How is your work?", FOCUS, address, hidden=("team", "employee"))
    mail = given(address, "email", SECRETS[3])
    server.answer(FORM, number(FOCUS, 4), mail, hidden={"team": "payments", "employee": "4711 Ada"})
    sent = json.dumps([dict(page.rows)[SurveyResponse] for page in pages(server)], default=str)
    assert "payments" not in sent  # which no setting names
    assert not [secret for secret in (*SECRETS, "Ada", "4711", "12:00", "landed") if secret in sent]


def test_questions_are_found_by_their_ref_too(server: Typeform) -> None:
    server.answer(FORM, number(FOCUS, 2))
    assert said(server, items={"ref_q1": "flow_focus_v1"}) == {"flow_focus_v1": (2, None)}


def test_yes_and_no_are_one_and_zero(server: Typeform) -> None:
    first, second = question("a", "yes_no", "Is it fast?"), question("b", "yes_no", "Is it easy?")
    server.add_form(FORM, "Fast?", first, second)
    server.answer(FORM, given(first, "boolean", True), given(second, "boolean", False))
    assert said(server, items={"a": "fast_v1", "b": "easy_v1"}) == {"fast_v1": (1, None), "easy_v1": (0, None)}


def test_a_choice_is_told_in_the_forms_own_language_and_has_its_code(server: Typeform) -> None:
    asked = question("c", "multiple_choice", "Agree?", choices=[choice("Agree"), choice("Disagree")])
    server.add_form(FORM, "Agree?", asked)
    server.answer(FORM, chosen(asked, "Agree", shown_as="Stimme zu"))
    assert said(server, items={"c": "agree_v1"}, values={"agree": 4}) == {"agree_v1": (4, "Agree")}


def test_several_choices_and_other_ones_are_told_together(server: Typeform) -> None:
    asked = question("c", "multiple_choice", "Which?", choices=[choice("Builds"), choice("Reviews")])
    alone = question("d", "multiple_choice", "Which one?", choices=[choice("Builds")])
    server.add_form(FORM, "Which?", asked, alone)
    several = {"ids": ["id-Builds", "gone"], "labels": ["ビルド", "Former"], "other": "Meetings"}
    server.answer(FORM, given(asked, "choices", several), given(alone, "choice", {"other": "Lunch"}))
    found = said(server, items={"c": "which_v1", "d": "one_v1"})
    assert found == {"which_v1": (None, "Builds, Former, Meetings"), "one_v1": (None, "Lunch")}


def test_questions_in_groups_and_rows_of_matrices_are_questions(server: Typeform) -> None:
    row = question("m1", "multiple_choice", "Builds", choices=[choice("Good"), choice("Bad")])
    matrix = question("m", "matrix", "How are", fields=[row])
    server.add_form(FORM, "Grouped", question("g", "group", "About", fields=[FOCUS, matrix]))
    server.answer(FORM, number(FOCUS, 1), given(row, "choices", {"ids": ["id-Bad"], "labels": ["Bad"]}))
    found = said(server, items={"q1": "flow_focus_v1", "m1": "builds_v1"})
    assert found == {"flow_focus_v1": (1, None), "builds_v1": (None, "Bad")}


def test_words_that_begin_with_a_number_are_words(server: Typeform) -> None:
    server.answer(FORM, words(COMMENT, "3 hours a day of waiting"))
    assert said(server) == {"comment_v1": (None, "3 hours a day of waiting")}


def test_half_filled_responses_have_what_was_answered_and_empty_ones_nothing(server: Typeform) -> None:
    server.answer(FORM, number(RECOMMEND, 0), words(COMMENT, "  "))
    server.answer(FORM)
    half, empty = records(pages(server))
    assert [(answer.item, answer.number) for answer in half.answers] == [("recommend_v1", 0)]
    assert empty.answers == ()


def test_what_was_not_handed_in_is_left_out(server: Typeform) -> None:
    server.answer(FORM, number(FOCUS, 4), is_handed_in=False)
    server.answer(FORM, number(FOCUS, 5))
    assert [one.ext_id for one in records(pages(server))] == ["r00001"]


def test_the_day_and_the_wave_are_those_of_the_zone(server: Typeform) -> None:
    server.now = datetime(2026, 9, 30, 22, 30, tzinfo=UTC)
    server.answer(FORM, number(FOCUS, 4))
    server.now = NOW
    (one,) = records(pages(server, zone="Europe/Berlin"))
    assert (one.submitted_on, one.wave) == (date(2026, 10, 1), "2026-Q4")
    (one,) = records(pages(server, wave="autumn"))
    assert (one.submitted_on, one.wave) == (date(2026, 9, 30), "autumn")


def test_numbers_outside_the_present_scale_are_left_out_and_told(server: Typeform) -> None:
    server.answer(FORM, number(FOCUS, 9), number(RECOMMEND, 10))
    server.answer(FORM, number(FOCUS, 5))
    found = pages(server)
    assert [[answer.item for answer in one.answers] for one in records(found)] == [["recommend_v1"], ["flow_focus_v1"]]
    (note,) = found[-1].notes
    assert note == (
        'question q1 "I can focus": answers outside 1 to 5 are left out, as they were given on another scale: ask on'
        " another scale in a new question"
    )
    server.now += 2 * HOUR
    assert pages(server, found[-1].cursor)[-1].notes == (note,)


@pytest.mark.parametrize(
    ("asked", "inside", "outside"),
    [
        (question("q1", "rating", "Stars", steps=3, shape="star"), (1, 3), (0, 4)),
        (question("q1", "opinion_scale", "From zero", steps=11), (0, 10), (-1, 11)),
        (question("q1", "number", "How many builds?"), (0, 4_000), ()),
    ],
)
def test_each_kind_of_scale_has_its_own_numbers(
    server: Typeform, asked: Any, inside: tuple[int, ...], outside: tuple[int, ...]
) -> None:
    server.add_form(FORM, "Scales", asked)
    for value in (*inside, *outside):
        server.answer(FORM, number(asked, value))
    numbers = [answer.number for one in records(pages(server)) for answer in one.answers]
    assert numbers == list(inside)


# -- what is read when ------------------------------------------------------------------------------------------------


def test_a_look_takes_two_requests_and_reads_an_hour_again(server: Typeform) -> None:
    server.answer(FORM, number(FOCUS, 1))
    server.now += 3 * HOUR
    first = pages(server)
    assert server.asked() == [f"/forms/{FORM}", f"/forms/{FORM}/responses"]
    assert first[-1].snapshot
    assert first[-1].is_last
    late = server.answer(FORM, number(FOCUS, 2))
    server.responses[FORM][-1]["submitted_at"] = "2026-11-20T14:20:00Z"  # handed in before the last look, listed after
    server.now += 10 * MINUTE
    second = pages(server, first[-1].cursor)
    assert [one.ext_id for one in records(second)] == [late]
    assert not second[-1].snapshot
    assert server.requests[-1].url.params["since"] == "2026-11-20T14:00:00"


def test_what_took_hours_to_answer_is_read_when_it_is_handed_in(server: Typeform) -> None:
    cursor = pages(server)[-1].cursor
    server.now += 3 * HOUR
    cursor = pages(server, cursor)[-1].cursor
    server.now += MINUTE
    key = server.answer(FORM, number(FOCUS, 3))  # begun before the last two looks
    assert [one.ext_id for one in records(pages(server, cursor))] == [key]


def test_all_pages_are_read_and_none_moves_the_cursor_before_the_last(server: Typeform) -> None:
    server.now = NOW - 3 * DAY
    for place in range(2_050):
        server.answer(FORM, number(FOCUS, 1 + place % 5))
        server.now += MINUTE
    found = pages(server)
    assert [len(page.rows[SurveyResponse]) for page in found] == [1_000, 1_000, 52]
    assert len({one.ext_id for one in records(found)}) == 2_050
    assert [page.cursor is None for page in found] == [True, True, False]
    assert [page.is_last for page in found] == [False, False, True]


def test_responses_that_are_deleted_between_two_pages_take_no_others_along(server: Typeform) -> None:
    server.now = NOW - 3 * DAY
    for _ in range(1_500):
        server.answer(FORM, number(FOCUS, 1))
        server.now += MINUTE
    with closing(source(server)) as one:
        (scope,) = one.scopes()
        reading = one.collect(scope, None)
        first = next(reading)
        for key in ("r00003", "r00999", "r01000"):
            server.delete(FORM, key)
        keys = {row["ext_id"] for page in (first, *reading) for row in page.rows[SurveyResponse]}
    assert keys == {f"r{place:05}" for place in range(1_500)} - {"r01000"}


def test_more_responses_in_a_second_than_a_page_holds_are_an_error_and_no_loop(server: Typeform) -> None:
    for _ in range(1_001):
        server.answer(FORM, number(FOCUS, 1))
    with pytest.raises(CollectError, match="ends where it began"):
        pages(server)


def test_once_a_week_all_is_read_again_so_that_what_was_deleted_is_noticed(server: Typeform) -> None:
    gone, kept = server.answer(FORM, number(FOCUS, 1)), server.answer(FORM, number(FOCUS, 2))
    server.now += 2 * HOUR
    cursor = pages(server)[-1].cursor
    server.delete(FORM, gone)
    server.now += 6 * DAY
    found = pages(server, cursor)
    assert (records(found), found[-1].snapshot) == ([], False)
    server.now += DAY
    found = pages(server, found[-1].cursor)
    assert ([one.ext_id for one in records(found)], found[-1].snapshot) == ([kept], True)
    server.now += HOUR
    assert not pages(server, found[-1].cursor)[-1].snapshot


@pytest.mark.parametrize(
    "changed", [{"items": {"q1": "flow_focus_v2"}}, {"values": {"Agree": 4}}, {"wave": "month"}, {"team": "team"}]
)
def test_other_settings_read_all_again(server: Typeform, changed: dict[str, Any]) -> None:
    server.answer(FORM, number(FOCUS, 1))
    server.now += 2 * HOUR
    cursor = pages(server)[-1].cursor
    server.now += DAY
    assert records(pages(server, cursor)) == []
    assert len(records(pages(server, cursor, **changed))) == 1
    assert records(pages(server, cursor, timeout_seconds=5)) == []


def test_nothing_handed_in_before_since_is_read(server: Typeform) -> None:
    server.now = NOW - 400 * DAY
    server.answer(FORM, number(FOCUS, 1))
    server.now = NOW
    new = server.answer(FORM, number(FOCUS, 2))
    assert [one.ext_id for one in records(pages(server, since="2026-01-01"))] == [new]


# -- what a person is told --------------------------------------------------------------------------------------------


def test_a_form_without_mapping_is_answered_with_its_questions(server: Typeform) -> None:
    server.add_form(FORM, "How is your work?", FOCUS, question("s", "statement", "Welcome"), COMMENT)
    for items, mapped in (({}, ""), ({"Q1": "flow_focus_v1"}, " (but Q1)")):
        with pytest.raises(SettingsError) as caught:
            pages(server, items=items)
        assert str(caught.value) == (
            f'[sources.pulse] items maps no question of the form "How is your work?"{mapped}: set items = {{ "id of the'
            ' question" = "id of the item" } of q1 "I can focus", q3 "What would help you most?"'
        )


def test_a_removed_question_is_told_and_its_former_answers_are_read(server: Typeform) -> None:
    server.answer(FORM, number(FOCUS, 4), number(RECOMMEND, 8))
    anew = question(
        "q7", "opinion_scale", "I can focus on my work for hours without anybody who interrupts me", steps=5
    )
    server.add_form(FORM, "How is your work?", anew, RECOMMEND, COMMENT)
    found = pages(server, team="squad")
    assert [answer.item for one in records(found) for answer in one.answers] == ["flow_focus_v1", "recommend_v1"]
    asked = 'if it was made anew, map one of q7 "I can focus on my work for hours without anybody who interru..."'
    assert found[-1].notes == (
        f"question q1 of item flow_focus_v1 is not asked any more; its former answers are still read: {asked}",
        f"squad, which team names, is neither a question nor a hidden field any more: {asked}",
    )


@pytest.mark.parametrize(("setting", "value"), [("items", {"q9": "who_v1"} | ITEMS), ("team", "ref_q9")])
@pytest.mark.parametrize("kind", ["email", "phone_number", "contact_info", "address", "file_upload"])
def test_a_question_about_who_somebody_is_cannot_be_mapped(
    server: Typeform, kind: str, setting: str, value: Any
) -> None:
    server.add_form(FORM, "Who?", FOCUS, question("q9", kind, "Who are you?"))
    with pytest.raises(SettingsError, match=f'{setting} names q9 "Who are you\\?", which asks who somebody is'):
        pages(server, **{setting: value})


def test_a_deleted_form_is_named_with_what_to_do(server: Typeform) -> None:
    del server.forms[FORM]
    with pytest.raises(NotFoundError, match=r"pulse: form u6nXL7 is not there.*what was read of it is kept"):
        pages(server)


def test_a_revoked_token_stops_the_source_and_names_the_variable(server: Typeform) -> None:
    with pytest.raises(AuthError, match=r"forms:read and responses:read and set DX_PULSE__TOKEN") as caught:
        pages(server, token="tfp_revoked")  # noqa: S106 - the fake's
    assert "tfp_revoked" not in str(caught.value)


def test_a_token_without_the_scope_fails_the_form_alone(server: Typeform) -> None:
    def refuse(request: httpx2.Request) -> None:
        if request.url.path.endswith("responses"):
            raise Refused(403, "FORBIDDEN", "User doesn't have permission to access the resource.")

    server.before = refuse
    with pytest.raises(CollectError, match="needs a token with forms:read and responses:read") as caught:
        pages(server)
    assert not isinstance(caught.value, AuthError)


def test_other_refusals_are_told_as_they_are(server: Typeform) -> None:
    def limit(_: httpx2.Request) -> None:
        raise Refused(429, "TOO_MANY_REQUESTS", "Slow down")

    server.before = limit
    with pytest.raises(LimitedError):
        pages(server)


@pytest.mark.parametrize("body", [[], {"total_items": 0}, {"items": None}])
def test_an_answer_of_another_form_is_no_empty_list(server: Typeform, body: object) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path.endswith("responses"):
            return httpx2.Response(200, json=body)
        return server.handle_request(request)

    with (
        pytest.raises(CollectError, match=r"form changed|form has changed"),
        closing(source(server, httpx2.MockTransport(answer))) as one,
    ):
        list(one.collect(next(one.scopes()), None))


@pytest.mark.parametrize("form", ["", "acme.typeform.com/to/u6nXL7", "../me"])
def test_a_form_is_named_by_its_id(server: Typeform, form: str) -> None:
    with pytest.raises(ValidationError, match="form"):
        source(server, form=form)


# -- what Typeform describes ------------------------------------------------------------------------------------------


def test_every_request_is_described(server: Typeform) -> None:
    described = contract("typeform/v1.json")
    server.answer(FORM, number(FOCUS, 1))
    cursor: Cursor | None = None
    for _ in range(2):
        with closing(source(server, described.transport(server))) as one:
            cursor = list(one.collect(next(one.scopes()), cursor))[-1].cursor
    assert {described.template(request) for request in server.requests} == {
        "/forms/{form_id}", "/forms/{form_id}/responses",
    }  # fmt: skip


def test_the_responses_that_typeform_shows_as_an_example_are_read(server: Typeform) -> None:
    contract("typeform/v1.json")  # or the test is skipped
    api = json.loads((FOLDER / "typeform/v1.json").read_text(encoding="utf-8"))
    answered = api["paths"]["/forms/{form_id}/responses"]["get"]["responses"]["200"]["content"]["application/json"]
    shown = answered["examples"]["example"]["value"]["items"]
    server.add_form(FORM, "Cities", question("NRsxU591jIW9", "opinion_scale", "How sure?", steps=10, start_at_one=True))
    server.responses[FORM] = shown
    items = {
        "NRsxU591jIW9": "sure_v1", "RUqkXSeXBXSd": "abroad_v1", "DlXFaesGBpoF": "why_v1", "PNe8ZKBK8C2Q": "cities_v1",
        "my_custom_multiple_choice2_reference": "city_v1",
    }  # fmt: skip
    found = {one.ext_id: one for one in records(pages(server, items=items))}
    first = {
        answer.item: answer.number if answer.text is None else answer.text
        for answer in found[shown[0]["token"]].answers
    }
    assert first["sure_v1"] == 1
    assert first["abroad_v1"] == 0
    assert first["cities_v1"] == "New York, Tokyo"
    assert first["city_v1"] == "Tokyo"
    assert str(first["why_v1"]).startswith("It's a big, busy city.")
    handed_in = [row["token"] for row in shown if not row["submitted_at"].startswith("0001")]
    assert sorted(found) == sorted(handed_in)
