"""How much may be asked of a host with one credential: learnt from its answers, shared by all threads and clients."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx2

from dxmetrics.errors import LimitedError
from dxmetrics.http.limits import quota

LONGEST_WAIT = 120.0  # seconds; what is refused for longer is left to the next collection

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Left:
    """What is left of a quota, and when it is renewed by this machine's clock (None: unknown)."""

    share: float
    renewed_at: datetime | None


@dataclass(frozen=True)
class _Hold:
    """Nothing is sent until then, as `reason` says: "the quota of api.forge.test is used up"."""

    until: datetime
    reason: str


class Budget:
    """What one credential may ask of one host; `requests` counts what was sent.

    Requests go out in lanes: a quota that is used up holds its own lane only (GraphQL and REST are counted apart by
    some hosts), a wait the server asks for holds all.
    """

    def __init__(self, host: str, concurrency: int, now: Callable[[], datetime]) -> None:
        self.host = host
        self.concurrency = concurrency
        self.requests = 0
        self._now = now
        self._busy = 0
        self._left: dict[str, _Left] = {}
        self._holds: dict[str | None, _Hold] = {}
        self._changed = threading.Condition()

    @contextmanager
    def slot(self, name: str, lane: str, sleep: Callable[[float], None]) -> Iterator[None]:
        """One of the `concurrency` places for a request in flight, once nothing holds `lane`.

        LimitedError, in the words of source `name`, where the lane is held for longer than LONGEST_WAIT.
        """
        while (hold := self._enter(lane)) is not None:
            seconds = (hold.until - self._now()).total_seconds()
            if seconds > LONGEST_WAIT:
                raise limited(name, hold.reason, hold.until, self._now())
            if seconds > 0:
                sleep(seconds)
            self._let_go(hold)
        try:
            yield
        finally:
            with self._changed:
                self._busy -= 1
                self._changed.notify_all()

    def pause(self, until: datetime, *, lane: str | None = None, reason: str | None = None) -> None:
        """Send nothing of `lane` (None: nothing at all) until then, by this machine's clock; a longer pause stays."""
        with self._changed:
            known = self._holds.get(lane)
            if known is None or known.until < until:
                self._holds[lane] = _Hold(until, reason or f"{self.host} asks to wait")

    def learn(self, response: httpx2.Response) -> None:
        """Keep what this answer says of the quota it was counted against."""
        now = self._now()
        stated = quota(response, now)
        if stated is None or stated.remaining is None or not stated.limit:
            return
        renewed_at = None if stated.seconds is None else now + timedelta(seconds=stated.seconds)
        with self._changed:
            self._left[stated.resource] = _Left(stated.remaining / stated.limit, renewed_at)

    def has_reserve(self, share: float = 0.2) -> bool:
        """False when less than `share` of a known quota is left, unless it is renewed within LONGEST_WAIT anyway."""
        soon = self._now() + timedelta(seconds=LONGEST_WAIT)
        with self._changed:
            known = list(self._left.values())
        return all(left.share >= share for left in known if left.renewed_at is None or left.renewed_at > soon)

    def count(self) -> None:
        """Another request goes out."""
        with self._changed:
            self.requests += 1

    def _enter(self, lane: str) -> _Hold | None:
        """Take a place; or, without taking one, what holds the lane."""
        with self._changed:
            self._changed.wait_for(lambda: self._busy < self.concurrency)
            holds = [hold for hold in (self._holds.get(None), self._holds.get(lane)) if hold]
            if holds:
                return max(holds, key=lambda hold: hold.until)
            self._busy += 1
            return None

    def _let_go(self, served: _Hold) -> None:
        """A hold that was slept through is over, also where the clock was set back meanwhile."""
        with self._changed:
            self._holds = {lane: hold for lane, hold in self._holds.items() if hold.until > served.until}


class Budgets:
    """The budgets of a run: one per host and credential, however many clients ask with it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], Budget] = {}

    def of(self, host: str, credential: str, concurrency: int, now: Callable[[], datetime]) -> Budget:
        """The budget of `credential` at `host`; the smallest concurrency asked for counts. Only its hash is kept."""
        key = (host.lower(), hashlib.sha256(credential.encode()).hexdigest())
        with self._lock:
            budget = self._known.setdefault(key, Budget(host, concurrency, now))
            budget.concurrency = min(budget.concurrency, concurrency)
            return budget

    @property
    def requests(self) -> int:
        """How many requests were sent by all clients together."""
        with self._lock:
            return sum(budget.requests for budget in self._known.values())


def limited(name: str, reason: str, until: datetime, now: datetime) -> LimitedError:
    """The error that says until when nothing goes, by this machine's clock."""
    form = "%H:%M" if until - now < timedelta(days=1) else "%Y-%m-%d %H:%M"
    return LimitedError(f"{name}: {reason} until {until:{form}} UTC: the next collection goes on from here", until)
