"""The state store in many hands: threads, processes, kill -9, and a disk that is full. `main` is what others run."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from dxmetrics.errors import StateError
from dxmetrics.state import Delivery, State, open_state

if TYPE_CHECKING:
    from tests.conftest import Clock  # not imported: the processes that are started need none of what it imports

ROOT = Path(__file__).parents[2]
THREADS = 4
SHARED = 400  # deliveries that several processes bring alike
TAKES = 15  # how often each process must have held the lease
MINUTE = timedelta(minutes=1)


def event(name: str) -> Delivery:
    return Delivery("events", name, {"content-type": "application/json"}, name.encode() * 100)


def now() -> datetime:
    return datetime.now(UTC)


def say(word: str) -> None:
    """A line on standard output, whole even when several threads speak."""
    os.write(1, f"{word}\n".encode())


def meet() -> None:
    """Wait for the other processes of a test."""
    say("ready")
    sys.stdin.readline()


def in_threads(work: Callable[[int], None]) -> None:
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, range(THREADS)))


def append_until_killed(state: State, run: str) -> None:
    """Say the name of each delivery once it was acknowledged."""

    def work(thread: int) -> None:
        number = 0
        while True:
            name = f"{run}-{thread}-{number}"
            assert state.inbox.append(event(name))
            say(name)
            number += 1

    in_threads(work)


def append_shared(state: State, _run: str) -> None:
    """Bring what other processes bring too, and say which of it was new."""

    def work(thread: int) -> None:
        for number in range(thread, SHARED, THREADS):
            if state.inbox.append(event(str(number))):
                say(str(number))

    meet()
    in_threads(work)


def hold_in_turns(state: State, run: str) -> None:
    """Hold a lease many times; whoever holds it is alone with a file that must not be there yet."""
    alone, me = Path(run), str(os.getpid())
    held = 0
    meet()
    while held < TAKES:
        if state.leases.acquire("scope", me, MINUTE):
            alone.touch(exist_ok=False)
            for _ in range(10):  # long enough for the other to try
                assert state.leases.holder("scope") == me
            alone.unlink()
            assert state.leases.release("scope", me)
            held += 1
    say(str(held))


def append_to_a_full_disk(state: State, run: str) -> None:
    """Say what was acknowledged while files may not grow, and that it goes on when they may."""
    refusals: list[str] = []

    def work(thread: int) -> None:
        for number in range(60):
            try:
                state.inbox.append(event(f"{run}-{thread}-{number}"))
            except StateError as error:
                refusals.append(str(error))
            else:
                say(f"{run}-{thread}-{number}")

    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
    in_threads(work)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert state.inbox.append(event("after"))
    say("after")
    say(f"refused: {len(refusals)} {refusals[-1]}")


def open_only(_state: State, run: str) -> None:
    """That it could be opened."""
    say(run)


def main(work: str, folder: Path, run: str) -> None:
    with open_state("", folder, now) as state:
        globals()[work](state, run)


def start(work: Callable[[State, str], None], folder: Path, run: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.engine.test_state_processes", work.__name__, str(folder), run]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def start_together(work: Callable[[State, str], None], folder: Path, run: str) -> list[subprocess.Popen[str]]:
    """Two processes that begin their work at the same moment."""
    processes = [start(work, folder, run) for _ in range(2)]
    for process in processes:
        assert next(lines(process)) == "ready"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    return processes


def lines(process: subprocess.Popen[str]) -> Iterator[str]:
    assert process.stdout is not None
    for line in process.stdout:
        if line.endswith("\n"):
            yield line.strip()


def said(process: subprocess.Popen[str]) -> list[str]:
    """What a process said until it ended, and ended well."""
    with process:
        words = list(lines(process))
    assert process.returncode == 0
    return words


def everything(state: State) -> list[str]:
    return [one.delivery_id for one in state.inbox.pending(1_000_000)]


def is_sound(folder: Path) -> bool:
    with closing(sqlite3.connect(folder / "state.sqlite")) as connection:
        found: list[tuple[str]] = connection.execute("pragma integrity_check").fetchall()
    return found == [("ok",)]


def test_of_threads_that_bring_the_same_each_delivery_is_new_to_one(tmp_path: Path, clock: Clock) -> None:
    names = [str(number) for number in range(200)]
    found = Counter[str]()
    ready = threading.Barrier(8)
    with open_state("", tmp_path, clock) as state:

        def work(seed: int) -> None:
            mine = Random(seed).sample(names, len(names))  # noqa: S311  # no secret: an order that can be repeated
            ready.wait()
            half = len(mine) // 2
            new = [name for name in mine[:half] if state.inbox.append(event(name))]
            told = state.inbox.append_all([event(name) for name in mine[half:]])
            new += [name for name, is_new in zip(mine[half:], told, strict=True) if is_new]
            found.update(new)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))
        assert found == Counter(names)
        assert sorted(everything(state)) == sorted(names)


def test_threads_that_wait_for_one_another_are_all_told_when_nothing_could_be_kept(
    tmp_path: Path, clock: Clock
) -> None:
    refused = []
    with open_state("", tmp_path, clock) as state:
        with closing(sqlite3.connect(tmp_path / "state.sqlite")) as other:
            other.execute("create trigger full before insert on inbox begin select raise(abort, 'no more'); end")

        def work(number: int) -> None:
            try:
                state.inbox.append(event(str(number)))
            except Exception as error:  # whatever it is, each has to be told
                refused.append(str(error))

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(40)))
        assert len(refused) == 40
        assert all("no more" in reason for reason in refused)
        assert state.inbox.depth() == 0


def test_of_processes_that_bring_the_same_each_delivery_is_new_to_one(tmp_path: Path) -> None:
    processes = start_together(append_shared, tmp_path, "shared")
    new = [name for process in processes for name in said(process)]
    assert sorted(new, key=int) == [str(number) for number in range(SHARED)]
    with open_state("", tmp_path, now) as state:
        assert sorted(everything(state), key=int) == [str(number) for number in range(SHARED)]


def test_processes_that_make_a_store_at_the_same_moment_all_get_it(tmp_path: Path) -> None:
    processes = [start(open_only, tmp_path / "data", str(number)) for number in range(4)]
    assert [said(process) for process in processes] == [["0"], ["1"], ["2"], ["3"]]
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["state.sqlite"]


def test_two_processes_never_hold_one_lease_at_once(tmp_path: Path) -> None:
    processes = start_together(hold_in_turns, tmp_path, str(tmp_path / "alone"))
    assert [said(process) for process in processes] == [[str(TAKES)], [str(TAKES)]]


def test_killed_again_and_again_no_acknowledged_delivery_is_lost(tmp_path: Path) -> None:
    random = Random(7)  # noqa: S311  # no secret: moments that can be repeated
    acknowledged: list[str] = []
    for run in range(6):
        with start(append_until_killed, tmp_path, str(run)) as process:
            left = random.randrange(1, 600)
            for line in lines(process):
                acknowledged.append(line)
                left -= 1
                if left == 0:
                    process.kill()
        assert process.returncode == -signal.SIGKILL
    assert len(acknowledged) == len(set(acknowledged)) > 100
    assert is_sound(tmp_path)
    with open_state("", tmp_path, now) as state:
        kept = everything(state)
        assert len(kept) == len(set(kept))
        assert set(acknowledged) <= set(kept)
        assert len(kept) - len(acknowledged) <= 6 * THREADS  # written, and killed before anybody was told
        assert not any(state.inbox.append_all([event(name) for name in acknowledged]))


def test_on_a_full_disk_senders_are_refused_and_what_was_acknowledged_is_kept(tmp_path: Path) -> None:
    *acknowledged, last = said(start(append_to_a_full_disk, tmp_path, "full"))
    assert last.startswith("refused: ")
    assert "the disk failed or is full" in last
    assert int(last.split()[1]) == THREADS * 60 + 1 - len(acknowledged)
    assert acknowledged[-1] == "after"
    assert is_sound(tmp_path)
    with open_state("", tmp_path, now) as state:
        assert sorted(everything(state)) == sorted(acknowledged)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
