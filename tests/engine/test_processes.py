"""Processes that belong together: started again, ended together, and one worker at a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dxmetrics import pipeline, processes, serve, state
from dxmetrics.errors import DxError
from dxmetrics.lease import LEASE
from dxmetrics.processes import Child, keep_running
from dxmetrics.project import Project

PATIENCE = 30.0
BRIEF = "import sys; open(sys.argv[1], 'a').write('x'); sys.exit(3)"
LASTING = "import sys, time; open(sys.argv[1], 'a').write('x'); time.sleep(600)"


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def child(script: str, file: Path) -> Child:
    return Child("scribe", [sys.executable, "-c", script, str(file)], dict(os.environ))


def starts(file: Path) -> int:
    return len(file.read_text()) if file.exists() else 0


def is_alive(number: int) -> bool:
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def until(condition: Callable[[], bool]) -> Callable[[], None]:
    def look() -> None:
        if condition():
            raise KeyboardInterrupt

    return look


def test_a_process_that_ends_is_started_again_and_that_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "LOOK", 0.01)
    said: list[str] = []
    keep_running([child(BRIEF, tmp_path / "log")], said.append, until(lambda: starts(tmp_path / "log") >= 2))
    assert said[0] == "the scribe process ended with exit code 3: it is started again in 0.5 s"


def test_a_process_that_ends_again_and_again_is_started_less_often(tmp_path: Path) -> None:
    one = child(BRIEF, tmp_path / "log")
    pauses = []
    for _ in range(8):
        one.start()
        assert one.process is not None
        one.process.wait(PATIENCE)
        one.due = float("inf")
        one.tend(lambda _: None)
        pauses.append(one.pause)
    assert pauses == [0.5, 1, 2, 4, 8, 15, 15, 15]


def test_an_interruption_ends_every_process(tmp_path: Path) -> None:
    children = [child(LASTING, tmp_path / name) for name in ("a", "b")]
    keep_running(children, lambda _: None, until(lambda: starts(tmp_path / "a") + starts(tmp_path / "b") == 2))
    assert all(one.process is not None and one.process.poll() == -signal.SIGTERM for one in children)


def test_a_web_process_that_cannot_start_is_not_tried_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "STARTS", 1)
    (tmp_path / "dx.toml").write_text("")
    broken = Child("web", [sys.executable, "-c", "raise SystemExit(1)"], dict(os.environ))
    with pytest.raises(DxError, match="the web process ends by itself: its own message is above"):
        serve.run(Project.find(tmp_path, {}), 1, [broken], ready=lambda _: None, say=lambda _: None)


def test_what_a_killed_parent_started_ends_too(tmp_path: Path) -> None:
    orphan = (
        "import os, time; from dxmetrics.processes import end_with_parent; end_with_parent(os.environ); time.sleep(600)"
    )
    script = (
        "import os, sys, time; from dxmetrics.processes import Child\n"
        f"one = Child('orphan', [sys.executable, '-c', {orphan!r}], dict(os.environ)); one.start()\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(one.process.pid)); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", script]) as parent:
        wait_for(lambda: starts(tmp_path / "pid") > 0)
        number = int((tmp_path / "pid").read_text())
        parent.kill()
    wait_for(lambda: not is_alive(number))


@contextmanager
def working(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "dxmetrics", "work", "--project", str(folder)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DX_")}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_second_worker_stands_by_and_takes_over_and_a_signal_ends_it(tmp_path: Path) -> None:
    (tmp_path / "dx.toml").write_text("")
    with state.of_project(Project.find(tmp_path, {}), pipeline.utc_now) as store:

        def holder() -> str:
            return (store.leases.holder(LEASE) or "").rpartition("/")[2]

        with working(tmp_path) as first:
            wait_for(lambda: holder() == str(first.pid))
            with working(tmp_path) as second:
                assert second.stderr is not None
                assert b"standing by:" in second.stderr.readline()
                first.kill()
                first.wait(PATIENCE)
                wait_for(lambda: holder() == str(second.pid))
                second.terminate()
                assert second.wait(PATIENCE) == 0
        assert holder() == ""
