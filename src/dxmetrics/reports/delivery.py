"""Delivering editions: each once to each recipient, tried again where it is put off, and told where it is not wanted.

A delivery is claimed before it begins, by one process at a time. What a killed process was sending is sent again where
that changes nothing, as a file; a message may have arrived, so it is called unclear and sent again only when asked for.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Container, Iterable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from dxmetrics.errors import DeliveryError, DxError, SettingsError
from dxmetrics.lease import Lease
from dxmetrics.reports.archive import Archive
from dxmetrics.reports.channels import Channels, Contents, Told, link
from dxmetrics.state.deliveries import ReportDelivery, Status

if TYPE_CHECKING:
    from dxmetrics.project import Project
    from dxmetrics.reports.document import Document
    from dxmetrics.state import State

LEASE = "reports"
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (5, 15, 60, 180, 360, 720))
LAST_PAUSE = timedelta(days=1)
MOST_ATTEMPTS = 9  # about four days; then it is given up
FILES = ("folder", "store")  # channels where doing it again changes nothing
BROKEN_OFF = "the program was stopped while it sent this: it may have arrived"

Clock = Callable[[], datetime]
log = logging.getLogger(__name__)


class Sender(Protocol):
    """What delivers one edition: `Channels`, or what a test has in its place."""

    def send(self, one: ReportDelivery, contents: Contents) -> Told:
        """See `Channels.send`."""
        ...


Open = Callable[["Project", Clock], AbstractContextManager[Sender]]


def deliver(
    project: Project,
    state: State,
    now: Clock,
    *,
    only: Container[tuple[str, int]] | None = None,
    stop: Callable[[], bool] = lambda: False,
    contents: Callable[[Document, str | None], Contents] = Contents,
    channels: Open = Channels,
) -> list[ReportDelivery]:
    """Deliver what is due, of these editions or of all: how each that was tried ended.

    Nothing where another process is at it. A failure is told in the delivery and stops no other.
    """
    if not state.deliveries.due() and not state.deliveries.broken_off():
        return []
    lease = Lease(state, LEASE)
    try:
        if not lease.hold():
            return []
        _settle(state)
        due = [one for one in state.deliveries.due() if only is None or (one.id, one.edition) in only]
        with channels(project, now) as sender:
            making = _Making(state, lambda document: contents(document, link(project.settings, document)))
            return _Round(state, now, lease, sender, making).deliver(due, stop)
    finally:
        lease.release()


def ask_again(state: State, document: Document, *, even_unclear: bool) -> None:
    """Have what did not arrive of an edition sent once more; what may have arrived only where that is asked for."""
    asked: set[Status] = {"planned", "refused", "failed", *(("unclear",) if even_unclear else ())}
    for one in state.deliveries.of(document.id, document.edition):
        if one.status in asked:
            state.deliveries.again(one)


def summary(deliveries: Iterable[ReportDelivery]) -> str:
    """What became of deliveries, in totals and without a recipient: "2 sent, 1 refused"; blank where there is none."""
    counts = Counter("put off" if one.status == "planned" else one.status for one in deliveries)
    return ", ".join(f"{count} {status}" for status, count in counts.items())


class _Making:
    """Editions ready to be sent; as deliveries of one follow each other, the last one is kept."""

    def __init__(self, state: State, contents: Callable[[Document], Contents]) -> None:
        self._archive = Archive(state)
        self._contents = contents
        self._made: tuple[tuple[str, int], Contents] | None = None

    def of(self, one: ReportDelivery) -> Contents:
        """What a delivery is made of, all of it rendered."""
        key = (one.id, one.edition)
        if self._made is None or self._made[0] != key:
            self._made = (key, self._contents(self._archive.find(*key)))
        self._made[1].prepare(one)
        return self._made[1]


class _Round:
    """One time that everything due is delivered."""

    def __init__(self, state: State, now: Clock, lease: Lease, sender: Sender, making: _Making) -> None:
        self._deliveries = state.deliveries
        self._now = now
        self._lease = lease
        self._sender = sender
        self._making = making
        self._down: dict[tuple[str, ...], str] = {}  # what takes nothing from us now, and why

    def deliver(self, due: Iterable[ReportDelivery], stop: Callable[[], bool]) -> list[ReportDelivery]:
        tried = []
        for one in due:
            if stop():
                break
            self._lease.require()
            if self._one(one):
                tried.append(one)
        return [self._as_it_is(one) for one in tried]

    def _one(self, one: ReportDelivery) -> bool:
        """Deliver one; False where somebody else took it."""
        place = (one.channel,) if one.channel in ("mail", "slack") else (one.channel, one.recipient)
        if place in self._down:
            self._put_off(one, self._down[place])
            return True
        try:
            contents = self._making.of(one)
        except DxError as error:
            self._put_off(one, str(error))
            return True
        except Exception as error:  # a document that cannot be drawn keeps no other from being delivered
            log.exception("report=%s edition=%d cannot be rendered", one.id, one.edition)
            self._put_off(one, f"it cannot be rendered, by a mistake in dxmetrics: {type(error).__name__}: {error}")
            return True
        if not self._deliveries.claim(one):
            return False
        try:
            told = self._sender.send(one, contents)
        except (DeliveryError, SettingsError) as error:
            self._down[place] = str(error)
            self._put_off(one, str(error))
            return True
        self._end(one, told)
        return True

    def _end(self, one: ReportDelivery, told: Told) -> None:
        if told.outcome == "deferred":
            self._put_off(one, told.why or "it was put off")
            return
        ended: dict[str, Status] = {"accepted": "sent", "refused": "refused", "unsure": "unclear"}
        self._deliveries.end(one, ended[told.outcome], told.why)
        log.info("report=%s edition=%d channel=%s outcome=%s", one.id, one.edition, one.channel, told.outcome)

    def _put_off(self, one: ReportDelivery, why: str) -> None:
        log.info("report=%s edition=%d channel=%s outcome=deferred", one.id, one.edition, one.channel)
        if one.attempts + 1 >= MOST_ATTEMPTS:
            self._deliveries.end(one, "failed", f"given up after {one.attempts + 1} attempts: {why}")
            return
        pause = PAUSES[one.attempts] if one.attempts < len(PAUSES) else LAST_PAUSE
        self._deliveries.put_off(one, self._now() + pause, why)

    def _as_it_is(self, one: ReportDelivery) -> ReportDelivery:
        now = {(of.channel, of.recipient): of for of in self._deliveries.of(one.id, one.edition)}
        return now[one.channel, one.recipient]


def _settle(state: State) -> None:
    """Decide on what a killed process was sending."""
    for one in state.deliveries.broken_off():
        if one.channel not in FILES:
            state.deliveries.end(one, "unclear", BROKEN_OFF)
        elif one.attempts >= MOST_ATTEMPTS:
            state.deliveries.end(one, "failed", f"given up after {one.attempts} attempts: {BROKEN_OFF}")
        else:
            state.deliveries.resume(one)
