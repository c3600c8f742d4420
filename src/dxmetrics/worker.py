"""The worker: reads what is due, takes in what was pushed, builds, checks and publishes, for as long as it runs.

One worker works for a project at a time: it holds a lease in the state store, which ends soon after it does. Others
stand by and take over. Whatever is killed at whatever moment, the next turn goes on from what was committed.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from dxmetrics import cadence, models, pipeline
from dxmetrics.errors import ModelError, SettingsError, StateError, WarehouseError
from dxmetrics.lease import Lease, LeaseLost
from dxmetrics.pipeline import Asking, Collection, Listener, Noticed, ScopeMoved, StepFinished, counted
from dxmetrics.reports.reporting import Reporting
from dxmetrics.settings import PUSH_SOURCE
from dxmetrics.sources import Source, configured

if TYPE_CHECKING:
    from dxmetrics.pipeline import Event
    from dxmetrics.project import Project
    from dxmetrics.state import Entry, State
    from dxmetrics.state.schedule import Outcome

POLL = 1.0  # seconds between looks at the clock and the inbox
LAST_WORDS = 5.0  # seconds that a message being sent may take once the worker is to end
RETRY = 10.0  # seconds until a turn that could not be done is tried again
SHARE = 1  # after a publication that took a second, so many seconds belong to other work
LONGEST_REST = 60.0
DURING = 60.0  # seconds between publications while sources are still being read; the first comes sooner
FIRST = 15.0
KEPT = timedelta(days=30)  # processed deliveries, so that a repeated one is known
LOG_KEPT = timedelta(days=14)
TIDY_EVERY = timedelta(hours=1)
REDELIVERED = timedelta(days=3)  # how long GitHub can send a webhook again

log = logging.getLogger("dxmetrics.worker")


@dataclass(frozen=True)
class Due:
    """A source to read now: all of it, or the scopes that somebody asked to look at."""

    name: str
    only: frozenset[str] | None
    is_planned: bool


class Worker:
    """One worker. `find` gives the project as it is now: dx.toml may change while we run."""

    def __init__(
        self, find: Callable[[], Project], state: State, *, clock: Callable[[], datetime], listen: Listener
    ) -> None:
        self._find = find
        self._state = state
        self._clock = clock
        self._listen = listen
        self._stop = threading.Event()
        self._lease = Lease(state)
        self._run_id = ""
        self._has_news = True  # rows may have been committed since the last publication: nobody knows yet
        self._next_check = 0.0  # of the inbox, while sources are read
        self._next_look = 0.0  # at what is read so far
        self._rest_until = 0.0  # the last publication took its share of the machine until then
        self._tidied: datetime | None = None
        self._asking = Asking(state, clock, partial(self._told, "ask"))
        self._reporting = Reporting(state, clock, partial(self._told, "report"))
        self._closed: frozenset[str] | None = None  # waves of surveys whose results are computed
        self._said = ""

    def stop(self) -> None:
        """Have `run` end: after the transaction that is being written, not later."""
        self._stop.set()

    def run(self, *, turns: int | None = None) -> bool:
        """Work until stopped, or for so many turns. False: a thread hangs, start a new process."""
        try:
            while not self._stop.is_set():
                wait = POLL
                try:
                    if self._lease.hold():
                        if not self._turn():
                            return False
                        self._said = ""
                    else:
                        self._say(f"standing by: {self._lease.holder} works for this project")
                except KeyboardInterrupt:
                    return True
                except (SettingsError, WarehouseError, StateError, ModelError, LeaseLost) as error:
                    self._say(str(error))
                    wait = RETRY
                turns = None if turns is None else turns - 1
                if turns == 0:
                    break
                self._stop.wait(wait)
            return True
        finally:
            self._asking.finish(LAST_WORDS)
            self._reporting.finish(LAST_WORDS)
            self._lease.release()

    def _say(self, text: str) -> None:
        """Log what keeps us from working, once for as long as it does."""
        if text != self._said:
            log.warning("%s", text)
            self._listen(Noticed(text))
            with suppress(StateError):
                self._state.run_log.add(self._run_id or "worker", "worker", "failed", message=text)
            self._said = text

    # -- one turn -----------------------------------------------------------------------------------------------------

    def _turn(self) -> bool:
        """Do what there is to do; False where a thread of it hangs."""
        project = self._find()
        sources = configured(project)
        self._tidy(project, sources)
        self._asking.look(project)
        self._reporting.look(project)
        self._see_closed_waves()
        due = self._due(project, sources)
        if not due and not self._has_news and not self._state.inbox.pending(1):
            return True
        self._run_id = f"{self._clock():%Y%m%dT%H%M%SZ}-{os.getpid()}"
        collected = self._collect(project, sources, due) if due else None
        self._take_in(project)
        if self._has_news:
            self._publish(project)
        return collected is None or not collected.has_stuck

    def _due(self, project: Project, sources: Sequence[Source]) -> list[Due]:
        entries, looks, now = self._state.schedule.entries(), self._state.schedule.looks(), self._clock()
        found = []
        for source in sources:
            entry = entries.get(source.name)
            if entry is None or _is_due(entry, now, _cadence(project, source)):
                found.append(Due(source.name, None, is_planned=True))
            elif source.name in looks:
                found.append(Due(source.name, looks[source.name], is_planned=False))
        pushes = entries.get(PUSH_SOURCE)
        if pushes is not None and pushes.next_at is not None and pushes.next_at <= now:
            self._has_news = True  # nothing was pushed for a while, which is to be told too
        return found

    def _collect(self, project: Project, sources: Sequence[Source], due: Sequence[Due]) -> Collection:
        by_name = {source.name: source for source in sources}
        started = self._clock()
        for one in due:
            self._state.schedule.start(one.name)
        only = {one.name: one.only for one in due if one.only is not None}
        self._next_look = time.monotonic() + FIRST
        self._back_fill = pipeline.BackFill(project)
        names = [one.name for one in due]
        collection = pipeline.collect(
            project,
            names,
            only=only,
            between=lambda: self._between(project, names),
            clock=self._clock,
            listen=self._heard,
        )
        self._has_news = True
        entries = self._state.schedule.entries()
        for one in due:
            outcome, seconds, message = _outcome(collection, one.name)
            planned = cadence.following(_cadence(project, by_name[one.name]), started, _zone(project))
            next_at = planned if one.is_planned else entries[one.name].next_at
            self._state.schedule.finish(one.name, outcome, _not_before(next_at, collection, one.name))
            self._state.schedule.looked(one.name, started)
            self._state.run_log.add(self._run_id, "collect", outcome, source=one.name, seconds=seconds, message=message)
        return collection

    def _heard(self, event: Event) -> None:
        if isinstance(event, ScopeMoved):
            self._has_news = True
        self._listen(event)

    def _between(self, project: Project, names: Sequence[str]) -> None:
        """What cannot wait until every source is read: the end, what was pushed, and a first look at what is there."""
        if self._stop.is_set():
            raise KeyboardInterrupt
        self._lease.require()
        now = time.monotonic()
        if now < max(self._next_check, self._rest_until):
            return
        self._next_check = now + POLL
        if not (self._has_news and now >= self._next_look) and not self._state.inbox.pending(1):
            return
        self._take_in(project)
        try:
            self._publish(project)
        except ModelError as error:
            self._say(str(error))  # and go on reading: what is in sql/ can be mended meanwhile
        if now >= self._next_look:
            for name, text in self._back_fill.told(names, time.monotonic()).items():
                self._state.run_log.add(self._run_id, "collect", "started", source=name, message=text)
                self._listen(Noticed(f"  {name}: {text}"))
            self._next_look = time.monotonic() + DURING

    def _take_in(self, project: Project) -> None:
        """Land what was pushed."""
        self._lease.require()
        drained = pipeline.drain(project, self._state, clock=self._clock, listen=self._logged)
        if drained.deliveries:
            self._has_news = True

    def _publish(self, project: Project) -> None:
        """Build, check and publish, once the last publication has left others their share of the machine."""
        if not pipeline.has_data(project):
            self._has_news = False
            return
        if self._stop.wait(max(0.0, self._rest_until - time.monotonic())):
            return
        self._lease.require()
        began = time.monotonic()
        content = models.read(project.roots)
        pipeline.build(project, content=content, clock=self._clock, listen=self._logged)
        pipeline.check(project, content=content, clock=self._clock, listen=self._logged)
        pipeline.publish(project, clock=self._clock, listen=self._logged)
        self._has_news = False
        self._asking.published()
        self._rest_until = time.monotonic() + min(SHARE * (time.monotonic() - began), LONGEST_REST)
        if PUSH_SOURCE in self._state.schedule.entries():
            every = cadence.following(project.settings.schedule.every, self._clock(), _zone(project))
            self._state.schedule.plan(PUSH_SOURCE, every)

    def _see_closed_waves(self) -> None:
        """A survey's wave that somebody has closed, or whose time is over, has results to publish."""
        closed = self._state.waves.over()
        if self._closed is not None and closed != self._closed:
            self._has_news = True
        self._closed = closed

    def _told(self, step: str, status: Outcome, message: str) -> None:
        with suppress(StateError):
            self._state.run_log.add(self._run_id or "worker", step, status, message=message)
        self._listen(Noticed(message))

    def _logged(self, event: Event) -> None:
        """Tell the listener, and keep in the run log how long each step took."""
        if isinstance(event, StepFinished):
            self._state.run_log.add(self._run_id, event.step, "ok", seconds=event.seconds, message=event.detail)
        self._listen(event)

    def _tidy(self, project: Project, sources: Sequence[Source]) -> None:
        """Now and then forget what nobody needs any more, and ask for webhooks that did not arrive."""
        now = self._clock()
        if self._tidied is not None and abs(now - self._tidied) < TIDY_EVERY:
            return
        since, self._tidied = self._tidied or now - REDELIVERED, now
        self._state.inbox.prune(now - KEPT)
        self._state.run_log.prune(now - LOG_KEPT)
        for name in self._state.schedule.entries():
            if name != PUSH_SOURCE and name not in {source.name for source in sources}:
                self._state.schedule.forget(name)
        for name, notes in pipeline.redeliver(project, since, clock=self._clock).items():
            for note in notes:
                self._state.run_log.add(self._run_id or "worker", "redeliver", "ok", source=name, message=note)


def _cadence(project: Project, source: Source) -> str:
    return source.settings.schedule or project.settings.schedule.every


def _zone(project: Project) -> ZoneInfo:
    return ZoneInfo(project.settings.organisation.reporting_zone)


def _is_due(entry: Entry, now: datetime, every: str) -> bool:
    """Whether its time has come, or it was killed at work, or the clock was set back behind its last start."""
    if entry.last_status == "running":
        return True
    if entry.next_at is None:
        return every != cadence.MANUAL  # it was manual until now
    if entry.next_at <= now:
        return True
    return entry.last_started_at is not None and entry.last_started_at > now


def _outcome(collection: Collection, source: str) -> tuple[Outcome, float, str]:
    """How a source as a whole ended, its seconds, and what it brought or its first troubled scope said."""
    scopes = [scope for scope in collection.scopes if scope.source == source]
    troubled = [scope for scope in scopes if scope.status not in {"ok", "missing"}]
    seconds = max((scope.seconds for scope in scopes), default=0.0)
    if not troubled:
        changed = sum(scope.rows_changed for scope in scopes)
        return "ok", seconds, f"{counted(len(scopes), 'scope')}, {counted(changed, 'row')} new or changed"
    more = f" (and {len(troubled) - 1} more)" if len(troubled) > 1 else ""
    has_stuck = any(scope.status == "timed_out" for scope in troubled)
    return "timed_out" if has_stuck else "failed", seconds, f"{troubled[0].error}{more}"


def _not_before(next_at: datetime | None, collection: Collection, source: str) -> datetime | None:
    """Not while the source's quota is used up."""
    until = collection.limited.get(source)
    return next_at if until is None or next_at is None else max(next_at, until)
