"""The gate every source passes: what a collector is, and how the engine finds one.

A source is one module in a `collectors/` folder, or a package when its subject needs more than one file. The folder of
the built-in project and that of the user's project are both on this package's `__path__`, so `[sources.NAME]` with
`kind = "git"` is `dxmetrics.collectors.git`.
"""

from __future__ import annotations

import importlib
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from dxmetrics import cadence
from dxmetrics.collectors.webhooks import Webhook
from dxmetrics.errors import AuthError, CollectError, PayloadError, RetryableError, SettingsError
from dxmetrics.http import Budgets
from dxmetrics.records import Record

if TYPE_CHECKING:
    import httpx2

__all__ = [
    "AuthError", "CollectError", "Collector", "Context", "Cursor", "Interval", "Page", "PayloadError",
    "RetryableError", "Scope", "SourceSettings", "Whole", "available", "extend_path", "load",
]  # fmt: skip

Cursor = Mapping[str, Any]
Interval = tuple[datetime, datetime]


class SourceSettings(BaseModel):
    """What every `[sources.NAME]` section has; a collector subclasses it and describes each of its fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    schedule: Annotated[str, AfterValidator(cadence.checked)] | None = Field(
        default=None,
        description="when it is read: 15m, 2h, 1d, a cron expression, or manual; left out: as [schedule] every says",
    )


@dataclass(frozen=True)
class Scope:
    """The smallest unit that can fail alone: a repository, a project, a file. `id` is stable over runs."""

    id: str
    title: str


@dataclass(frozen=True)
class Whole:
    """A statement that a page holds all rows whose field `parent` names one of `of`: others are gone."""

    parent: str
    of: Sequence[str]


@dataclass(frozen=True)
class Page:
    """What is committed in one transaction: payloads by record type, and the cursor after them.

    A payload is mapped by the collector module's function of the record's snake-case name (`incident(payload)`), or is
    already in the record's own shape where the module has none. A payload that cannot be mapped goes to quarantine.
    `covers` states, per record type, the time from which to which nothing is missing any more.
    `snapshot` marks the pages of a walk that reads everything: when its last page (`is_last`) is committed, rows of the
    scope that no page of the walk contained are marked deleted. `present` names rows that such a walk met without
    reading them. `whole` marks rows of the given parents deleted that this page does not have: the commits of a request
    after a force-push. `ends_turn` lets the other scopes read before this one goes on: what everybody looks at first is
    then there for all scopes first. `is_mapped`: the rows are in the records' own shape, whatever functions the module
    has; no payload is kept of them.
    """

    rows: Mapping[type[Record], Sequence[Mapping[str, Any]]]
    cursor: Cursor | None = None
    covers: Mapping[type[Record], Interval] = field(default_factory=dict)
    snapshot: bool = False
    is_last: bool = False
    present: Mapping[type[Record], Sequence[str]] = field(default_factory=dict)
    whole: Mapping[type[Record], Whole] = field(default_factory=dict)
    ends_turn: bool = False
    is_mapped: bool = False
    notes: tuple[str, ...] = ()  # what a person should know of this scope: shown on Data health, replaced each run


@dataclass(frozen=True)
class Context:
    """What the engine hands to a collector: the clock, a folder of its own that survives runs, a progress line, and how
    its requests go out: the budgets that all sources of a run share, a transport (None: the network), and a sleep.
    `asked` has the ids of scopes that somebody said changed: they are read though they had better rest.
    """

    now: Callable[[], datetime]
    folder: Path
    progress: Callable[[str], None] = lambda _: None
    project_folder: Path = field(default_factory=Path)
    budgets: Budgets = field(default_factory=Budgets)
    transport: httpx2.BaseTransport | None = None
    sleep: Callable[[float], None] = time.sleep
    asked: Container[str] = frozenset()


class Collector(ABC):
    """One configured source. The class fetches; mapping is module-level pure functions.

    `discovers`: its scopes are what a server lists. One that is missing there may be back tomorrow (a permission, an
    outage), so its rows are let go only after it was missing in three runs and for a day.
    `webhook`: how what the vendor sends is verified, and which scopes it is a reason to collect at once; None: nothing
    is received. Settings of such a source have a `webhook_secret`.
    """

    kind: ClassVar[str]
    discovers: ClassVar[bool] = False
    produces: ClassVar[tuple[type[Record], ...]]
    keeps_payloads: ClassVar[bool] = True  # False where the source itself can be read again for free
    webhook: ClassVar[Webhook | None] = None
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

    def redeliver(self, since: datetime) -> tuple[str, ...]:  # noqa: ARG002  (of those whose vendor can send again)
        """Ask for webhooks again that failed from `since` on; notes for a person on what came of it."""
        return ()

    def close(self) -> None:
        """Let go of connections; nothing is asked of the collector afterwards."""
        return


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
