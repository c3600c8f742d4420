"""What requests need, opened when the first one comes and shared by all: two stores and the sources."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Self

from dxmetrics import state
from dxmetrics.pipeline import utc_now
from dxmetrics.project import Project
from dxmetrics.sources import configured
from dxmetrics.survey import answers

if TYPE_CHECKING:
    from dxmetrics.collectors.webhooks import Webhook
    from dxmetrics.state import ApiToken, State
    from dxmetrics.survey.answers import Answers

TRUSTED = 2.0  # seconds a token that was checked is not checked again; so long may a revoked one still push
MOST_TOKENS = 1_000


@dataclass(frozen=True)
class Hook:
    """A source that receives webhooks, and the secret they are signed with; None: nobody set one."""

    webhook: Webhook
    secret: str | None


class Stores:
    """One project's two stores and its webhooks. A store that cannot be opened is tried again with the next request."""

    def __init__(self, project: Project, clock: Callable[[], datetime]) -> None:
        self.project = project
        self.clock = clock
        self._lock = threading.Lock()
        self._state: State | None = None
        self._answers: Answers | None = None
        self._tokens: dict[str, tuple[ApiToken, float]] = {}

    @classmethod
    def of_environment(cls) -> Self:
        """Those of the project that the environment names."""
        return cls(Project.find(), utc_now)

    @property
    def state(self) -> State:
        """The state store; StateError where it cannot be used."""
        with self._lock:
            if self._state is None:
                self._state = state.of_project(self.project, self.clock)
            return self._state

    @property
    def answers(self) -> Answers:
        """The store of survey answers; StateError where it cannot be used."""
        with self._lock:
            if self._answers is None:
                self._answers = answers.of_project(self.project, self.clock)
            return self._answers

    def token(self, text: str) -> ApiToken:
        """The token of this text, as it was known at most `TRUSTED` ago; TokenRefused where it is none."""
        now = time.monotonic()
        known = self._tokens.get(text)
        if known is not None and now < known[1]:
            return known[0]
        token = self.state.tokens.check(text)
        if len(self._tokens) >= MOST_TOKENS:
            self._tokens.clear()
        self._tokens[text] = (token, now + TRUSTED)
        return token

    @cached_property
    def hooks(self) -> Mapping[str, Hook]:
        """The sources that can receive webhooks, by name."""
        found = {}
        for source in configured(self.project):
            if source.collector.webhook is not None:
                secret = getattr(source.settings, "webhook_secret", None)
                text = secret.get_secret_value() if secret is not None else None
                found[source.name] = Hook(source.collector.webhook, text or None)
        return found

    def close(self) -> None:
        """Close what was opened."""
        with self._lock:
            if self._state is not None:
                self._state.close()
                self._state = None
            if self._answers is not None:
                self._answers.close()
                self._answers = None
            self._tokens.clear()
