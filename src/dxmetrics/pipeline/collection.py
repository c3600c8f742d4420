"""Reading scopes side by side and writing their pages one after the other.

Threads read; the calling thread alone writes, from a queue that holds few pages, so that memory stays bounded and a
fast source waits for the disk. A page may end its scope's turn: the scope goes to the end of the line, so that every
scope's newest rows are there before anybody's history. A scope that fails fails alone; a refused credential, or a quota
that is used up, stops the source's other scopes.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, zip_longest
from typing import TYPE_CHECKING

from dxmetrics.collectors import Collector, Context, Cursor, Page, Scope
from dxmetrics.errors import AuthError, CollectError, DxError, LimitedError, WarehouseError
from dxmetrics.http import Budgets
from dxmetrics.pipeline.answers import AnswerKeeper
from dxmetrics.pipeline.events import Listener, ScopeFinished, ScopeMoved, ScopeStarted, SourceSaid
from dxmetrics.pipeline.readers import Readers
from dxmetrics.pipeline.retirement import Absent, retire_absent
from dxmetrics.warehouse import Counts, Loader, finish_scope, read_cursor, start_scope

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping
    from datetime import datetime

    from duckdb import DuckDBPyConnection

    from dxmetrics.project import Project
    from dxmetrics.sources import Source

WORKERS = 8  # scopes read at a time; how many of them ask one host at a time is the client's to say
PAGES_WAITING = 16  # pages read but not yet written
ROWS_AT_ONCE = 5_000  # rows of waiting pages that are written in one transaction
STOP_CHECK = 0.2  # seconds between looks whether the run was stopped, while the queue is full
STUCK = "it was given up, and is tried again when it is due; a server that hangs, or [schedule] stuck_minutes too short"
PAUSE = 1.0  # seconds without a page after which the writer does what else there is to do

log = logging.getLogger("dxmetrics.pipeline")


@dataclass(frozen=True)
class ScopeResult:
    """How a scope ended: `ok`, `failed`, or

    timed_out  it brought nothing for `[schedule] stuck_minutes`
    refused    the source's credential was, or the scope was not tried for that reason
    limited    the source's quota was used up, or the scope was not tried for that reason
    missing    the server does not list it any more; its rows stay for a while
    """

    source: str
    scope: str
    title: str
    status: str  # ok | failed | timed_out | refused | limited | missing
    rows_read: int = 0
    rows_changed: int = 0
    rows_refused: int = 0
    seconds: float = 0.0
    error: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Collection:
    """What a run of collecting did, scope by scope."""

    run_id: str
    scopes: tuple[ScopeResult, ...]
    has_stuck: bool = False  # a thread of this run may still hang: end the process once its work is done
    limited: Mapping[str, datetime] = field(default_factory=dict)  # sources whose quota is used up, and until when

    @property
    def failed(self) -> tuple[ScopeResult, ...]:
        """The scopes that did not end well."""
        return tuple(scope for scope in self.scopes if scope.status not in {"ok", "missing"})

    @property
    def rows_changed(self) -> int:
        """Rows that are new, different or gone since the run before."""
        return sum(scope.rows_changed for scope in self.scopes)


@dataclass(eq=False)
class _Task:
    """One scope being read, and what became of it so far."""

    source: Source
    collector: Collector | None  # None: its scopes could not even be listed
    scope: Scope
    cursor: Cursor | None
    pages: Iterator[Page] | None = None  # None: not begun
    counts: Counts = field(default_factory=Counts)
    notes: list[str] = field(default_factory=list)
    error: Exception | None = None
    started: float = 0.0
    is_reading: bool = False  # a thread is at it, and did not hand over anything since `heard`
    heard: float = 0.0
    is_over: bool = False  # how it ended is recorded


@dataclass(frozen=True)
class _Ended:
    error: Exception | None


Listing = tuple[Collector, dict[str, Scope]] | Exception
_Message = tuple[_Task, "Page | _Ended | None"]  # None: the task begins


class _Stopped(Exception):
    """The writer has given up."""


class StuckError(CollectError):
    """A scope brought nothing for too long."""


class Collecting:
    """One run over some sources of a project."""

    def __init__(
        self,
        connection: DuckDBPyConnection,
        project: Project,
        run_id: str,
        clock: Callable[[], datetime],
        listen: Listener,
        between: Callable[[], None] = lambda: None,
    ) -> None:
        """`between` is called by the writer between transactions, at least every `PAUSE` seconds."""
        self.connection = connection
        self.project = project
        self.run_id = run_id
        self.clock = clock
        self.listen = listen
        self.between = between
        self.results: list[ScopeResult] = []
        self._queue: queue.Queue[_Message] = queue.Queue(PAGES_WAITING)
        self._stop = threading.Event()
        self._is_look = False
        self._collectors: list[Collector] = []
        self._budgets = Budgets()
        self._unusable: dict[str, AuthError | LimitedError] = {}  # sources of which no other scope is tried
        self._patience = project.settings.schedule.stuck_minutes * 60.0
        self._unfinished: list[_Task] = []
        self._only: Mapping[str, Container[str]] = {}
        self._answers = AnswerKeeper(project, clock)

    def run(
        self,
        sources: Sequence[Source],
        *,
        only: Mapping[str, Container[str]] | None = None,
        most_scopes: int | None = None,
    ) -> Collection:
        """Collect every scope of `sources`; WarehouseError where nothing can be written.

        `only` names scopes of a source to which it is restricted; `most_scopes`: the first turn of so many scopes of
        each source only, for a look at it.
        """
        self._is_look = most_scopes is not None
        self._only = only or {}
        loaders = {source.name: self._loader(source) for source in sources}
        self._readers = Readers(WORKERS)
        try:
            listed = [(source, self._listing(source)) for source in sources]
            by_source = [
                [
                    task
                    for task in self._tasks(source, self._listed(source, listing))
                    if source.name not in self._only or task.scope.id in self._only[source.name]
                ][:most_scopes]
                for source, listing in listed
            ]
            tasks = [task for task in chain.from_iterable(zip_longest(*by_source)) if task]
            self._unfinished = list(tasks)
            for task in tasks:
                self._readers.submit(partial(self._read, task))
            self._write_all(len(tasks), loaders)
        finally:
            self._stop.set()
            self._readers.end()
            for collector in self._collectors:
                collector.close()
            self._answers.close()
        limited = {name: error.until for name, error in self._unusable.items() if isinstance(error, LimitedError)}
        return Collection(self.run_id, tuple(self.results), self._readers.has_stuck, limited)

    def _listing(self, source: Source) -> Future[Listing]:
        """A source's collector and scopes, or why they cannot be told, once its turn has come."""
        listing: Future[Listing] = Future()
        self._readers.submit(lambda: listing.set_result(self._list(source)))
        return listing

    def _listed(self, source: Source, listing: Future[Listing]) -> Listing:
        """What a source lists, once it has; StuckError where that takes too long."""
        began = time.monotonic()
        while True:
            try:
                return listing.result(timeout=PAUSE)
            except TimeoutError:
                if time.monotonic() - began > self._patience:
                    self._readers.replace_one()
                    return StuckError(f"{source.name}: no list of scopes for {self._minutes}: {STUCK}")
            self.between()

    def _loader(self, source: Source) -> Loader:
        return Loader(
            self.connection,
            source.name,
            source.mappers,
            clock=self.clock,
            keeps_payloads=source.collector.keeps_payloads,
            run_id=self.run_id,
        )

    def _list(self, source: Source) -> Listing:
        try:
            collector = source.collector(source.name, source.settings, self._context(source))
            self._collectors.append(collector)
            return collector, {scope.id: scope for scope in collector.scopes()}
        except Exception as error:
            return error

    def _context(self, source: Source) -> Context:
        folder = self.project.source_folder(source.name)
        folder.mkdir(parents=True, exist_ok=True)
        return Context(
            self.clock,
            folder,
            partial(self._say, source.name),
            self.project.folder,
            self._budgets,
            sleep=self._sleep,
            asked=self._only.get(source.name, frozenset()),
        )

    def _tasks(self, source: Source, listing: Listing) -> tuple[_Task, ...]:
        """A task per scope; a source whose scopes cannot be listed is a failed scope without an id."""
        if isinstance(listing, Exception):
            self._record(_Task(source, None, Scope("", source.name), None, error=listing))
            return ()
        collector, scopes = listing
        for absent in retire_absent(self.connection, source.name, scopes, self.clock, at_once=not collector.discovers):
            self._record_absent(source.name, absent)
        if not collector.discovers:
            self._answers.keep_scopes(source.name, scopes)
        return tuple(
            _Task(source, collector, scope, read_cursor(self.connection, source.name, scope.id))
            for scope in scopes.values()
        )

    def _sleep(self, seconds: float) -> None:
        """Wait as a server asks; the end of the run ends it."""
        if self._stop.wait(seconds):
            raise _Stopped

    def _say(self, source: str, text: str) -> None:
        self.listen(SourceSaid(source, text))

    # -- reading, in threads ------------------------------------------------------------------------------------------

    def _read(self, task: _Task) -> None:
        """Read a scope's next turn; it goes to the end of the line if there is more to come."""
        task.heard, task.is_reading = time.monotonic(), True
        try:
            if task.pages is None and (known := self._unusable.get(task.source.name)):
                self._put(task, _Ended(_not_tried(task, known)))
                return
            if task.pages is None:
                self._put(task, None)
            try:
                if self._read_turn(task):
                    task.is_reading = False
                    self._readers.submit(partial(self._read, task))
                    return
            except _Stopped:
                raise
            except Exception as error:
                if isinstance(error, AuthError | LimitedError):
                    self._unusable[task.source.name] = error
                self._put(task, _Ended(error))
            else:
                self._put(task, _Ended(None))
        except _Stopped:
            return

    def _read_turn(self, task: _Task) -> bool:
        """Hand over the pages of one turn; whether more may follow."""
        if task.collector is None:
            return False
        if task.pages is None:
            task.pages = task.collector.collect(task.scope, task.cursor)
        for page in task.pages:
            if task.error is not None:  # a page could not be written: the rest would leave a gap
                return False
            self._put(task, page)
            if page.ends_turn:
                return not self._is_look
        return False

    def _put(self, task: _Task, content: Page | _Ended | None) -> None:
        while not self._stop.is_set():
            try:
                self._queue.put((task, content), timeout=STOP_CHECK)
            except queue.Full:
                task.heard = time.monotonic()  # it is the writer that is slow
                continue
            task.heard = time.monotonic()
            return
        raise _Stopped

    # -- writing, in the calling thread -------------------------------------------------------------------------------

    def _write_all(self, running: int, loaders: dict[str, Loader]) -> None:
        while running:
            pages: dict[str, list[tuple[_Task, Page]]] = {}
            ended: list[tuple[_Task, Exception | None]] = []
            for task, content in self._waiting():
                if task.is_over:
                    continue
                if content is None:
                    self._begin(task)
                elif isinstance(content, _Ended):
                    ended.append((task, content.error))
                elif not _is_empty(content):
                    pages.setdefault(task.source.name, []).append((task, content))
            for name, several in pages.items():
                self._write(several, loaders[name])
            for task, error in (*ended, *self._stuck()):
                task.error = task.error or error
                self._record(task)
                running -= 1
            self.between()

    def _stuck(self) -> Iterator[tuple[_Task, Exception]]:
        """The scopes that are given up, and why."""
        now = time.monotonic()
        self._unfinished = [task for task in self._unfinished if not task.is_over]
        for task in self._unfinished:
            if task.is_reading and now - task.heard > self._patience:
                self._readers.replace_one()
                yield task, StuckError(f"{task.source.name}: {task.scope.title}: nothing for {self._minutes}: {STUCK}")

    @property
    def _minutes(self) -> str:
        return f"{self._patience / 60:g} minutes"

    def _waiting(self) -> Iterator[_Message]:
        """What waits to be written, as much as makes a good transaction; nothing where nothing comes for a while."""
        rows = 0
        try:
            message: _Message = self._queue.get(timeout=PAUSE)
        except queue.Empty:
            return
        while True:
            yield message
            if isinstance(message[1], Page):
                rows += sum(map(len, message[1].rows.values()))
            if rows >= ROWS_AT_ONCE:
                return
            try:
                message = self._queue.get_nowait()
            except queue.Empty:
                return

    def _begin(self, task: _Task) -> None:
        task.started = time.perf_counter()
        name, scope = task.source.name, task.scope
        start_scope(self.connection, self.run_id, name, scope.id, scope.title, self.clock())
        self.listen(ScopeStarted(name, scope.id, scope.title))

    def _write(self, several: Sequence[tuple[_Task, Page]], loader: Loader) -> None:
        """Commit pages of one source together; one by one where that fails, so that only the bad one's scope does."""
        pages = [(task, page) for task, page in several if task.error is None]
        if not pages:
            return
        try:
            taken = [self._answers.take(task.source, task.scope.id, page) for task, page in pages]
            written = loader.write_all([(task.scope, rest) for (task, _), (rest, _) in zip(pages, taken, strict=True)])
        except WarehouseError:
            raise  # the disk is full, or the file is gone: no other scope can be written either
        except Exception as error:
            if len(pages) == 1:
                pages[0][0].error = error
                return
            for one in pages:
                self._write([one], loader)
            return
        for (task, _), (rest, kept), count in zip(pages, taken, written, strict=True):
            task.counts += kept + count
            task.notes += [note for note in rest.notes if note not in task.notes]
            self.listen(ScopeMoved(task.source.name, task.scope.id, task.counts.read))

    def _record(self, task: _Task) -> None:
        """Keep how the scope ended, in `meta.scope_runs` and in the results."""
        name, scope, error = task.source.name, task.scope, task.error
        task.is_over, task.is_reading = True, False
        if not task.started:
            self._begin(task)
        message = None if error is None else _message(task, error)
        status = _status(error)
        finish_scope(self.connection, self.run_id, name, scope.id, status, message, self.clock())
        result = ScopeResult(
            source=name,
            scope=scope.id,
            title=scope.title,
            status=status,
            rows_read=task.counts.read,
            rows_changed=task.counts.changed,
            rows_refused=task.counts.refused,
            seconds=time.perf_counter() - task.started,
            error=message,
            notes=tuple(task.notes),
        )
        self._tell(result)

    def _record_absent(self, source: str, absent: Absent) -> None:
        start_scope(self.connection, self.run_id, source, absent.scope, absent.title, self.clock())
        finish_scope(self.connection, self.run_id, source, absent.scope, "missing", absent.message, self.clock())
        self._tell(ScopeResult(source, absent.scope, absent.title, "missing", error=absent.message))

    def _tell(self, result: ScopeResult) -> None:
        self.results.append(result)
        self.listen(ScopeFinished(result))


def _is_empty(page: Page) -> bool:
    """Whether there is nothing in a page to write."""
    return page == Page(rows={}, ends_turn=page.ends_turn)


def _status(error: Exception | None) -> str:
    if isinstance(error, AuthError):
        return "refused"
    if isinstance(error, LimitedError):
        return "limited"
    if isinstance(error, StuckError):
        return "timed_out"
    return "ok" if error is None else "failed"


def _not_tried(task: _Task, known: AuthError | LimitedError) -> AuthError | LimitedError:
    """What is said of a scope that is not tried because of what another scope of its source met."""
    if isinstance(known, LimitedError):
        return LimitedError(f"{task.source.name}: not tried, as the quota is used up", known.until)
    return AuthError(f"{task.source.name}: not tried, as the credential was refused")


def _message(task: _Task, error: Exception) -> str:
    """What is told of a failed scope; an unexpected error is logged with its traceback."""
    if isinstance(error, DxError):
        return str(error)
    log.error("source=%s scope=%s", task.source.name, task.scope.id, exc_info=error)
    return (
        f"{task.source.name}: {task.scope.title}: unexpected {type(error).__name__}: {error}: this is a mistake in "
        f"collectors/{task.source.settings.kind} or in what it was given; the log has the traceback"
    )
