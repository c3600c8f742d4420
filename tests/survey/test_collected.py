"""Answers that other tools collected: merged by a key nobody can read, and the words apart from the rest."""

from __future__ import annotations

import sqlite3
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from dxmetrics.records import SurveyResponse
from dxmetrics.survey import Answers, Comment, Given, Instrument, Response
from dxmetrics.survey.answers import Kept
from dxmetrics.survey.instrument import Item
from tests.survey.conftest import document

ITEMS = {item.id: item for item in Instrument.model_validate(document()).items}


def item_of(_survey: str, item: str) -> Item | None:
    return ITEMS.get(item)


def response(name: str, *answers: dict[str, Any], **fields: Any) -> SurveyResponse:
    said: dict[str, Any] = {"survey": "small", "wave": "2026-Q3", "submitted_on": date(2026, 8, 3), "team": "Search"}
    return SurveyResponse(ext_id=name, answers=answers, **(said | fields))


FAST = {"item": "fast_v1", "number": 4.0}
WORDS = {"item": "fix_v1", "text": "3 things", "number": 3.0, "may_share": True}


def test_the_same_rows_again_change_nothing(answers: Answers) -> None:
    rows = [response("a", FAST, WORDS), response("b", {"item": "fast_v1", "number": 2.0})]
    assert answers.collected.merge("forms", "f1", rows, item_of) == Kept(inserted=2)
    assert answers.collected.merge("forms", "f1", rows, item_of) == Kept(unchanged=2)
    assert answers.comments("small", "2026-Q3") == [Comment("fix_v1", "3 things", may_share=True)]
    said = {one.answers["fast_v1"] for one in answers.responses("small", "2026-Q3")}
    assert said == {4.0, 2.0}


def test_an_edited_response_is_kept_once_with_its_newest_words(answers: Answers) -> None:
    answers.collected.merge("forms", "f1", [response("a", FAST, WORDS)], item_of)
    edited = response("a", {"item": "fast_v1", "number": 1.0}, {"item": "fix_v1", "text": "Tests"})
    assert answers.collected.merge("forms", "f1", [edited], item_of) == Kept(updated=1)
    (one,) = answers.responses("small", "2026-Q3")
    assert one == Response(date(2026, 8, 3), "Search", None, {"fast_v1": 1.0}, None)
    assert answers.comments("small", "2026-Q3") == [Comment("fix_v1", "Tests", may_share=False)]
    assert answers.collected.merge("forms", "f1", [response("a", edited.answers[0].model_dump())], item_of).updated == 1
    assert answers.comments("small", "2026-Q3") == []


@pytest.mark.parametrize(
    ("text", "kept"), [("vim", "vim"), (" Another ONE ", "other"), ("other", "other"), ("Emacs, as Ada has it", "?")]
)
def test_an_option_goes_with_the_response_and_own_words_do_not(text: str, kept: str, answers: Answers) -> None:
    said = response("a", {"item": "editor_v1", "text": text}, {"item": "new_v1", "text": "private"})
    answers.collected.merge("forms", "f1", [said], item_of)
    assert answers.responses("small", "2026-Q3")[0].answers == {"editor_v1": kept}
    assert answers.comments("small", "2026-Q3") == [Comment("new_v1", "private", may_share=False)]


def test_nothing_leads_back_to_the_other_tool(answers: Answers, tmp_path: Path) -> None:
    rows = [response(f"vendor-id-{number}", FAST, {"item": "fix_v1", "text": f"t{number}"}) for number in range(30)]
    answers.collected.merge("forms", "f1", rows, item_of)
    file = tmp_path / "data" / "answers.sqlite"
    assert b"vendor-id" not in file.read_bytes()
    with sqlite3.connect(file) as connection:
        ids = [{row[0] for row in connection.execute(f"select {name} from {table}")}
               for table in ("responses", "comments") for name in ("id", "external")]  # fmt: skip
    assert not any(one & other for place, one in enumerate(ids) for other in ids[place + 1 :])


def test_what_the_tool_does_not_have_any_more_is_erased(answers: Answers, tmp_path: Path) -> None:
    rows = [response(name, FAST, {"item": "fix_v1", "text": f"words of {name}"}) for name in ("a", "b", "c")]
    answers.collected.merge("forms", "f1", rows[:2], item_of)
    answers.collected.merge("forms", "f2", rows[2:], item_of)
    assert answers.collected.keep_only("forms", "f1", ["b"]) == 1
    assert {one.text for one in answers.comments("small", "2026-Q3")} == {"words of b", "words of c"}
    assert answers.collected.keep_scopes("forms", ["f1"]) == 1
    assert {one.text for one in answers.comments("small", "2026-Q3")} == {"words of b"}
    assert answers.collected.keep_sources(["other"]) == 1
    assert answers.responses("small", "2026-Q3") == []
    assert b"words of" not in (tmp_path / "data" / "answers.sqlite").read_bytes()


def test_our_own_answers_are_no_sources(answers: Answers) -> None:
    given, day = Given({"fast_v1": 4}), date(2026, 8, 3)
    code, _ = answers.pend("small", "2026-Q3", given, submitted_on=day, team=None, tenure=None)
    answers.confirm(code)
    answers.collected.keep_sources([])
    assert len(answers.responses("small", "2026-Q3")) == 1


def test_results_that_stand_are_touched_by_nothing(answers: Answers) -> None:
    answers.collected.merge("forms", "f1", [response("a", FAST, WORDS)], item_of)
    answers.freeze("small", "2026-Q3", {"closed_on": "2026-08-20"})
    late = [response("a", {"item": "fast_v1", "number": 1.0}), response("late", FAST)]
    assert answers.collected.merge("forms", "f1", late, item_of) == Kept(late=2)
    assert answers.collected.keep_only("forms", "f1", []) == 0
    assert [one.answers for one in answers.responses("small", "2026-Q3")] == [{"fast_v1": 4.0}]
    assert answers.waiting() == []


def test_waves_wait_for_their_results(answers: Answers) -> None:
    rows = [response("a", submitted_on=date(2026, 8, 3)), response("b", submitted_on=date(2026, 8, 9)),
            response("c", wave="2026-Q4")]  # fmt: skip
    answers.collected.merge("forms", "f1", rows, item_of)
    found = [(one.wave, one.first_on, one.last_on) for one in answers.waiting()]
    assert found == [("2026-Q3", date(2026, 8, 3), date(2026, 8, 9)), ("2026-Q4", date(2026, 8, 3), date(2026, 8, 3))]


def test_retention_erases_answers_and_leaves_results(answers: Answers, tmp_path: Path) -> None:
    answers.collected.merge("forms", "f1", [response("a", FAST, {"item": "fix_v1", "text": "canary"})], item_of)
    answers.freeze("small", "2026-Q3", {"closed_on": "2026-08-20"})
    assert answers.expire("small", date(2026, 8, 3)) == 0
    assert answers.expire("small", date(2026, 8, 4)) == 1
    assert answers.responses("small", "2026-Q3") == []
    assert b"canary" not in (tmp_path / "data" / "answers.sqlite").read_bytes()
    assert list(answers.frozen()) == [("small", "2026-Q3")]


def test_a_wave_can_be_erased_with_its_results_for_good(answers: Answers) -> None:
    answers.collected.merge("forms", "f1", [response("a", FAST)], item_of)
    answers.freeze("small", "2026-Q3", {"closed_on": "2026-08-20"})
    assert answers.erase("small", "2026-Q3", with_results=True) == 1
    assert answers.frozen() == {("small", "2026-Q3"): None}
    assert answers.collected.merge("forms", "f1", [response("a", FAST)], item_of) == Kept(late=1)
    assert answers.waiting() == []
