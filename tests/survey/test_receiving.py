"""Taking in responses: once, whole, and with nothing that leads from an answer to a link."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from dxmetrics.errors import AnswersRefused, LinkRefused
from dxmetrics.state import State, Wave
from dxmetrics.survey import Answers, Comment, Given, Instrument, Response, links, receiving, waves
from tests.conftest import Clock

MakeLink = Callable[..., str]
GIVEN = Given({"fast_v1": 4, "interrupted_v1": None}, (Comment("fix_v1", "The build.", may_share=True),), "en")


def rows(file: Path, table: str) -> list[sqlite3.Row]:
    connection = sqlite3.connect(file)
    connection.row_factory = sqlite3.Row
    try:
        return connection.execute(f"select * from {table}").fetchall()
    finally:
        connection.close()


def test_a_response_is_kept_with_its_day_and_cohort_and_its_comment_apart(
    state: State, answers: Answers, link: MakeLink, clock: Clock, tmp_path: Path
) -> None:
    receiving.receive(state, answers, link(), GIVEN, clock())
    assert answers.responses("small", "2026-Q4") == [
        Response(date(2026, 10, 5), "Search", "under 2 years", {"fast_v1": 4, "interrupted_v1": None}, "en")
    ]
    assert answers.comments("small", "2026-Q4") == [Comment("fix_v1", "The build.", may_share=True)]
    (response,) = rows(tmp_path / "data" / "answers.sqlite", "responses")
    (comment,) = rows(tmp_path / "data" / "answers.sqlite", "comments")
    assert {name for name in response.keys() if response[name] is None} == {  # noqa: SIM118  (rows iterate over values)
        "source", "scope", "external", "pending", "pending_at",
    }  # fmt: skip
    assert {comment[name] for name in ("survey", "wave", "item")} == {"small", "2026-Q4", "fix_v1"}
    assert comment["pending"] is None
    assert response["id"] != comment["id"]


def test_a_link_answers_once(state: State, answers: Answers, link: MakeLink, clock: Clock) -> None:
    token = link()
    receiving.receive(state, answers, token, GIVEN, clock())
    with pytest.raises(LinkRefused, match="used already") as refused:
        receiving.receive(state, answers, token, GIVEN, clock())
    assert refused.value.why == "used"
    assert len(answers.responses("small", "2026-Q4")) == 1
    assert len(answers.comments("small", "2026-Q4")) == 1


def test_looking_at_a_link_answers_nothing(state: State, link: MakeLink, wave: Wave, clock: Clock) -> None:
    token = link()
    for _ in range(3):
        found, instrument, said = receiving.opened(state, token, clock())
        assert (found.id, instrument.survey.id, said.cohort) == (wave.id, "small", 1)
    assert state.waves.get(wave.id).answered == 0  # type: ignore[union-attr]


def test_of_many_at_once_one_is_kept(state: State, answers: Answers, link: MakeLink, wave: Wave, clock: Clock) -> None:
    token = link()

    def send(_: int) -> str:
        try:
            return receiving.receive(state, answers, token, GIVEN, clock())
        except LinkRefused as refused:
            return refused.why

    with ThreadPoolExecutor(8) as threads:
        codes = list(threads.map(send, range(40)))
    assert codes.count("used") == 39
    assert len(answers.responses("small", "2026-Q4")) == 1
    assert len(answers.comments("small", "2026-Q4")) == 1
    assert state.waves.get(wave.id).answered == 1  # type: ignore[union-attr]


def test_after_closing_nothing_opens_and_nothing_leads_to_a_link(
    state: State, answers: Answers, link: MakeLink, wave: Wave, clock: Clock, tmp_path: Path
) -> None:
    key, token = state.waves.key(wave.id), link()
    assert key is not None
    receiving.receive(state, answers, token, GIVEN, clock())
    spent = links.digest(links.verify(key, token, clock()).nonce)
    assert waves.close(state, answers, wave) is True
    assert waves.close(state, answers, wave) is False
    with pytest.raises(LinkRefused, match="closed") as refused:
        receiving.opened(state, token, clock())
    assert refused.value.why == "closed"
    after = state.waves.get(wave.id)
    assert after is not None
    assert (after.invited, after.answered, after.closed_at) == (12, 1, clock())
    for file in (tmp_path / "data").iterdir():
        content = file.read_bytes()
        assert key not in content, file
        assert spent not in content, file


def test_a_wave_past_its_time_takes_no_more(state: State, link: MakeLink, clock: Clock) -> None:
    token = link()
    clock.now = datetime(2026, 10, 20, tzinfo=UTC)
    with pytest.raises(LinkRefused, match="expired"):
        receiving.opened(state, token, clock())


def pend(answers: Answers) -> tuple[str, bytes]:
    return answers.pend("small", "2026-Q4", GIVEN, submitted_on=date(2026, 10, 5), team="Search", tenure=None)


@pytest.mark.parametrize("step", ["pended", "spent", "double"])
def test_a_process_that_ends_in_between_loses_nothing(
    step: str, state: State, answers: Answers, wave: Wave, clock: Clock, tmp_path: Path
) -> None:
    nonce = links.digest(b"nonce")
    _, attempt = pend(answers)
    if step == "double":  # a double click, both of which were killed
        pend(answers)
    if step != "pended":
        assert state.waves.spend(wave.id, nonce, 1, attempt)
    assert answers.responses("small", "2026-Q4") == []  # not counting yet
    clock.advance(hours=2)
    waves.close(state, answers, wave)
    kept = 0 if step == "pended" else 1
    assert len(answers.responses("small", "2026-Q4")) == kept
    assert len(answers.comments("small", "2026-Q4")) == kept
    file = tmp_path / "data" / "answers.sqlite"
    assert [row["pending"] for table in ("responses", "comments") for row in rows(file, table)] == [None] * 2 * kept


def test_whoever_tries_again_after_a_killed_process_is_counted_once(
    state: State, answers: Answers, link: MakeLink, wave: Wave, clock: Clock
) -> None:
    pend(answers)  # and killed
    receiving.receive(state, answers, link(), GIVEN, clock())
    waves.close(state, answers, wave)
    assert len(answers.responses("small", "2026-Q4")) == 1


def test_a_response_just_sent_is_not_taken_for_a_dead_one(answers: Answers, state: State, wave: Wave) -> None:
    _, attempt = pend(answers)
    answers.settle("small", "2026-Q4", lambda attempts: state.waves.won(wave.id, attempts))
    assert state.waves.spend(wave.id, links.digest(b"nonce"), 1, attempt)
    answers.settle("small", "2026-Q4", lambda attempts: state.waves.won(wave.id, attempts))
    assert len(answers.responses("small", "2026-Q4")) == 1


def test_a_wave_whose_closing_was_broken_off_takes_no_more_and_is_closed_later(
    state: State, answers: Answers, link: MakeLink, wave: Wave, clock: Clock
) -> None:
    _, attempt = pend(answers)
    assert state.waves.spend(wave.id, links.digest(b"nonce"), 1, attempt)
    token = link()
    state.waves.stop(wave.id)  # and killed
    with pytest.raises(LinkRefused, match="closed"):
        receiving.receive(state, answers, token, GIVEN, clock())
    assert waves.close(state, answers, wave) is True
    assert len(answers.responses("small", "2026-Q4")) == 1


def test_its_writer_can_withdraw_a_response_until_the_results_stand(
    state: State, answers: Answers, link: MakeLink, clock: Clock
) -> None:
    codes = [receiving.receive(state, answers, link(), GIVEN, clock()) for _ in range(3)]
    assert answers.withdraw(f" {codes[0]} ") is True
    assert answers.withdraw(codes[0]) is False
    assert answers.withdraw("no such code") is False
    assert len(answers.responses("small", "2026-Q4")) == 2
    assert len(answers.comments("small", "2026-Q4")) == 2
    answers.freeze("small", "2026-Q4", {"closed_on": "2026-10-20"})
    assert answers.withdraw(codes[1]) is False
    assert len(answers.responses("small", "2026-Q4")) == 2


def test_a_form_is_read_by_the_instruments_items(instrument: Instrument) -> None:
    given = receiving.read_form(
        instrument,
        {"fast_v1": "5", "interrupted_v1": "na", "likely_v1": "0", "editor_v1": "vim", "fix_v1": " a\r\nb ",
         "share-fix_v1": "1", "team": "Payments"},
        "de",
    )  # fmt: skip
    assert given == Given(
        {"fast_v1": 5, "interrupted_v1": None, "likely_v1": 0, "editor_v1": "vim"},
        (Comment("fix_v1", "a\nb", may_share=True),),
        "de",
    )


@pytest.mark.parametrize(
    ("fields", "problems"),
    [
        ({"likely_v1": "3"}, {"fast_v1": "missing"}),
        ({"fast_v1": "6"}, {"fast_v1": "not_a_choice"}),
        ({"fast_v1": "<b>"}, {"fast_v1": "not_a_choice"}),
        ({"fast_v1": "4", "likely_v1": "na"}, {"likely_v1": "not_a_choice"}),
        ({"fast_v1": "4", "editor_v1": "emacs"}, {"editor_v1": "not_a_choice"}),
        ({"fast_v1": "4", "fix_v1": "x" * 201}, {"fix_v1": "too_long"}),
    ],
)
def test_what_is_no_answer_is_named_by_item(
    fields: dict[str, str], problems: dict[str, str], instrument: Instrument
) -> None:
    with pytest.raises(AnswersRefused) as refused:
        receiving.read_form(instrument, fields)
    assert refused.value.problems == problems


def test_an_empty_form_is_no_response(instrument: Instrument) -> None:
    free = instrument.model_copy(
        update={"items": tuple(one.model_copy(update={"required": False}) for one in instrument.items)}
    )
    with pytest.raises(AnswersRefused) as refused:
        receiving.read_form(free, {"fast_v1": " "})
    assert refused.value.problems == {"fast_v1": "empty"}
