"""Who handed in when: neither store tells in which order answers came, nor which answer belongs to which link.

Looked at as a database reads it, and as the bytes lie in the file: a page of SQLite keeps its cells in the order in
which they were written, though it reads them in the order of their keys.
"""

from __future__ import annotations

import hashlib
import math
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dxmetrics.survey import links
from dxmetrics.survey.links import Link
from tests.conftest import Clock
from tests.survey.attacks.line import Line, given, rows, tables

SUBMITS = 150
HEADER = 100  # bytes
CHANCE = 4.0  # standard deviations; one honest run in 16,000 lies beyond


class Handed:
    """What the attacker has after all of them: both files, and who came when."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.folder = line.folder
        nonces = [links.random_nonce() for _ in range(SUBMITS)]
        self.digests = [links.digest(nonce) for nonce in nonces]
        self.codes = []
        cohorts = [line.state.waves.invite(line.id, f"team-{number}", None, SUBMITS).number for number in range(3)]
        until, key = line.wave.closes_at, line.key
        for number, nonce in enumerate(nonces):
            token = links.sign(key, Link(line.id, cohorts[number % 3], until, nonce))
            self.codes.append(line.submit(token, given(comment=f"These are the words of number {number}.")))
            line.clock.advance(seconds=37)  # type: ignore[attr-defined]
        self.by_words = {f"These are the words of number {number}.": number for number in range(SUBMITS)}
        line.close()

    @property
    def answers(self) -> Path:
        return self.folder / "answers.sqlite"

    @property
    def state(self) -> Path:
        return self.folder / "state.sqlite"


@pytest.fixture(scope="module")
def handed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Handed]:
    with Line(tmp_path_factory.mktemp("timing") / "data", Clock(datetime(2026, 1, 5, 8, tzinfo=UTC))) as line:
        yield Handed(line)


def deviation(order: Sequence[int]) -> float:
    """Kendall's S of an order of numbers, in standard deviations from what chance makes of it."""
    score = sum((b > a) - (b < a) for place, a in enumerate(order) for b in order[place + 1 :])
    n = len(order)
    return score / math.sqrt(n * (n - 1) * (2 * n + 5) / 18)


def test_the_measure_finds_an_order_where_there_is_one() -> None:
    assert deviation(range(SUBMITS)) > 15
    assert deviation([*range(0, SUBMITS, 2), *range(SUBMITS - 1, 0, -2)]) < CHANCE


def test_rows_are_not_read_in_the_order_they_came(handed: Handed) -> None:
    own = {hashlib.sha256(f"response\0{code}".encode()).hexdigest(): n for n, code in enumerate(handed.codes)}
    responses = [own[row["id"]] for row in rows(handed.answers, "responses")]
    comments = [handed.by_words[row["text"]] for row in rows(handed.answers, "comments")]
    spent = [handed.digests.index(row["digest"]) for row in rows(handed.state, "survey_spent")]
    for order in (responses, comments, spent):
        assert sorted(order) == list(range(SUBMITS))
        assert abs(deviation(order)) < CHANCE


def test_answers_comments_and_links_lie_in_orders_that_have_nothing_in_common(handed: Handed) -> None:
    own = {hashlib.sha256(f"response\0{code}".encode()).hexdigest(): n for n, code in enumerate(handed.codes)}
    responses = [own[row["id"]] for row in rows(handed.answers, "responses")]
    comments = [handed.by_words[row["text"]] for row in rows(handed.answers, "comments")]
    spent = [handed.digests.index(row["digest"]) for row in rows(handed.state, "survey_spent")]
    for one, other in ((responses, comments), (responses, spent), (comments, spent)):
        place = {number: where for where, number in enumerate(one)}
        assert abs(deviation([place[number] for number in other])) < CHANCE


def test_no_table_numbers_its_rows_as_they_come(handed: Handed) -> None:
    for table in ("responses", "comments"):
        with pytest.raises(Exception, match="no such column: rowid"):
            rows(handed.answers, table, "order by rowid")
    with pytest.raises(Exception, match="no such column: rowid"):
        rows(handed.state, "survey_spent", "order by rowid")
    assert "sqlite_sequence" not in tables(handed.answers)


def test_where_a_byte_of_an_answer_lies_depends_on_what_is_kept_and_not_on_how_it_came(
    handed: Handed, tmp_path: Path
) -> None:
    """A page that was written row by row has the newest lowest: who reads the file sees who came last.

    Written anew, in the order of its keys, the file is the same but for the counters in its header.
    """
    anew = tmp_path / "anew.sqlite"
    shutil.copy(handed.answers, anew)
    with closing(sqlite3.connect(anew)) as connection:
        connection.execute("vacuum")
    assert handed.answers.read_bytes()[HEADER:] == anew.read_bytes()[HEADER:]


def test_an_answer_has_a_day_and_no_time(handed: Handed) -> None:
    assert {row["submitted_on"] for row in rows(handed.answers, "responses")} == {"2026-01-05"}
    for row in rows(handed.answers, "responses"):
        assert row["pending"] is None
        assert row["pending_at"] is None
    for row in rows(handed.state, "survey_spent"):
        assert set(row) <= {"wave", "digest", "cohort", "attempt"}


def test_nothing_of_a_link_is_left_beside_the_answers(handed: Handed) -> None:
    """Neither its digest nor the code of a response, in any file of the folder that is not the store of links."""
    body = handed.answers.read_bytes()
    assert not [digest for digest in handed.digests if digest in body]
    for row in rows(handed.state, "survey_spent"):
        assert not [value for value in row.values() if isinstance(value, bytes) and value in body]
    everything = b"".join(file.read_bytes() for file in handed.folder.iterdir())
    assert not [code for code in handed.codes if code.encode() in everything]


def test_a_comment_knows_nothing_but_its_wave_and_question(handed: Handed) -> None:
    comments = rows(handed.answers, "comments")
    for column in set(comments[0]) - {"id", "text"}:
        assert len({row[column] for row in comments}) == 1, column
    ids = {row["id"] for row in rows(handed.answers, "responses")}
    assert not ids & {row["id"] for row in comments}
