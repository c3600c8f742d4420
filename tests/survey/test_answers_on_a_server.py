"""The answers store on PostgreSQL: the same calls, the same answers as in its file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from dxmetrics.errors import StateError
from dxmetrics.records import SurveyResponse
from dxmetrics.state import open_state
from dxmetrics.survey import Answers, Comment, Given
from dxmetrics.survey.answers import Kept, open_answers
from tests.conftest import Clock
from tests.engine.test_state import server, url

__all__ = ["server", "url"]

GIVEN = Given({"fast_v1": 4, "editor_v1": "vim"}, (Comment("fix_v1", "The build.", may_share=True),), "en")
DAY = date(2026, 10, 5)


@pytest.fixture
def answers(url: str, tmp_path: Path, clock: Clock) -> Iterator[Answers]:
    with open_answers(url, tmp_path, clock) as opened:
        yield opened


def test_responses_are_kept_confirmed_withdrawn_and_settled(
    answers: Answers, url: str, tmp_path: Path, clock: Clock
) -> None:
    codes = []
    for place in range(4):
        code, attempt = answers.pend("small", "w", GIVEN, submitted_on=DAY, team="Search", tenure=None)
        codes.append((code, attempt))
        if place < 2:
            answers.confirm(code)
    answers.drop(codes[2][0])
    assert answers.withdraw(codes[0][0])
    clock.advance(hours=2)
    answers.settle("small", "w", lambda attempts: set(attempts) & {codes[3][1]})
    assert [one.answers for one in answers.responses("small", "w")] == [dict(GIVEN.answers)] * 2
    assert len(answers.comments("small", "w")) == 2
    with open_answers(url, tmp_path, clock) as again:
        assert len(again.responses("small", "w")) == 2


def test_what_is_collected_frozen_and_erased(answers: Answers) -> None:
    rows = [
        SurveyResponse.model_validate(
            {"ext_id": str(number), "survey": "small", "wave": "w", "submitted_on": DAY,
             "answers": [{"item": "fast_v1", "number": number % 5 + 1}, {"item": "x_v1", "text": "words"}]}
        )
        for number in range(6)
    ]  # fmt: skip
    assert answers.collected.merge("forms", "f", rows, lambda *_: None) == Kept(inserted=6)
    assert answers.collected.merge("forms", "f", rows, lambda *_: None) == Kept(unchanged=6)
    assert answers.collected.keep_only("forms", "f", [row.ext_id for row in rows[1:]]) == 1
    assert [(one.wave, one.last_on) for one in answers.waiting()] == [("w", DAY)]
    answers.freeze("small", "w", {"closed_on": "2026-10-20"})
    with pytest.raises(StateError, match="they are not computed twice"):
        answers.freeze("small", "w", {"closed_on": "2026-10-21"})
    assert answers.expire("small", DAY + timedelta(days=1)) == 5
    assert answers.frozen() == {("small", "w"): {"closed_on": "2026-10-20"}}
    answers.erase("small", "w", with_results=True)
    assert answers.frozen() == {("small", "w"): None}
    assert answers.comments("small", "w") == []


def test_a_backup_is_a_file_and_comes_back(answers: Answers, tmp_path: Path) -> None:
    code, _ = answers.pend("small", "w", GIVEN, submitted_on=DAY, team=None, tenure=None)
    answers.confirm(code)
    answers.backup(tmp_path / "backup.sqlite")
    assert answers.withdraw(code)
    answers.restore(tmp_path / "backup.sqlite")
    assert len(answers.responses("small", "w")) == 1


def test_both_stores_may_be_in_one_database(answers: Answers, url: str, tmp_path: Path, clock: Clock) -> None:
    with open_state(url, tmp_path, clock) as state:
        state.waves.open("small", "w", {}, clock())
        assert [wave.name for wave in state.waves.all()] == ["w"]
    assert answers.waiting() == []
