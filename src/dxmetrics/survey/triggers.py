"""Questions right after an event: of a few deployments to production, the people behind them, and nobody often.

Which deployments are taken is decided by a digest under the wave's key, so that another look decides the same. Somebody
who is asked is not asked again before the cool-down is over, and their link expires soon. A wave is a calendar quarter.
The first one is opened by hand; the next ones open by themselves, unless the last was closed before its time.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from dxmetrics.errors import DeliveryError
from dxmetrics.metrics.people import directory, finished_deployments
from dxmetrics.survey import library, links, messages, population, waves
from dxmetrics.survey.instrument import Instrument, Trigger
from dxmetrics.survey.invitations import Post, can_send, opened_post
from dxmetrics.survey.links import Link
from dxmetrics.survey.population import Person, Place

if TYPE_CHECKING:
    from dxmetrics.project import Project
    from dxmetrics.state import State, Wave

Clock = Callable[[], datetime]

RECENT = timedelta(hours=24)  # an older deployment is remembered too badly to ask about it

log = logging.getLogger(__name__)


def ask(project: Project, state: State, now: Clock) -> int:
    """Ask about what was deployed lately, after each publication; how many people were asked.

    Nothing happens where no wave of such a survey runs, or where the settings do not say how people are reached.
    DeliveryError: the server failed; whoever is not asked may be at the next look.
    """
    if not can_send(project.settings):
        return 0
    asked = 0
    for wave in _running(project, state, now()):
        asked += _Asking(project, state, wave, now).all()
    return asked


def _running(project: Project, state: State, now: datetime) -> Iterator[Wave]:
    """The waves of triggered surveys that can be answered now; opens those whose quarter has begun."""
    zone = ZoneInfo(project.settings.organisation.reporting_zone)
    known = state.waves.all()
    for name, instrument in library.of_project(project).items():
        own = [wave for wave in known if wave.survey == name]
        if not instrument.triggers or not own:
            continue
        last = own[0]
        if last.closed_at is None and now < last.closes_at:
            yield last
        elif last.closed_at is not None and last.closed_at >= last.closes_at:
            quarter = waves.wave_name(instrument, now.astimezone(zone).date())
            if all(wave.name != quarter for wave in own):
                yield waves.open_wave(state, instrument, now, zone)


class _Asking:
    """What it takes to ask the people of one wave."""

    def __init__(self, project: Project, state: State, wave: Wave, now: Clock) -> None:
        self._project = project
        self._state = state
        self._wave = wave
        self._now = now
        self._key = state.waves.key(wave.id) or b""
        self._instrument = Instrument.from_json(wave.instrument)
        self._zone = ZoneInfo(project.settings.organisation.reporting_zone)

    def all(self) -> int:
        now = self._now()
        finished = finished_deployments(self._project.data, max(now - RECENT, self._wave.opened_at), now)
        asked = 0
        for trigger in self._instrument.triggers:
            people = {
                person
                for deployment, behind in finished.items()
                if self._is_taken(trigger, deployment)
                for person in behind
            }
            asked += self._ask(trigger, people) if people else 0
        return asked

    def _is_taken(self, trigger: Trigger, deployment: str) -> bool:
        drawn = hmac.digest(self._key, f"sample\0{trigger.item}\0{deployment}".encode(), "sha256")[:8]
        return int.from_bytes(drawn, "big") < int(trigger.sample * 2**64)

    def _ask(self, trigger: Trigger, people: set[str]) -> int:
        today = self._now().astimezone(self._zone).date()
        everybody = population.of_project(self._project, today)
        by_address = {one.address: one for one in everybody.people}
        known = directory(self._project.data, today).addresses
        found = {address for person in people for address in known.get(person, ()) if address in by_address}
        rested = found - self._state.contacts.asked_since(
            "trigger", found, today - timedelta(days=trigger.cooldown_days - 1)
        )
        if not rested:
            return 0
        places = population.placed(everybody.people, everybody.parents, self._instrument.privacy.k_cell).places
        asked = 0
        with opened_post(self._project.settings, self._now) as post:
            for address in sorted(rested & places.keys()):
                self._state.contacts.ask("trigger", address, today)
                try:
                    asked += self._send(post, trigger, by_address[address], places[address])
                except DeliveryError:
                    self._state.contacts.unask("trigger", address)
                    raise
        log.info("survey=%s wave=%s asked=%d", self._wave.survey, self._wave.name, asked)
        return asked

    def _send(self, post: Post, trigger: Trigger, person: Person, place: Place) -> bool:
        """Whether the question is on its way. Its link is for this once, not the person's own."""
        waves_, wave = self._state.waves, self._wave
        expires = min(self._now() + timedelta(hours=trigger.expires_h), wave.closes_at)
        cohort = waves_.invite(wave.id, *place, 0).number
        token = links.sign(self._key, Link(wave.id, cohort, expires, links.random_nonce()))
        language = messages.language_of(self._instrument, person.language)
        url = links.url(self._project.settings.surveys.address or "", token, language)
        file, until = self._project.content(messages.FILE), expires.astimezone(self._zone)
        outcome = post.send(person, messages.message(file, self._instrument, "invite", url, until, language))
        if outcome not in ("accepted", "unsure"):
            return False
        waves_.invite(wave.id, *place, 1)
        return True
