"""Progress on stderr: bars in a terminal, plain lines elsewhere; and the log file of the project."""

from __future__ import annotations

import logging
import logging.handlers
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from dxmetrics.pipeline import (
    Noticed,
    ScopeFinished,
    ScopeMoved,
    ScopeStarted,
    SourceSaid,
    StepFinished,
    StepStarted,
    counted,
)

if TYPE_CHECKING:
    from dxmetrics.pipeline import Event, Listener, ScopeResult
    from dxmetrics.project import Project

LOG_NAME = "dxmetrics.log"
LOG_SIZE = 5_000_000  # bytes; one older file of this size is kept
LOG_FORMAT = "%(asctime)s %(levelname)s logger=%(name)s %(message)s"


@contextmanager
def watching(project: Project) -> Iterator[Listener]:
    """A listener that shows a run, while everything that is logged goes to `data/dxmetrics.log`."""
    console = Console(stderr=True)
    with _logged(project):
        if console.is_terminal:
            with _Bars(console) as bars:
                yield bars
        else:
            yield _Lines()


class _Lines:
    """One line for each thing that ended."""

    def __init__(self) -> None:
        self._scopes = _Scopes()

    def __call__(self, event: Event) -> None:
        for line in self._scopes.lines(event):
            _write(line)


class _Scopes:
    """What is said of scopes: one with news in a line of its own, the others summed up when the step ends.

    An organisation has hundreds of repositories: most have nothing new, and one missing permission fails them all.
    """

    def __init__(self) -> None:
        self._quiet: Counter[str] = Counter()
        self._again: Counter[tuple[str, str]] = Counter()
        self._said: set[tuple[str, str]] = set()

    def lines(self, event: Event) -> Iterator[str]:
        """The lines to write now that `event` happened."""
        if isinstance(event, ScopeFinished):
            if line := self._scope(event.result):
                yield f"  {line}"
        elif isinstance(event, Noticed):
            yield event.text
        elif isinstance(event, StepFinished):
            for (source, message), times in self._again.items():
                yield f"  {source}: the same in {counted(times, 'more scope')}: {message}"
            for source, times in self._quiet.items():
                yield f"  {source}: nothing new in {counted(times, 'scope')}"
            self._quiet.clear()
            self._again.clear()
            self._said.clear()
            yield step_line(event)

    def _scope(self, result: ScopeResult) -> str | None:
        if result.error is not None:
            kind = (result.source, result.error.replace(result.title.partition(" ")[0], "..."))
            if kind in self._said:
                self._again[kind] += 1
                return None
            self._said.add(kind)
        elif not (result.rows_read or result.notes):
            self._quiet[result.source] += 1
            return None
        return scope_line(result)


class _Bars:
    """A line per running scope, replaced by what became of it."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            TextColumn("{task.fields[said]}", style="dim", markup=False),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._tasks: dict[tuple[str, str], TaskID] = {}
        self._lock = threading.Lock()  # collectors speak from their own threads
        self._scopes = _Scopes()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def __call__(self, event: Event) -> None:
        with self._lock:
            self._show(event)

    def _show(self, event: Event) -> None:
        progress = self._progress
        if isinstance(event, StepStarted):
            self._tasks["", event.step] = progress.add_task(event.step, total=None, said="")
        elif isinstance(event, SourceSaid):
            progress.update(self._tasks["", "collect"], said=event.text)
        elif isinstance(event, ScopeStarted):
            bar = progress.add_task(f"  {event.source}: {event.title}", total=None, said="")
            self._tasks[event.source, event.scope] = bar
        elif isinstance(event, ScopeMoved):
            progress.update(self._tasks[event.source, event.scope], said=f"{event.rows:,} rows")
        elif isinstance(event, ScopeFinished):
            task = self._tasks.pop((event.result.source, event.result.scope), None)
            if task is not None:  # a replay tells only what became of it
                progress.remove_task(task)
        elif isinstance(event, StepFinished):
            progress.remove_task(self._tasks.pop(("", event.step)))
        for line in self._scopes.lines(event):
            progress.console.print(line, markup=False, highlight=False)


def scope_line(result: ScopeResult) -> str:
    """What became of a scope, in one line, with its error or its notes below."""
    head = f"{result.source}: {result.title}" if result.title != result.source else result.source
    if result.error is not None:
        return f"{head}: {result.status}: {result.error.removeprefix(f'{result.source}: ')}"
    refused = f", {result.rows_refused:,} refused (see Data health)" if result.rows_refused else ""
    rows = f"{result.rows_read:,} rows read, {result.rows_changed:,} changed{refused}"
    return f"{head}: {rows}, {result.seconds:.1f} s" + "".join(f"\n    {note}" for note in result.notes)


def step_line(event: StepFinished) -> str:
    """What a step did, in one line."""
    return f"{event.step:<10}{event.detail}, {event.seconds:.1f} s"


def _write(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


@contextmanager
def _logged(project: Project) -> Iterator[None]:
    logger = logging.getLogger("dxmetrics")
    try:
        project.data.mkdir(parents=True, exist_ok=True)
        handler = logging.handlers.RotatingFileHandler(
            project.data / LOG_NAME, maxBytes=LOG_SIZE, backupCount=1, encoding="utf-8"
        )
    except OSError:
        yield  # the folder cannot be written: opening the warehouse says so, with what to do
        return
    handler.setFormatter(logging.Formatter(LOG_FORMAT))
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        handler.close()
