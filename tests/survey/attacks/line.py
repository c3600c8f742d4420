"""A survey's line for attacks: both stores in one folder, an open wave, links, and answers that are handed in."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from dxmetrics.state import State, open_state
from dxmetrics.state.waves import Wave
from dxmetrics.survey import links, receiving
from dxmetrics.survey.answers import Answers, Comment, Given, open_answers
from dxmetrics.survey.instrument import Instrument
from dxmetrics.survey.links import Link

SURVEY, WAVE = "pulse", "2026-Q1"
IN_FLIGHT = 4  # links that a process hands in at once
LIKED: Mapping[str, int | str | None] = {"focus_v1": 4, "wait_v1": 2, "advice_v1": 9, "tool_v1": "editor"}


def instrument(k: int = 5, **survey: Any) -> Instrument:
    """Two likert items in an index, a recommend item, a choice and a comment, all of which may be left blank."""
    return Instrument.model_validate(
        {
            "survey": {"id": "pulse", "version": 1, "title": "Pulse", **survey},
            "privacy": {"k_cell": k},
            "scales": {
                "agree5": {
                    "min": 1,
                    "max": 5,
                    "ends": {"low": "Not at all", "high": "Very much"},
                    "favourable": [4, 5],
                    "na": True,
                },
                "zero_to_ten": {
                    "min": 0,
                    "max": 10,
                    "ends": {"low": "Never", "high": "Always"},
                    "promoters": [9, 10],
                    "detractors": [0, 1, 2, 3, 4, 5, 6],
                },
            },
            "items": [
                {"id": "focus_v1", "text": "I can focus.", "scale": "agree5", "dimension": "flow", "index": "devex"},
                {"id": "wait_v1", "text": "I wait.", "scale": "agree5", "index": "devex", "reverse": True},
                {"id": "advice_v1", "text": "Recommend?", "type": "recommend", "scale": "zero_to_ten"},
                {
                    "id": "tool_v1",
                    "text": "Which one?",
                    "type": "choice",
                    "options": {"editor": "Editor", "terminal": "Terminal"},
                },
                {"id": "notes_v1", "text": "Anything else?", "type": "text"},
            ],
            "indices": [{"id": "devex", "title": "Index", "items_by_tag": "devex"}],
        }
    )


def given(answers: Mapping[str, int | str | None] = LIKED, comment: str | None = None, *, share: bool = True) -> Given:
    """What somebody answers, with a comment or without."""
    said = [] if comment is None else [Comment("notes_v1", comment, share)]
    return Given(dict(answers), said, "en")


@dataclass
class Line:
    """Both stores, and one wave that is open."""

    folder: Path
    clock: Callable[[], datetime]
    instrument: Instrument = field(default_factory=instrument)

    def __post_init__(self) -> None:
        self.state: State = open_state("", self.folder, self.clock)
        self.answers: Answers = open_answers("", self.folder, self.clock)
        found = self.state.waves.find(SURVEY, WAVE)
        closes_at = self.clock() + timedelta(days=14)
        self.id = found.id if found else self._open(WAVE, closes_at).id

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close both stores."""
        self.state.close()
        self.answers.close()

    def _open(self, name: str, closes_at: datetime) -> Wave:
        return self.state.waves.open(SURVEY, name, self.instrument.to_json(), closes_at)

    @property
    def wave(self) -> Wave:
        """The wave as it is now."""
        wave = self.state.waves.get(self.id)
        assert wave is not None
        return wave

    @property
    def key(self) -> bytes:
        """What signs its links."""
        key = self.state.waves.key(self.id)
        assert key is not None
        return key

    def token(self, team: str | None = "payments", tenure: str | None = None, nonce: bytes | None = None) -> str:
        """A link for one more person of a cohort."""
        cohort = self.state.waves.invite(self.id, team, tenure, 1)
        link = Link(self.id, cohort.number, self.wave.closes_at, nonce or links.random_nonce())
        return links.sign(self.key, link)

    def submit(self, token: str, what: Given | None = None) -> str:
        """Hand in; the code of the response."""
        return receiving.receive(self.state, self.answers, token, what or given(), self.clock())

    @property
    def count(self) -> int:
        """How many responses count."""
        return len(self.answers.responses(SURVEY, WAVE))


def rows(file: Path, table: str, order: str = "") -> list[dict[str, Any]]:
    """A table as its file has it, unless ordered in the order the database itself reads it."""
    with closing(sqlite3.connect(file)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(f"select * from {table} {order}")]


def tables(file: Path) -> list[str]:
    """The tables of a SQLite file."""
    with closing(sqlite3.connect(file)) as connection:
        return [name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]


def files_with(folder: Path, needles: Sequence[bytes], but: Sequence[str] = ()) -> Iterator[tuple[str, bytes]]:
    """Every file below `folder` that has one of `needles` in its bytes, and which; files named `but` are left out."""
    for file in sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in but):
        body = file.read_bytes()
        for needle in needles:
            if needle in body:
                yield file.name, needle


def hand_in_until_killed(folder: Path, tokens: Sequence[str]) -> None:
    """Hand in with all of these links, several at a time, and say of each that it was taken."""

    def submit(token: str) -> None:
        line.submit(token, given(comment="words"))
        os.write(1, f"{token}\n".encode())

    with Line(folder, lambda: datetime(2026, 1, 5, 12, tzinfo=UTC)) as line, ThreadPoolExecutor(IN_FLIGHT) as pool:
        list(pool.map(submit, tokens))


if __name__ == "__main__":
    hand_in_until_killed(Path(sys.argv[1]), sys.stdin.read().split())
