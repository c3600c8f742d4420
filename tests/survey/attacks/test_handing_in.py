"""Handing in: stolen, replayed and late links, a thousand clicks at once, and a process that dies at any moment."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dxmetrics.errors import LinkRefused
from dxmetrics.survey import links, receiving, waves
from dxmetrics.survey.answers import Answers
from dxmetrics.survey.links import Link
from tests.survey.attacks.line import IN_FLIGHT, SURVEY, WAVE, Line, files_with, given, rows

if TYPE_CHECKING:
    from tests.conftest import Clock

ROOT = Path(__file__).parents[3]
CLICKS = 1_000
AT_ONCE = 16
COMMITS = ("pend", "spend", "confirm")


@pytest.fixture
def line(data: Path, clock: Clock) -> Iterator[Line]:
    with Line(data, clock) as line:
        yield line


def refusal(line: Line, token: str) -> LinkRefused:
    with pytest.raises(LinkRefused) as refused:
        line.submit(token)
    with pytest.raises(LinkRefused) as at_opening:
        receiving.opened(line.state, token, line.clock())
    assert at_opening.value.why == refused.value.why
    return refused.value


def test_a_stolen_link_answers_once_and_its_owner_sees_that_it_was_used(line: Line) -> None:
    token = line.token()
    line.submit(token, given({"focus_v1": 1}))
    error = refusal(line, token)
    assert error.why == "used"
    assert "used already" in str(error)
    assert line.count == 1


def test_opening_a_link_however_often_answers_nothing(line: Line) -> None:
    token = line.token()
    for _ in range(20):
        receiving.opened(line.state, token, line.clock())
    assert line.count == 0
    assert line.wave.answered == 0
    line.submit(token)
    assert line.count == 1


def test_a_used_link_does_not_work_again_under_another_expiry_or_cohort(line: Line) -> None:
    """Signed anew over the same nonce, as a reminder would be: it is the nonce that is spent."""
    nonce = links.personal_nonce(line.key, "ada@example.org")
    line.submit(line.token("payments", nonce=nonce))
    assert refusal(line, line.token("search", nonce=nonce)).why == "used"
    later = Link(line.id, 1, line.wave.closes_at + timedelta(days=1), nonce)
    assert refusal(line, links.sign(line.key, later)).why == "used"


def test_a_link_of_another_wave_a_missing_cohort_or_no_wave_at_all_is_forged(line: Line) -> None:
    line.token()
    other = line.state.waves.open(SURVEY, "2026-Q2", line.instrument.to_json(), line.wave.closes_at)
    line.state.waves.invite(other.id, "payments", None, 1)
    key = line.state.waves.key(other.id)
    assert key is not None
    until = line.wave.closes_at
    for token in (
        links.sign(key, Link(line.id, 1, until, bytes(16))),
        links.sign(line.key, Link(other.id, 1, until, bytes(16))),
        links.sign(line.key, Link(line.id, 99, until, bytes(16))),
        links.sign(line.key, Link("ffffffff", 1, until, bytes(16))),
    ):
        error = refusal(line, token)
        assert error.why == "forged"
        assert "not one of ours" in str(error)
    assert line.count == 0


def test_an_expired_link_is_refused_though_its_wave_is_open(line: Line) -> None:
    cohort = line.state.waves.invite(line.id, "payments", None, 1)
    token = links.sign(line.key, Link(line.id, cohort.number, line.clock() + timedelta(hours=48), bytes(16)))
    line.clock.advance(hours=48)  # type: ignore[attr-defined]
    error = refusal(line, token)
    assert error.why == "expired"
    assert "expired" in str(error)


def test_a_link_is_refused_from_the_moment_its_wave_ends_closed_or_not(line: Line, clock: Clock) -> None:
    cohort = line.state.waves.invite(line.id, "payments", None, 2)
    closes_at = line.wave.closes_at
    tokens = [
        links.sign(line.key, Link(line.id, cohort.number, closes_at + timedelta(days=9), bytes([n] * 16)))
        for n in range(2)
    ]
    clock.now = closes_at
    for token in tokens:
        error = refusal(line, token)
        assert error.why == "closed"
        assert "closed" in str(error)
    waves.close(line.state, line.answers, line.wave)
    assert refusal(line, tokens[0]).why == "closed"
    assert line.count == 0


def test_after_closing_neither_key_nor_spent_links_are_anywhere(line: Line) -> None:
    nonces = [links.personal_nonce(line.key, f"person{number}@example.org") for number in range(12)]
    for nonce in nonces:
        line.submit(line.token(nonce=nonce))
    key, digests = line.key, [links.digest(nonce) for nonce in nonces]
    assert list(files_with(line.folder, [key, *digests]))
    waves.close(line.state, line.answers, line.wave)
    assert line.state.waves.key(line.id) is None
    assert not list(files_with(line.folder, [key, *digests, *nonces]))
    line.close()
    assert not list(files_with(line.folder, [key, *digests, *nonces]))
    assert [row["answered"] for row in rows(line.folder / "state.sqlite", "survey_cohorts")] == [12]


def test_a_thousand_clicks_at_once_are_one_response(line: Line) -> None:
    token = line.token()

    def click(number: int) -> str:
        try:
            line.submit(token, given({"focus_v1": number % 5 + 1}, f"canary {number}"))
        except LinkRefused as error:
            return error.why
        return "taken"

    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcome = Counter(pool.map(click, range(CLICKS)))
    assert outcome == {"taken": 1, "used": CLICKS - 1}
    assert line.count == 1
    assert len(line.answers.comments(SURVEY, WAVE)) == 1
    assert len(rows(line.folder / "answers.sqlite", "responses")) == 1
    assert line.wave.answered == 1


class Killed(BaseException):
    """The process ends here."""


def killed_at(line: Line, monkeypatch: pytest.MonkeyPatch, where: str, token: str, what: Any) -> None:
    """Hand in with a process that ends just before a commit."""

    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Answers if where != "spend" else type(line.state.waves), where, die)
        with pytest.raises(Killed):
            line.submit(token, what)


@pytest.mark.parametrize("where", COMMITS)
def test_a_process_that_dies_between_two_commits_loses_and_doubles_nothing(
    line: Line, clock: Clock, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """Whoever got no answer tries again; when the wave closes, there is one response and nothing of the link."""
    nonce = links.random_nonce()
    token = line.token(nonce=nonce)
    killed_at(line, monkeypatch, where, token, given({"focus_v1": 5}, "first words"))
    assert line.count == 0
    try:
        line.submit(token, given({"focus_v1": 5}, "second words"))
    except LinkRefused as error:
        assert error.why == "used"  # noqa: PT017  # right only where the link was spent
        assert where == "confirm"
    clock.now = line.wave.closes_at
    waves.close(line.state, line.answers, line.wave)
    assert line.count == 1
    assert len(line.answers.comments(SURVEY, WAVE)) == 1
    (cohort,) = line.wave.cohorts
    assert cohort.answered == 1
    assert not list(files_with(line.folder, [links.digest(nonce), nonce]))


def test_a_double_click_that_dies_before_it_is_dropped_does_not_count_twice(
    line: Line, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two at once are both kept, and one spends the link and counts: that it is spent is no reason to count both."""
    nonce = links.random_nonce()
    token = line.token(nonce=nonce)
    spend = type(line.state.waves).spend

    def overtaken(own: Any, *rest: Any) -> bool:
        with monkeypatch.context() as once:
            once.setattr(type(line.state.waves), "spend", spend)
            line.submit(token, given({"focus_v1": 5}, "the first"))
        return spend(own, *rest)

    with monkeypatch.context() as patched:
        patched.setattr(type(line.state.waves), "spend", overtaken)
        killed_at(line, patched, "drop", token, given({"focus_v1": 1}, "the second"))
    clock.now = line.wave.closes_at
    waves.close(line.state, line.answers, line.wave)
    assert [one.answers["focus_v1"] for one in line.answers.responses(SURVEY, WAVE)] == [5]
    assert [one.text for one in line.answers.comments(SURVEY, WAVE)] == ["the first"]
    assert not list(files_with(line.folder, [links.digest(nonce)]))


def test_kill_9_amid_many_leaves_as_many_responses_as_spent_links(data: Path, clock: Clock) -> None:
    """What was acknowledged counts, nothing counts twice, whoever was not answered can, and no link is left."""
    with Line(data, clock) as line:
        nonces = [links.random_nonce() for _ in range(200)]
        tokens = [line.token(nonce=nonce) for nonce in nonces]
    command = [sys.executable, "-m", "tests.survey.attacks.line", str(data)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("\n".join(tokens))
        process.stdin.close()
        taken = [process.stdout.readline().strip() for _ in range(25)]
        process.send_signal(signal.SIGKILL)
        taken += process.stdout.read().split()
    with Line(data, clock) as line:
        spent = line.wave.answered
        assert 25 <= len(taken) <= spent <= len(taken) + IN_FLIGHT
        for token in tokens[:50]:
            if token in taken:
                with pytest.raises(LinkRefused, match="used already"):
                    line.submit(token, given(comment="words"))
            else:
                with suppress(LinkRefused):  # spent, and killed before it could say so
                    line.submit(token, given(comment="words"))
        spent = line.wave.answered
        assert spent >= 50
        clock.now = line.wave.closes_at
        waves.close(line.state, line.answers, line.wave)
        assert line.count == spent
        assert len(line.answers.comments(SURVEY, WAVE)) == spent
    assert not list(files_with(data, [links.digest(nonce) for nonce in nonces]))
