"""What tests of surveys share: a small instrument, both stores, and a wave that is open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dxmetrics import state as states
from dxmetrics.state import State, Wave
from dxmetrics.survey import Answers, Instrument, links
from dxmetrics.survey.answers import open_answers
from dxmetrics.survey.instrument import parsed
from tests.conftest import Clock

SMALL = """
survey: {id: small, version: 1, title: {en: Small, de: Klein}, languages: [en, de], owner: platform}
wave: {cadence: quarterly, days: 14}
scales:
  agree5: {min: 1, max: 5, ends: {low: {en: No, de: Nein}, high: {en: Yes, de: Ja}}, favourable: [4, 5], na: true}
  ten: {min: 0, max: 10, ends: {low: Never, high: Always}, promoters: [9, 10], detractors: [0, 1, 2, 3, 4, 5, 6]}
indices:
  - {id: devex, title: DevEx Index, items_by_tag: devex, min_answered: 0.7}
items:
  - id: fast_v1
    text: {en: CI is fast., de: CI ist schnell.}
    scale: agree5
    dimension: feedback
    index: devex
    required: true
  - {id: interrupted_v1, text: I am interrupted., scale: agree5, dimension: flow, index: devex, reverse: true}
  - {id: likely_v1, text: "Would you recommend us?", type: recommend, scale: ten}
  - {id: editor_v1, text: "Your editor?", type: choice, options: {vim: vim, other: another one}}
  - {id: fix_v1, text: "What should we fix?", type: text, max_chars: 200}
"""


def document(**sections: Any) -> dict[str, Any]:
    """The small instrument as a document, with sections replaced."""
    return {**parsed(SMALL), **sections}


@pytest.fixture
def instrument() -> Instrument:
    """Two likert items in an index, a recommend score, a choice and a comment."""
    return Instrument.model_validate(document())


@pytest.fixture
def clock() -> Clock:
    """Monday, 5 October 2026, 09:30 UTC."""
    return Clock(datetime(2026, 10, 5, 9, 30, tzinfo=UTC))


@pytest.fixture
def state(tmp_path: Path, clock: Clock) -> Iterator[State]:
    """An empty state store."""
    with states.open_state("", tmp_path / "data", clock) as opened:
        yield opened


@pytest.fixture
def answers(tmp_path: Path, clock: Clock) -> Iterator[Answers]:
    """An empty answers store."""
    with open_answers("", tmp_path / "data", clock) as opened:
        yield opened


@pytest.fixture
def wave(state: State, instrument: Instrument) -> Wave:
    """A wave that is open until 20 October, with twelve people of team Search asked."""
    opened = state.waves.open("small", "2026-Q4", instrument.to_json(), datetime(2026, 10, 20, tzinfo=UTC))
    state.waves.invite(opened.id, "Search", "under 2 years", 12)
    found = state.waves.get(opened.id)
    assert found is not None
    return found


@pytest.fixture
def link(state: State, wave: Wave) -> Callable[..., str]:
    """`link(cohort=1)`: a new link of the open wave."""

    def made(cohort: int = 1) -> str:
        key = state.waves.key(wave.id)
        assert key is not None
        return links.sign(key, links.Link(wave.id, cohort, wave.closes_at, links.random_nonce()))

    return made
