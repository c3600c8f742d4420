"""Opening a wave, handing out links for it, and closing it: what the command line, the page and the worker share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from dxmetrics.errors import SettingsError
from dxmetrics.survey import links
from dxmetrics.survey.instrument import Instrument
from dxmetrics.survey.library import require_same_wording

if TYPE_CHECKING:
    from dxmetrics.state import State, Wave
    from dxmetrics.survey.answers import Answers


def open_wave(
    state: State,
    instrument: Instrument,
    now: datetime,
    zone: ZoneInfo,
    *,
    name: str | None = None,
    closes_on: date | None = None,
) -> Wave:
    """Open a wave with the instrument as it is now; it closes at the end of `closes_on` in the reporting zone.

    SettingsError: another wave of the survey is open, the last one is too recent, it would close in the past, or an
    item's wording is not that of an earlier wave. StateError where there is a wave of that name.
    """
    survey, today = instrument.survey.id, now.astimezone(zone).date()
    earlier = [wave for wave in state.waves.all() if wave.survey == survey]
    running = next((wave for wave in earlier if wave.closed_at is None), None)
    if running is not None:
        raise SettingsError(f"wave {running.name} of {survey} is still open: close it before another one is opened")
    for wave in earlier:
        require_same_wording(instrument, Instrument.from_json(wave.instrument), f"survey {survey}")
    gap = timedelta(days=instrument.wave.min_gap_days)
    if earlier and now - earlier[0].opened_at < gap:
        allowed = (earlier[0].opened_at + gap).astimezone(zone).date()
        raise SettingsError(
            f"wave {earlier[0].name} of {survey} was opened on {earlier[0].opened_at:%Y-%m-%d}, and min_gap_days asks "
            f"for {gap.days} days between waves: open the next one from {allowed} on"
        )
    ends = closes_on or _last_day(instrument, today)
    if ends < today:
        raise SettingsError(f"survey {survey} would close on {ends}, which is over: name a later day")
    closes_at = datetime.combine(ends + timedelta(days=1), time(), zone)
    return state.waves.open(survey, name or wave_name(instrument, today), instrument.to_json(), closes_at)


def open_planned(state: State, found: Iterable[Instrument], now: datetime, zone: ZoneInfo) -> Iterator[Wave]:
    """Open the waves whose file says that they are open by now, and ask for their invitations; each of them.

    A wave that was opened by hand since then stands for the planned one.
    """
    today = now.astimezone(zone).date()
    for instrument in found:
        opens = instrument.wave.opens
        if opens is None or not opens <= today <= _planned_end(instrument, opens):
            continue
        begins = datetime.combine(opens, time(), zone)
        if any(wave.survey == instrument.survey.id and wave.opened_at >= begins for wave in state.waves.all()):
            continue
        wave = open_wave(
            state, instrument, now, zone, name=wave_name(instrument, opens), closes_on=_planned_end(instrument, opens)
        )
        state.waves.ask(wave.id, "invite")
        yield wave


def wave_name(instrument: Instrument, day: date) -> str:
    """What a wave opened on this day is called: `2026-Q4`, `2026-11`, `2026`, or the day of one that is asked once."""
    match instrument.wave.cadence:
        case "quarterly" | "continuous":
            return f"{day.year}-Q{_quarter(day)}"
        case "monthly":
            return f"{day:%Y-%m}"
        case "yearly":
            return str(day.year)
        case _:
            return day.isoformat()


def running_wave(state: State, survey: str) -> Wave:
    """The wave of a survey that is open; SettingsError where none is."""
    for wave in state.waves.running():
        if wave.survey == survey:
            return wave
    raise SettingsError(f"no wave of {survey} is open: open one with `dxmetrics survey open {survey}`")


def hand_out(
    state: State, wave: Wave, base: str, count: int, *, team: str | None = None, tenure: str | None = None
) -> Iterator[str]:
    """So many links for people of a cohort, each for one use and nobody in particular: who hands them out knows who
    got one, not who used which."""
    key = state.waves.key(wave.id)
    if key is None:
        raise SettingsError(f"wave {wave.name} of {wave.survey} is closed: no link opens it any more")
    cohort = state.waves.invite(wave.id, team, tenure, count)
    for _ in range(count):
        link = links.Link(wave.id, cohort.number, wave.closes_at, links.random_nonce())
        yield links.url(base, links.sign(key, link))


def close(state: State, answers: Answers, wave: Wave) -> bool:
    """Close a wave: responses in doubt are settled, its key and spent links are gone. False where it was closed.

    The key goes first, so that no link is spent between settling and forgetting which were. Killed in between, the wave
    is closed with the next build.
    """
    state.waves.stop(wave.id)
    answers.settle(wave.survey, wave.name, lambda attempts: state.waves.won(wave.id, attempts))
    return state.waves.close(wave.id)


def check(instruments: Mapping[str, Instrument], state: State) -> None:
    """Raise SettingsError where an item asks something else than it did in a wave before."""
    for wave in state.waves.all():
        if wave.survey in instruments:
            before = Instrument.from_json(wave.instrument)
            require_same_wording(instruments[wave.survey], before, f"survey {wave.survey}, wave {wave.name}")


def _last_day(instrument: Instrument, today: date) -> date:
    """As the file says, at the end of the quarter for a continuous one, else after so many days."""
    plan = instrument.wave
    if plan.closes and plan.closes >= today:
        return plan.closes
    if plan.cadence == "continuous":
        following = date(today.year + _quarter(today) // 4, _quarter(today) % 4 * 3 + 1, 1)
        return following - timedelta(days=1)
    return today + timedelta(days=plan.days)


def _planned_end(instrument: Instrument, opens: date) -> date:
    return instrument.wave.closes or opens + timedelta(days=instrument.wave.days)


def _quarter(day: date) -> int:
    return (day.month + 2) // 3
