"""Waves: when one may be opened, what it is called, when it ends, and links that are handed out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dxmetrics.errors import SettingsError, StateError
from dxmetrics.state import State
from dxmetrics.survey import Answers, Instrument, links, receiving, waves
from tests.conftest import Clock
from tests.survey.conftest import document

BERLIN = ZoneInfo("Europe/Berlin")
Make = Callable[..., Instrument]


@pytest.fixture
def make() -> Make:
    """`make(wave={...})`: the small instrument with sections replaced."""
    return lambda **sections: Instrument.model_validate(document(**sections))


@pytest.mark.parametrize(
    ("plan", "name", "closes_at"),
    [
        ({"cadence": "quarterly", "days": 14}, "2026-Q4", datetime(2026, 10, 19, 22, tzinfo=UTC)),
        ({"cadence": "monthly", "days": 30}, "2026-10", datetime(2026, 11, 4, 23, tzinfo=UTC)),  # winter time by then
        ({"cadence": "yearly", "closes": "2026-10-10"}, "2026", datetime(2026, 10, 10, 22, tzinfo=UTC)),
        ({"cadence": "once", "closes": "2026-01-10", "days": 1}, "2026-10-05", datetime(2026, 10, 6, 22, tzinfo=UTC)),
        ({"cadence": "continuous"}, "2026-Q4", datetime(2026, 12, 31, 23, tzinfo=UTC)),
    ],
)
def test_a_wave_is_named_after_its_time_and_closes_at_the_end_of_a_day(
    plan: dict[str, Any], name: str, closes_at: datetime, make: Make, state: State, clock: Clock
) -> None:
    made = waves.open_wave(state, make(wave=plan), clock(), BERLIN)
    assert (made.name, made.closes_at) == (name, closes_at)
    assert state.waves.get(made.id) == made


def test_only_one_wave_of_a_survey_is_open_and_none_too_soon(
    make: Make, state: State, answers: Answers, clock: Clock
) -> None:
    instrument = make(wave={"cadence": "monthly", "min_gap_days": 60})
    first = waves.open_wave(state, instrument, clock(), BERLIN)
    with pytest.raises(SettingsError, match="wave 2026-10 of small is still open: close it"):
        waves.open_wave(state, instrument, clock(), BERLIN, name="another")
    waves.close(state, answers, first)
    clock.advance(days=59)
    with pytest.raises(SettingsError, match="60 days between waves: open the next one from 2026-12-04 on"):
        waves.open_wave(state, instrument, clock(), BERLIN)
    clock.advance(days=1)
    assert waves.open_wave(state, instrument, clock(), BERLIN).name == "2026-12"


def test_a_name_is_taken_once_and_a_wave_does_not_end_before_it_began(
    instrument: Instrument, state: State, answers: Answers, clock: Clock
) -> None:
    waves.close(state, answers, waves.open_wave(state, instrument, clock(), BERLIN))
    with pytest.raises(StateError, match="wave 2026-Q4 of survey small is there already"):
        waves.open_wave(state, instrument, clock(), BERLIN)
    with pytest.raises(SettingsError, match="would close on 2026-10-04, which is over"):
        waves.open_wave(state, instrument, clock(), BERLIN, name="b", closes_on=date(2026, 10, 4))


def test_a_wave_with_another_wording_is_not_opened(
    instrument: Instrument, make: Make, state: State, answers: Answers, clock: Clock
) -> None:
    waves.close(state, answers, waves.open_wave(state, instrument, clock(), BERLIN))
    changed = document()
    changed["items"][0]["text"] = {"en": "CI is quick.", "de": "CI ist schnell."}
    other = Instrument.model_validate(changed)
    with pytest.raises(SettingsError, match="item fast_v1 has another wording"):
        waves.open_wave(state, other, clock(), BERLIN, name="next")
    with pytest.raises(SettingsError, match="survey small, wave 2026-Q4: item fast_v1 has another wording"):
        waves.check({"small": other}, state)


def test_links_are_handed_out_by_cohort(instrument: Instrument, state: State, answers: Answers, clock: Clock) -> None:
    wave = waves.open_wave(state, instrument, clock(), BERLIN)
    made = list(waves.hand_out(state, wave, "https://dx.example.org", 3, team="Search"))
    assert len(set(made)) == 3
    for url in made:
        token = url.removeprefix("https://dx.example.org/survey/")
        found, _, link = receiving.opened(state, token, clock())
        assert found.cohort(link.cohort) is not None
        assert found.cohort(link.cohort).team == "Search"  # type: ignore[union-attr]
    assert (found.invited, found.answered) == (3, 0)
    list(waves.hand_out(state, wave, "https://dx.example.org", 2, team="Search"))
    assert [(one.team, one.invited) for one in state.waves.get(wave.id).cohorts] == [("Search", 5)]  # type: ignore[union-attr]
    waves.close(state, answers, wave)
    with pytest.raises(SettingsError, match="is closed"):
        list(waves.hand_out(state, wave, "https://dx.example.org", 1))


def test_the_key_of_a_closed_wave_makes_no_links(
    instrument: Instrument, state: State, answers: Answers, clock: Clock
) -> None:
    wave = waves.open_wave(state, instrument, clock(), BERLIN)
    assert len(state.waves.key(wave.id) or b"") == 32
    waves.close(state, answers, wave)
    assert state.waves.key(wave.id) is None
    assert state.waves.spend(wave.id, links.digest(b"n"), 1, b"attempt") is False
    assert state.waves.running() == []


def test_a_planned_wave_opens_on_its_day_once(make: Make, state: State, answers: Answers, clock: Clock) -> None:
    planned = make(wave={"opens": "2026-10-07", "days": 14})
    assert list(waves.open_planned(state, [planned], clock(), BERLIN)) == []
    clock.advance(days=2)
    (wave,) = waves.open_planned(state, [planned], clock(), BERLIN)
    assert (wave.name, wave.closes_at) == ("2026-Q4", datetime(2026, 10, 21, 22, tzinfo=UTC))
    assert state.waves.asked() == [(wave.id, "invite")]
    waves.close(state, answers, wave)
    assert list(waves.open_planned(state, [planned], clock(), BERLIN)) == []
    clock.advance(days=30)
    assert list(waves.open_planned(state, [planned], clock(), BERLIN)) == []


def test_what_the_page_asks_for_is_asked_once_until_it_is_sent(
    instrument: Instrument, state: State, clock: Clock
) -> None:
    wave = waves.open_wave(state, instrument, clock(), BERLIN)
    for _ in range(2):
        state.waves.ask(wave.id, "remind")
    assert state.waves.asked() == [(wave.id, "remind")]
    state.waves.sent(wave.id, "remind")
    assert state.waves.asked() == []
