"""Invitations and reminders of a wave: personal links, each sent once, and nobody told who has answered.

A link's nonce is derived from the wave's key and the address, so no table says whose is whose. An invitation is claimed
before it is sent: killed at any moment, the next run goes on behind it. What was just being sent then is not sent
again; should it not have arrived, the reminder brings the same link. Reminders go to whoever's link is not spent, which
is worked out in memory. What is kept of a round is how far it came in the order of the digests, past people who
answered and people who did not; what is told is a total.
"""

from __future__ import annotations

import hmac
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from dxmetrics.errors import DeliveryError, SettingsError
from dxmetrics.notify import Mail, Mailer, Outcome, Slack
from dxmetrics.survey import links, messages, population
from dxmetrics.survey.instrument import Instrument
from dxmetrics.survey.links import Link
from dxmetrics.survey.population import Person, Population

if TYPE_CHECKING:
    from pathlib import Path

    from dxmetrics.project import Project
    from dxmetrics.settings import Settings
    from dxmetrics.state import State, Wave

Clock = Callable[[], datetime]

BETWEEN_REMINDERS = timedelta(hours=48)
CONTACTS_KEPT = timedelta(days=366)
MOST_UNSURE = 2  # messages in a row that may not have arrived; then something is wrong for all

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sent:
    """What became of a round of messages, in totals. `invited`: of the whole wave."""

    kind: messages.Kind
    invited: int
    k: int
    sent: int
    refused: int = 0
    deferred: int = 0
    left_out: int = 0

    def __str__(self) -> str:
        """For a person. How many were reminded is not told of fewer than k."""
        if self.kind == "remind" and self.invited < self.k:
            return "reminders are sent"
        parts = [f"{self.sent} {'invited' if self.kind == 'invite' else 'reminded'}"]
        if self.refused:
            parts.append(f"{self.refused} refused by the server: correct their addresses")
        if self.deferred:
            parts.append(f"{self.deferred} put off by the server: run it again later")
        if self.left_out:
            parts.append(f"{self.left_out} not asked, as too few share their team: fewer than {self.k}")
        return "; ".join(parts)


class Post:
    """The ways to reach people: mail, Slack or both. Slack is taken for whoever has a member's id."""

    def __init__(self, mailer: Mailer | None, slack: Slack | None) -> None:
        self._mailer = mailer
        self._slack = slack
        self._unsure = 0

    def send(self, person: Person, message: messages.Message) -> Outcome:
        """Hand a message over, once. DeliveryError: nobody can be reached now."""
        if self._unsure >= MOST_UNSURE:
            raise DeliveryError(f"the last {self._unsure} messages may not have arrived: see to the server, then go on")
        outcome = self._sent(person, message)
        self._unsure = self._unsure + 1 if outcome == "unsure" else 0
        return outcome

    def _sent(self, person: Person, message: messages.Message) -> Outcome:
        outcome: Outcome = "refused"
        if self._slack is not None:
            user = person.slack or (None if self._mailer else self._slack.find(person.address))
            outcome = self._slack.send(user, message.slack) if user else "refused"
        if outcome == "refused" and self._mailer is not None:
            return self._mailer.send(Mail(person.address, message.subject, message.text, message.html))
        return outcome


def can_send(settings: Settings) -> bool:
    """Whether the settings say how people are reached, and where links lead to."""
    return settings.surveys.address is not None and (settings.mail.host or settings.slack.token) is not None


@contextmanager
def opened_post(settings: Settings, now: Clock) -> Iterator[Post]:
    """The ways that are set up. SettingsError where there is none."""
    if settings.mail.host is None and settings.slack.token is None:
        raise SettingsError("nobody can be reached: set [mail] host and sender, or [slack] token")
    with ExitStack() as stack:
        mailer = stack.enter_context(Mailer(settings.mail, now=now)) if settings.mail.host else None
        slack = stack.enter_context(Slack(settings.slack, now=now)) if settings.slack.token else None
        yield Post(mailer, slack)


def invite(project: Project, state: State, wave: Wave, now: Clock) -> Sent:
    """Invite everybody whom a wave asks and who is not invited yet.

    SettingsError: nobody can be reached or asked, or the survey promises what personal links cannot keep.
    DeliveryError: the server failed; whoever is not invited is with the next run.
    """
    with opened_post(project.settings, now) as post:
        return Round.of(project, state, wave, post, now).invite()


def remind(project: Project, state: State, wave: Wave, now: Clock) -> Sent:
    """Remind everybody invited whose link is not spent; a round that was broken off goes on. Errors as `invite`.

    SettingsError too where the last round began less than 48 hours ago.
    """
    with opened_post(project.settings, now) as post:
        return Round.of(project, state, wave, post, now).remind()


def send_requested(project: Project, state: State, now: Clock) -> list[str]:
    """Send what the Surveys page asked for; what became of it, one line each.

    What cannot be done is not asked for any more, and says why. After a DeliveryError it still is.
    """
    told = []
    for wave_id, kind in state.waves.asked():
        wave = state.waves.get(wave_id)
        if wave is not None and wave.closed_at is None:
            name = f"survey {wave.survey} {wave.name}"
            try:
                told.append(f"{name}: {(invite if kind == 'invite' else remind)(project, state, wave, now)}")
            except SettingsError as error:
                told.append(f"{name}: {error}")
        state.waves.sent(wave_id, kind)
    return told


@dataclass(frozen=True)
class Round:
    """What it takes to write to the people of one wave."""

    state: State
    wave: Wave
    key: bytes
    instrument: Instrument
    population: Population
    post: Post
    base: str
    texts: Path
    zone: ZoneInfo
    now: Clock

    @classmethod
    def of(cls, project: Project, state: State, wave: Wave, post: Post, now: Clock) -> Round:
        """The round of a wave that is open; SettingsError says what is missing."""
        settings = project.settings
        zone = ZoneInfo(settings.organisation.reporting_zone)
        key = state.waves.key(wave.id)
        if key is None or now() >= wave.closes_at:
            raise SettingsError(f"wave {wave.name} of {wave.survey} is over: nobody is asked any more")
        if settings.surveys.address is None:
            raise SettingsError(
                "[surveys] address is missing: say where developers reach the web process, such as "
                "https://metrics.example.org"
            )
        instrument = Instrument.from_json(wave.instrument)
        if instrument.survey.confidentiality == "anonymous":
            raise SettingsError(
                f"survey {wave.survey} promises to be anonymous, and while it is open a personal link is not: write "
                "`confidentiality: confidential`, or hand out links of a whole team with `dxmetrics survey links`"
            )
        return cls(
            state,
            wave,
            key,
            instrument,
            population.of_project(project, now().astimezone(zone).date()),
            post,
            settings.surveys.address,
            project.content(messages.FILE),
            zone,
            now,
        )

    # -- invitations --------------------------------------------------------------------------------------------------

    def invite(self) -> Sent:
        """Invite whoever is not invited yet."""
        contacts, wave = self.state.contacts, self.wave.id
        contacts.settle(wave)
        people = {self._mark(one): one for one in self._asked()}
        left_out = self._plan(people)
        outcomes: Counter[Outcome] = Counter()
        for mark, invitation in contacts.invitations(wave).items():
            person = people.get(mark)
            if person is None or invitation.status != "planned" or not contacts.claim(wave, mark):
                continue
            try:
                outcome = self._send(person, "invite", invitation.cohort)
            except DeliveryError as error:
                contacts.unsent(wave, mark)
                raise self._broken_off(error, outcomes) from error
            outcomes[outcome] += 1
            if outcome in ("accepted", "unsure"):
                contacts.sent(wave, mark)
                contacts.ask("wave", person.address, self._today)
            else:
                contacts.unsent(wave, mark)
        contacts.forget(self._today - CONTACTS_KEPT)
        return self._told("invite", outcomes, left_out)

    def _asked(self) -> tuple[Person, ...]:
        opened_on = self.wave.opened_at.astimezone(self.zone).date()
        return population.sampled(self.population.people, self.instrument, self.wave.name, opened_on)

    def _plan(self, people: dict[bytes, Person]) -> int:
        """Give everybody who is new a cohort; how many cannot be given one.

        Whoever comes later joins a cohort that k people are in already: a new one would be of few.
        """
        contacts, waves, wave, k = self.state.contacts, self.state.waves, self.wave.id, self.instrument.privacy.k_cell
        invited = contacts.invitations(wave)
        sizes = Counter(one.cohort for one in invited.values())
        known = frozenset(
            (cohort.team, cohort.tenure) for cohort in self._current().cohorts if sizes[cohort.number] >= k
        )
        fresh = {mark: person for mark, person in people.items() if mark not in invited}
        addresses = [person.address for person in fresh.values()]
        gap = timedelta(days=self.instrument.wave.min_gap_days)
        recent = contacts.asked_since("wave", addresses, self._today - gap + timedelta(days=1)) if gap else set()
        fresh = {mark: person for mark, person in fresh.items() if person.address not in recent}
        placed = population.placed(fresh.values(), self.population.parents, k, known)
        if not placed.places and not invited:
            raise SettingsError(
                f"survey {self.wave.survey}: {len(fresh)} people can be asked, and nothing is shown of fewer than {k}: "
                "list more in [surveys] people_csv, or give people a mail address and a team"
            )
        numbers = {
            place: waves.invite(wave, *place, 0).number for place in sorted(set(placed.places.values()), key=str)
        }
        contacts.plan(
            wave,
            {
                mark: numbers[placed.places[person.address]]
                for mark, person in fresh.items()
                if person.address in placed.places
            },
        )
        return len(placed.left_out)

    # -- reminders ----------------------------------------------------------------------------------------------------

    def remind(self) -> Sent:
        """Remind those whose link is not spent."""
        contacts, wave = self.state.contacts, self.wave.id
        reached = self._begin_or_go_on()
        contacts.settle(wave)
        by_mark = {self._mark(one): one for one in self.population.people}
        invited = {mark: one.cohort for mark, one in contacts.invitations(wave).items() if one.status == "sent"}
        nonces = {mark: links.digest(self._nonce(by_mark[mark])) for mark in invited if mark in by_mark}
        spent = self.state.waves.spent(wave, nonces.values())
        outcomes: Counter[Outcome] = Counter()
        for mark, nonce in nonces.items():
            if reached is not None and mark <= reached:
                continue
            contacts.reach(wave, mark)
            if nonce not in spent:
                try:
                    outcomes[self._send(by_mark[mark], "remind", invited[mark])] += 1
                except DeliveryError as error:
                    contacts.reach(wave, reached or b"")
                    raise self._broken_off(error, outcomes) from error
            reached = mark
        contacts.end_reminders(wave)
        return self._told("remind", outcomes)

    def _begin_or_go_on(self) -> bytes | None:
        """Where a round that was broken off stopped; None where one begins."""
        last = self.state.contacts.reminders(self.wave.id)
        if last is not None and last.began_at + BETWEEN_REMINDERS > self.now():
            if last.is_over:
                again = (last.began_at + BETWEEN_REMINDERS).astimezone(self.zone)
                raise SettingsError(
                    f"reminders were sent less than 48 hours ago: send more from {again:%Y-%m-%d %H:%M}"
                )
            return last.position
        self.state.contacts.begin_reminders(self.wave.id)
        return None

    # -- both ---------------------------------------------------------------------------------------------------------

    def _send(self, person: Person, kind: messages.Kind, cohort: int) -> Outcome:
        link = Link(self.wave.id, cohort, self.wave.closes_at, self._nonce(person))
        language = messages.language_of(self.instrument, person.language)
        url = links.url(self.base, links.sign(self.key, link), language)
        closes_at = self.wave.closes_at.astimezone(self.zone)
        return self.post.send(person, messages.message(self.texts, self.instrument, kind, url, closes_at, language))

    def _nonce(self, person: Person) -> bytes:
        return links.personal_nonce(self.key, person.address)

    def _mark(self, person: Person) -> bytes:
        """What stands for a person among the invitations; another digest than that of their link."""
        return hmac.digest(self.key, b"invited\0" + person.address.encode(), "sha256")

    def _current(self) -> Wave:
        return self.state.waves.get(self.wave.id) or self.wave

    @property
    def _today(self) -> date:
        return self.now().astimezone(self.zone).date()

    def _broken_off(self, error: DeliveryError, outcomes: Counter[Outcome]) -> DeliveryError:
        is_told = self._current().invited >= self.instrument.privacy.k_cell
        sent = f"{outcomes['accepted'] + outcomes['unsure']} were sent before, the others" if is_told else "the others"
        return DeliveryError(f"{error}; {sent} follow with the next run")

    def _told(self, kind: messages.Kind, outcomes: Counter[Outcome], left_out: int = 0) -> Sent:
        sent = Sent(
            kind,
            self._current().invited,
            self.instrument.privacy.k_cell,
            outcomes["accepted"] + outcomes["unsure"],
            outcomes["refused"],
            outcomes["deferred"],
            left_out,
        )
        log.info("survey=%s wave=%s %s=%r", self.wave.survey, self.wave.name, kind, str(sent))
        return sent
