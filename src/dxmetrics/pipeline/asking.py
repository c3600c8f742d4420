"""What surveys have to send, in a thread beside the worker's turns: a slow mail server keeps nobody from collecting.

Planned waves are opened; invitations and reminders that were asked for are sent, and questions after a deployment.
Whoever is killed at it sends nothing twice: every step remembers what it has done before it goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

from dxmetrics.aside import Aside
from dxmetrics.errors import DxError
from dxmetrics.survey import instruments_of, invitations, triggers, waves

if TYPE_CHECKING:
    from dxmetrics.project import Project
    from dxmetrics.state import State

LOOK_EVERY = 60.0  # seconds between looks at what is planned
REST = 60.0  # seconds after a server failed

Told = Callable[[Literal["ok", "failed"], str], None]


class Asking:
    """Sends in one thread at a time. `told` hears what became of it, from that thread."""

    def __init__(self, state: State, clock: Callable[[], datetime], told: Told) -> None:
        self._state = state
        self._clock = clock
        self._told = told
        self._aside = Aside("asking")
        self._next_look = 0.0
        self._rest_until = 0.0
        self._has_deployments = True  # a publication nobody has looked at for triggers

    def published(self) -> None:
        """There is a new publication: deployments in it may be asked about."""
        self._has_deployments = True

    def look(self, project: Project) -> None:
        """Begin what there is to do, unless something is being sent already."""
        now = time.monotonic()
        if now < self._rest_until or self._aside.is_busy:
            return
        if now < self._next_look and not self._has_deployments and not self._state.waves.asked():
            return
        self._next_look, has_deployments, self._has_deployments = now + LOOK_EVERY, self._has_deployments, False
        self._aside.begin(lambda: self._send(project, has_deployments))

    def finish(self, seconds: float) -> None:
        """Wait for what is being sent, for so long."""
        self._aside.finish(seconds)

    def _send(self, project: Project, has_deployments: bool) -> None:
        try:
            zone = ZoneInfo(project.settings.organisation.reporting_zone)
            for wave in waves.open_planned(self._state, instruments_of(project).values(), self._clock(), zone):
                self._told("ok", f"wave {wave.name} of survey {wave.survey} is open, as planned")
            for line in invitations.send_requested(project, self._state, self._clock):
                self._told("ok", line)
            asked = triggers.ask(project, self._state, self._clock) if has_deployments else 0
            if asked:
                self._told("ok", f"{asked} asked about a deployment")
        except DxError as error:
            self._rest_until = time.monotonic() + REST
            self._told("failed", str(error))
