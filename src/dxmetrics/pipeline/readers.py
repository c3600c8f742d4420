"""Threads that read: jobs in the order they were given, and a new thread for one that hangs."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable

ENDING = 30.0  # seconds a thread gets to notice that the run is over

Job = Callable[[], None]


class Readers:
    """`size` threads that do jobs. A thread cannot be stopped; a process that ends does not wait for one that hangs."""

    def __init__(self, size: int) -> None:
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._stuck = 0
        for _ in range(size):
            self._start()

    def submit(self, job: Job) -> None:
        """Have the job done after those given before; it does not raise."""
        self._jobs.put(job)

    def replace_one(self) -> None:
        """One of the threads hangs in its job: another does the work from now on."""
        self._stuck += 1
        self._start()

    @property
    def has_stuck(self) -> bool:
        """Whether a thread was ever given up."""
        return self._stuck > 0

    def end(self) -> None:
        """Drop the jobs that were not begun, and wait for the threads, but for those that hang."""
        while not self._jobs.empty():
            self._jobs.get()
        for _ in self._threads:
            self._jobs.put(None)
        deadline = time.monotonic() + ENDING
        while sum(thread.is_alive() for thread in self._threads) > self._stuck and time.monotonic() < deadline:
            for thread in self._threads:
                thread.join(0.01)

    def _start(self) -> None:
        thread = threading.Thread(target=self._work, name=f"collect-{len(self._threads)}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
