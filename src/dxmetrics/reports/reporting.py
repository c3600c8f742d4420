"""Reports by themselves, in a thread beside the worker's turns: a slow mail server keeps nobody from collecting.

What is due is written, and what is planned is delivered. Whoever is killed at it does nothing twice.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Literal

from dxmetrics.aside import Aside
from dxmetrics.errors import DxError

if TYPE_CHECKING:
    from dxmetrics.project import Project
    from dxmetrics.state import State

LOOK_EVERY = 60.0  # seconds between looks at what is due

Told = Callable[[Literal["ok", "failed"], str], None]


class Reporting:
    """Writes and delivers in one thread at a time. `told` hears what became of it, from that thread."""

    def __init__(self, state: State, clock: Callable[[], datetime], told: Told) -> None:
        self._state = state
        self._clock = clock
        self._told = told
        self._aside = Aside("reporting")
        self._next_look = 0.0
        self._stop = threading.Event()

    def look(self, project: Project) -> None:
        """Begin what there is to do, unless it is being done already."""
        now = time.monotonic()
        if now < self._next_look or self._aside.is_busy:
            return
        self._next_look = now + LOOK_EVERY
        self._stop.clear()
        self._aside.begin(lambda: self._work(project))

    def finish(self, seconds: float) -> None:
        """End after what is being delivered, waiting for it for so long."""
        self._stop.set()
        self._aside.finish(seconds)

    def _work(self, project: Project) -> None:
        from dxmetrics.reports import delivery, schedule  # what draws and renders takes a while to import

        try:
            for status, text in schedule.write_due(project, self._state, self._clock(), stop=self._stop.is_set):
                self._told(status, text)
            done = delivery.deliver(project, self._state, self._clock, stop=self._stop.is_set)
        except DxError as error:
            self._told("failed", str(error))
            return
        for key, ended in groupby(done, key=lambda one: one.id):
            deliveries = list(ended)
            is_well = all(one.status == "sent" for one in deliveries)
            more = "" if is_well else "; `dxmetrics report --list` says why"
            self._told("ok" if is_well else "failed", f"report {key}: {delivery.summary(deliveries)}{more}")
