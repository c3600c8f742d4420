"""The gate every source passes: what a collector is, and how the engine finds one.

A source is one module in a `collectors/` folder, or a package when its subject needs more than one file. The folder of
the built-in project and that of the user's project are both on this package's `__path__`, so `[sources.NAME]` with
`kind = "git"` is `dxmetrics.collectors.git`.
"""

from __future__ import annotations

import importlib
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from dxmetrics.errors import AuthError, CollectError, PayloadError, RetryableError, SettingsError
from dxmetrics.records import Record

__all__ = [
    "AuthError", "CollectError", "Collector", "Context", "Interval", "Page", "PayloadError", "RetryableError",
    "Scope", "SourceSettings", "available", "extend_path", "load",
]  # fmt: skip

Cursor = Mapping[str, Any]
Interval = tuple[datetime, datetime]


class SourceSettings(BaseModel):
    """What every `[sources.NAME]` section has; a collector subclasses it and describes each of its fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str


@dataclass(frozen=True)
class Scope:
    """The smallest unit that can fail alone: a repository, a project, a file. `id` is stable over runs."""

    id: str
    title: str


@dataclass(frozen=True)
class Page:
    """What is committed in one transaction: payloads by record type, and the cursor after them.

    A payload is mapped by the collector module's function of the record's snake-case name (`incident(payload)`), or is
    already in the record's own shape where the module has none. A payload that cannot be mapped goes to quarantine.
    `covers` states, per record type, the time from which to which nothing is missing any more.
    `snapshot` marks the pages of a walk that reads everything: when its last page (`is_last`) is committed, rows of the
    scope that no page of the walk contained are marked deleted.
    """

    rows: Mapping[type[Record], Sequence[Mapping[str, Any]]]
    cursor: Cursor | None = None
    covers: Mapping[type[Record], Interval] = field(default_factory=dict)
    snapshot: bool = False
    is_last: bool = False
    notes: tuple[str, ...] = ()  # what a person should know of this scope: shown on Data health, replaced each run


@dataclass(frozen=True)
class Context:
    """What the engine hands to a collector: the clock, a folder of its own that survives runs, and a progress line."""

    now: Callable[[], datetime]
    folder: Path
    progress: Callable[[str], None] = lambda _: None
    project_folder: Path = field(default_factory=Path)


class Collector(ABC):
    """One configured source. The class fetches; mapping is module-level pure functions."""

    kind: ClassVar[str]
    produces: ClassVar[tuple[type[Record], ...]]
    keeps_payloads: ClassVar[bool] = True  # False where the source itself can be read again for free
    Settings: ClassVar[type[SourceSettings]] = SourceSettings

    def __init__(self, name: str, settings: SourceSettings, context: Context) -> None:
        self.name = name
        self.settings = settings
        self.context = context
        self.log = logging.getLogger(f"dxmetrics.collectors.{self.kind}")

    @abstractmethod
    def scopes(self) -> Iterator[Scope]:
        """The scopes this source consists of now."""

    @abstractmethod
    def collect(self, scope: Scope, cursor: Cursor | None) -> Iterator[Page]:
        """Pages of `scope` after `cursor` (None: from the beginning), each whole in itself."""


def extend_path(folders: Sequence[Path]) -> None:
    """Make the modules of these `collectors/` folders importable as `dxmetrics.collectors.*`, first folder first."""
    own = Path(__file__).parent
    __path__[:] = [*map(str, folders), str(own)]
    importlib.invalidate_caches()


def available() -> tuple[str, ...]:
    """The kinds that can be named in `[sources.NAME] kind`, in alphabetical order."""
    found = set()
    for folder in map(Path, __path__):
        if folder == Path(__file__).parent or not folder.is_dir():
            continue
        found |= {path.stem for path in folder.glob("*.py") if not path.stem.startswith("_")}
        found |= {path.parent.name for path in folder.glob("*/__init__.py")}
    return tuple(sorted(found))


def load(kind: str) -> type[Collector]:
    """The collector class of `kind`; SettingsError names the valid kinds."""
    if kind not in available():
        raise SettingsError(f"source kind {kind!r} is not known: use one of {', '.join(available())}")
    module = importlib.import_module(f"dxmetrics.collectors.{kind}")
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, Collector) and value.__module__.startswith(module.__name__):
            return value
    raise SettingsError(f"{module.__file__} defines no Collector: a source's module holds one subclass of it")
