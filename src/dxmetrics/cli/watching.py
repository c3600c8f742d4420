"""Progress on stderr: bars in a terminal, plain lines elsewhere; and the log file of the project."""

from __future__ import annotations

import logging
import logging.handlers
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from dxmetrics.pipeline import ScopeFinished, ScopeMoved, ScopeStarted, SourceSaid, StepFinished, StepStarted

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

    def __call__(self, event: Event) -> None:
        if isinstance(event, ScopeFinished):
            _write(f"  {scope_line(event.result)}")
        elif isinstance(event, StepFinished):
            _write(step_line(event))


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
            progress.console.print(f"  {scope_line(event.result)}", markup=False, highlight=False)
        elif isinstance(event, StepFinished):
            progress.remove_task(self._tasks.pop(("", event.step)))
            progress.console.print(step_line(event), markup=False, highlight=False)


def scope_line(result: ScopeResult) -> str:
    """What became of a scope, in one line, with its error or its notes below."""
    head = f"{result.source}: {result.title}"
    if result.error is not None:
        return f"{head}: {result.status}: {result.error}"
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
