"""What a run tells whoever watches it: a terminal, a log, a test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dxmetrics.pipeline.collection import ScopeResult


@dataclass(frozen=True)
class StepStarted:
    """collect, build, check or publish begins."""

    step: str


@dataclass(frozen=True)
class StepFinished:
    """A step has ended well; `detail` counts what it did."""

    step: str
    seconds: float
    detail: str


@dataclass(frozen=True)
class ScopeStarted:
    """A scope is being read."""

    source: str
    scope: str
    title: str


@dataclass(frozen=True)
class ScopeMoved:
    """A page of a scope is committed; `rows` is the number of rows read so far."""

    source: str
    scope: str
    rows: int


@dataclass(frozen=True)
class ScopeFinished:
    """A scope has ended, well or not."""

    result: ScopeResult


@dataclass(frozen=True)
class SourceSaid:
    """What a collector is busy with. Told from its own thread."""

    source: str
    text: str


@dataclass(frozen=True)
class Noticed:
    """Something that keeps a worker from its work, or lets it go on."""

    text: str


Event = StepStarted | StepFinished | ScopeStarted | ScopeMoved | ScopeFinished | SourceSaid | Noticed
Listener = Callable[[Event], None]


def silent(_event: Event) -> None:
    """Listens and does nothing."""
