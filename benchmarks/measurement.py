"""One measured figure beside its goal, and how a benchmark's module hands figures on."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Measurement:
    """What was measured; `is_met` is None for a figure that has no goal."""

    name: str
    measured: str
    goal: str = ""
    is_met: bool | None = None


class Stopwatch:
    """Seconds that a `with timed()` block took by the clock, and of all this process's threads together."""

    seconds = 0.0
    cpu_seconds = 0.0


@contextmanager
def timed() -> Iterator[Stopwatch]:
    """Measures the block. On a busy machine the processor's seconds are the ones to compare."""
    watch = Stopwatch()
    started, cpu_started = time.perf_counter(), time.process_time()
    yield watch
    watch.seconds = time.perf_counter() - started
    watch.cpu_seconds = time.process_time() - cpu_started


def peak_memory() -> float:
    """The largest resident size of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def at_most(name: str, watch: Stopwatch, goal: float, note: str = "") -> Measurement:
    """A duration that has an upper goal."""
    measured = f"{watch.seconds:.2f} s, cpu {watch.cpu_seconds:.2f} s{note}"
    return Measurement(name, measured, f"<= {goal:.2g} s", watch.seconds <= goal)


def hand_over(measurements: Iterable[Measurement]) -> None:
    """Write the figures as JSON lines, as soon as each is there; `python -m benchmarks` makes a table of them."""
    for one in measurements:
        sys.stdout.write(json.dumps(asdict(one)) + "\n")
        sys.stdout.flush()
