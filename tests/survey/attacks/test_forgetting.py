"""What is withdrawn, erased or too old is gone from the file itself, and what stands does not move any more."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pytest

from dxmetrics.errors import LinkRefused, StateError
from dxmetrics.records import SurveyAnswer, SurveyResponse
from dxmetrics.survey import links, waves
from tests.conftest import Clock
from tests.survey.attacks.line import SURVEY, WAVE, Line, files_with, given, rows

DOCUMENT = {"closed_on": "2026-01-19", "cells": []}
DAY = date(2026, 1, 5)


@pytest.fixture
def line(data: Path, clock: Clock) -> Iterator[Line]:
    with Line(data, clock) as line:
        yield line


def vendor_rows(count: int, words: str = "canary words") -> list[SurveyResponse]:
    """What a collector delivers."""
    return [
        SurveyResponse(
            ext_id=f"vendor-{number:04}",
            survey=SURVEY,
            wave=WAVE,
            submitted_on=DAY,
            team="payments",
            answers=(
                SurveyAnswer(item="focus_v1", number=4),
                SurveyAnswer(item="notes_v1", text=f"{words} {number}"),
            ),
        )
        for number in range(count)
    ]


def merge(line: Line, delivered: list[SurveyResponse]) -> int:
    """Keep them; how many came too late."""
    return line.answers.collected.merge("typeform", "form", delivered, lambda _, item: line.instrument.item(item)).late


def test_what_is_withdrawn_before_the_close_is_not_in_the_file_any_more(line: Line) -> None:
    code = line.submit(line.token(), given(comment="canary of the withdrawn"))
    line.submit(line.token(), given(comment="canary of another"))
    assert line.answers.withdraw(code)
    assert line.count == 1
    assert [one.text for one in line.answers.comments(SURVEY, WAVE)] == ["canary of another"]
    assert not list(files_with(line.folder, [b"canary of the withdrawn"]))
    assert not line.answers.withdraw(code)


def test_a_withdrawn_response_does_not_give_its_link_back(line: Line) -> None:
    """Else whoever saw a link could withdraw and answer again until the results show what that changes."""
    token = line.token()
    assert line.answers.withdraw(line.submit(token))
    with pytest.raises(LinkRefused, match="used already"):
        line.submit(token)


def test_nobody_withdraws_with_anything_but_the_code(line: Line) -> None:
    token = line.token()
    code = line.submit(token, given(comment="words"))
    kept = rows(line.folder / "answers.sqlite", "responses") + rows(line.folder / "answers.sqlite", "comments")
    for guess in ("", token, token.rpartition(".")[2], code[:-1], code.swapcase(), "%", *(row["id"] for row in kept)):
        assert not line.answers.withdraw(guess)
    assert line.count == 1


def test_once_results_stand_nothing_is_withdrawn_or_added(line: Line, clock: Clock) -> None:
    """One answer more or less, and results computed again would differ by it."""
    code = line.submit(line.token())
    late = line.token()
    clock.now = line.wave.closes_at
    waves.close(line.state, line.answers, line.wave)
    line.answers.freeze(SURVEY, WAVE, DOCUMENT)
    assert not line.answers.withdraw(code)
    with pytest.raises(LinkRefused, match="closed"):
        line.submit(late)
    assert merge(line, vendor_rows(3)) == 3
    with pytest.raises(StateError, match="are not computed twice"):
        line.answers.freeze(SURVEY, WAVE, DOCUMENT | {"cells": [1]})
    assert line.answers.frozen() == {(SURVEY, WAVE): DOCUMENT}
    assert line.count == 1


def test_erasing_leaves_no_byte_of_the_answers_and_is_not_undone_by_computing_again(line: Line, clock: Clock) -> None:
    for number in range(25):
        line.submit(line.token("canary-team"), given(comment=f"canary words {number}"))
    clock.now = line.wave.closes_at
    waves.close(line.state, line.answers, line.wave)
    line.answers.freeze(SURVEY, WAVE, DOCUMENT | {"title": "canary results"})
    assert line.answers.erase(SURVEY, WAVE, with_results=False) == 25
    assert line.answers.frozen()[SURVEY, WAVE] is not None
    assert not list(files_with(line.folder, [b"canary words", b'focus_v1":'], but=["state.sqlite"]))
    assert line.answers.erase(SURVEY, WAVE, with_results=True) == 0
    assert not list(files_with(line.folder, [b"canary results"]))
    assert line.answers.frozen() == {(SURVEY, WAVE): None}
    with pytest.raises(StateError, match="are not computed twice"):
        line.answers.freeze(SURVEY, WAVE, DOCUMENT)
    assert merge(line, vendor_rows(3)) == 3


def test_answers_older_than_they_may_be_are_gone_with_every_byte_and_younger_ones_stay(
    line: Line, clock: Clock
) -> None:
    line.submit(line.token(), given(comment="canary of old"))
    clock.now = line.wave.closes_at
    waves.close(line.state, line.answers, line.wave)
    young = line.state.waves.open(SURVEY, "2026-Q2", line.instrument.to_json(), clock() + timedelta(days=14))
    line.id = young.id
    line.submit(line.token(), given(comment="canary of young"))
    assert line.answers.expire(SURVEY, clock().date()) == 1
    assert not list(files_with(line.folder, [b"canary of old"]))
    assert len(line.answers.responses(SURVEY, "2026-Q2")) == 1
    assert line.answers.expire(SURVEY, clock().date()) == 0


def test_nothing_of_another_tool_that_names_a_response_there_is_kept(line: Line) -> None:
    """Neither its id nor a time: with the tool's own export nobody finds out which row became which."""
    merge(line, vendor_rows(20))
    line.close()
    assert not list(files_with(line.folder, [b"vendor-"]))
    for row in rows(line.folder / "answers.sqlite", "responses"):
        assert row["submitted_on"] == "2026-01-05"
        assert row["pending_at"] is None
        assert len(row["id"]) == 64


def test_a_comment_of_another_tool_lies_apart_from_its_team(line: Line) -> None:
    merge(line, vendor_rows(20))
    for row in rows(line.folder / "answers.sqlite", "comments"):
        assert "payments" not in str(row.values())
        assert "team" not in row
    for row in rows(line.folder / "answers.sqlite", "responses"):
        assert "canary" not in str(row["answers"])


@pytest.mark.parametrize("item", ["tool_v1", "notes_v1", "focus_v1"])
@pytest.mark.parametrize("number", [None, 3.0])
def test_own_words_never_lie_beside_a_team_whatever_question_they_were_written_into(
    line: Line, item: str, number: float | None
) -> None:
    """A form may let people write into the last choice, and words may begin with a number."""
    words = SurveyAnswer(item=item, number=number, text="3 canary words")
    merge(line, [vendor_rows(1)[0].model_copy(update={"answers": (words,)})])
    for row in rows(line.folder / "answers.sqlite", "responses"):
        assert "canary" not in str(row["answers"])


def test_what_another_tool_deletes_is_gone_with_every_byte_until_results_stand(line: Line) -> None:
    merge(line, vendor_rows(20, "canary"))
    line.answers.collected.keep_only("typeform", "form", [f"vendor-{number:04}" for number in range(1, 20)])
    assert line.count == 19
    assert not list(files_with(line.folder, [b"canary 0"]))


def test_two_waves_share_no_id_by_which_a_person_could_be_followed(line: Line, clock: Clock) -> None:
    """The same person in two waves: other key, other nonce, other digest, other response."""
    person = "ada@example.org"
    first_key, first = line.key, links.personal_nonce(line.key, person)
    line.submit(line.token(nonce=first))
    clock.now = line.wave.closes_at
    waves.close(line.state, line.answers, line.wave)
    line.id = line.state.waves.open(SURVEY, "2026-Q2", line.instrument.to_json(), clock() + timedelta(days=14)).id
    second = links.personal_nonce(line.key, person)
    line.submit(line.token(nonce=second))
    assert line.key != first_key
    assert first != second
    values = [set(row.values()) for row in rows(line.folder / "answers.sqlite", "responses")]
    shared = {value for value in set.intersection(*values) if isinstance(value, str | bytes) and len(value) > 16}
    assert not {value for value in shared if not str(value).startswith("{")}


def test_no_column_of_the_answers_could_hold_a_person(line: Line) -> None:
    """No address, no browser, no network address, no time: what is not asked for cannot be given up."""
    with closing(sqlite3.connect(line.folder / "answers.sqlite")) as connection:
        columns = {
            table: {name for _, name, *_ in connection.execute(f"pragma table_info({table})")}
            for table in ("responses", "comments")
        }
    known = {"id", "survey", "wave", "source", "scope", "external", "pending"}
    assert columns["responses"] - known <= {
        "submitted_on", "team", "tenure", "language", "answers", "pending_at",
    }  # fmt: skip
    assert columns["comments"] - known <= {"item", "text", "may_share"}
