"""Processes that belong together: one that ends by itself is started again, and none outlives us."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

ENDING = 20.0  # seconds a process gets to end by itself: a build that is being written
STEADY = 2.0  # seconds after which a process got to work: its end is no failure to start
PAUSE = 0.5  # seconds before a process that ended is started again
LONGEST_PAUSE = 15.0  # seconds before a process that ends again and again is started once more
LOOK = 0.2  # seconds between looks
PARENT_VARIABLE = "DX_PARENT"  # the process without which a child has nothing to do


@dataclass
class Child:
    """A process to keep running, by its command and environment."""

    name: str
    command: Sequence[str]
    variables: Mapping[str, str]
    is_silent: bool = False  # nothing of its stdout is shown
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    started: float = field(default=0.0, init=False)
    pause: float = field(default=0.0, init=False)
    due: float = field(default=0.0, init=False)
    ends: int = field(default=0, init=False)  # how often it ended by itself

    def start(self) -> None:
        """Start it, to end when we do."""
        variables = {**self.variables, PARENT_VARIABLE: str(os.getpid())}
        stdout = subprocess.DEVNULL if self.is_silent else None
        self.process = subprocess.Popen(list(self.command), env=variables, stdout=stdout)  # noqa: S603 - our words
        self.started = time.monotonic()

    def tend(self, say: Callable[[str], None]) -> None:
        """Start it again where it has ended, after a pause that grows while it does not last."""
        now = time.monotonic()
        if self.process is not None:
            code = self.process.poll()
            if code is None:
                return
            lasted = now - self.started
            was_killed = code < 0  # by somebody else: that says nothing of whether it can run
            self.pause = PAUSE if lasted >= STEADY or was_killed else min(max(self.pause * 2, PAUSE), LONGEST_PAUSE)
            self.due, self.process, self.ends = now + self.pause, None, self.ends + 1
            say(f"the {self.name} process ended with {_named(code)}: it is started again in {self.pause:g} s")
        if now >= self.due:
            self.start()

    def end(self) -> None:
        """Ask it to end."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()


def keep_running(children: Sequence[Child], say: Callable[[str], None], each_look: Callable[[], None]) -> None:
    """Keep the children running until interrupted (Ctrl-C, SIGTERM); then they have ended too."""
    with _stoppable(), ExitStack() as stack:
        for child in children:
            stack.callback(_ended, [child])
        stack.callback(_asked_to_end, children)
        try:
            while True:
                for child in children:
                    child.tend(say)
                each_look()
                time.sleep(LOOK)
        except KeyboardInterrupt:
            return


def _named(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _asked_to_end(children: Sequence[Child]) -> None:
    for child in children:
        child.end()


def _ended(children: Sequence[Child]) -> None:
    for process in (child.process for child in children):
        if process is None:
            continue
        try:
            process.wait(ENDING)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            process.kill()
            process.wait()


@contextmanager
def _stoppable() -> Iterator[None]:
    """A termination signal ends us the way Ctrl-C does, so that nothing stays behind."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def end_with_parent(variables: Mapping[str, str]) -> bool:
    """End this process, as if terminated, once the process that started it is no more. False: nobody did."""
    parent = variables.get(PARENT_VARIABLE, "")
    if not parent.isdigit():
        return False

    def watch() -> None:
        while os.getppid() == int(parent):
            time.sleep(1.0)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent", daemon=True).start()
    return True
