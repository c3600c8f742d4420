"""`dxmetrics up` while processes are killed under load: nothing that was acknowledged is lost, nothing counts twice."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import httpx2
import pytest

from dxmetrics import pipeline, state
from dxmetrics.project import Project
from dxmetrics.state import Delivery

KILLS = 100
SENDERS = 4
PATIENCE = 120.0


class Load:
    """Senders that push until told to stop, and remember what was acknowledged."""

    def __init__(self, address: str, token: str) -> None:
        self.address = address
        self.token = token
        self.acknowledged: dict[str, dict[str, Any]] = {}
        self.tried: dict[str, dict[str, Any]] = {}
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(number,)) for number in range(SENDERS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _send(self, sender: int) -> None:
        dice = random.Random(sender)  # noqa: S311 - the same load each time
        with httpx2.Client(timeout=5) as client:
            number = 0
            while not self._stop.is_set():
                number += 1
                self._push(client, f"{sender}-{number}", dice)
                time.sleep(0.02)

    def _push(self, client: httpx2.Client, key: str, dice: random.Random) -> None:
        table = "incidents" if dice.random() < 0.2 else "deployments"
        moment = f"2026-10-{dice.randint(1, 28):02}T{dice.randint(0, 23):02}:00:00Z"
        row: dict[str, Any] = {"ext_id": key, "updated_at": moment}
        if table == "incidents":
            row |= {"services": ["pay"], "title": f"incident {key}", "detected_at": moment}
        else:
            row |= {
                "service": dice.choice(["pay", "cart"]),
                "sha": f"{dice.getrandbits(160):040x}",
                "finished_at": moment,
            }
        self.tried[key] = {"table": table, **row}
        headers = {"authorization": f"Bearer {self.token}", "idempotency-key": key}
        while not self._stop.is_set():
            try:
                answer = client.post(f"{self.address}/api/v1/{table}", json=row, headers=headers)
            except httpx2.HTTPError:
                time.sleep(0.1)  # the web process was killed: it is not known whether it was written down
                continue
            if answer.status_code in {200, 202}:
                self.acknowledged[key] = self.tried[key]
                return
            time.sleep(0.1)


@contextmanager
def running(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "dxmetrics", "up", "--project", str(folder), "--port", str(port)]
    with (folder / "up.log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def children(parent: int) -> dict[str, int]:
    """The process ids of `web` and `worker`."""
    found = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = file.read_text().rpartition(")")[2].split()
            words = (file.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if int(fields[1]) == parent and fields[0] != "Z":
            found["worker" if b"work" in words.split(b"\0") else "web"] = int(file.parent.name)
    return found


def wait_for(what: str, condition: Any) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.1)


def is_answering(address: str) -> bool:
    try:
        return httpx2.get(f"{address}/readyz", timeout=2).status_code == 200
    except httpx2.HTTPError:
        return False


def landed(data: Path) -> list[tuple[Any, ...]]:
    """Everything that was pushed, but for when it came."""
    with duckdb.connect(str(data / "dx.duckdb"), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        return connection.execute(
            """
            select ext_id, service, sha, finished_at::varchar, status from landing.deployments where source = 'push'
            union all
            select ext_id, services[1], title, detected_at::varchar, status from landing.incidents where source = 'push'
            order by all
            """
        ).fetchall()


@pytest.mark.real
def test_a_hundred_kills_under_load_lose_and_double_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "dx.toml").write_text('[organisation]\nname = "Under load"\n')
    project = Project.find(folder, {})
    with state.of_project(project, pipeline.utc_now) as store:
        token, _ = store.tokens.create("load", ["ingest"], None)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    dice = random.Random(20261128)  # noqa: S311 - the same kills each time
    with running(folder, port) as up:
        wait_for("an answer", lambda: is_answering(address))
        load = Load(address, token)
        load.start()
        killed = {"web": 0, "worker": 0}
        while sum(killed.values()) < KILLS:
            time.sleep(dice.uniform(0.1, 1.5))
            name = dice.choice(["worker", "worker", "web"])
            process = children(up.pid).get(name)
            if process is not None:
                os.kill(process, signal.SIGKILL)
                killed[name] += 1
        wait_for("an answer after the last kill", lambda: is_answering(address))
        load.end()
        wait_for("an empty inbox", lambda: httpx2.get(f"{address}/readyz", timeout=5).json()["inbox"] == 0)
    assert min(killed.values()) > 10
    assert len(load.acknowledged) > 100
    found = landed(project.data)
    keys = [row[0] for row in found]
    assert len(keys) == len(set(keys)), "nothing counts twice"
    assert set(load.acknowledged) <= set(keys), "nothing that was acknowledged is lost"
    assert set(keys) <= set(load.tried)

    undisturbed = Project.find(_copy(tmp_path / "undisturbed"), {})
    with state.of_project(undisturbed, pipeline.utc_now) as store:
        for key in keys:
            row = dict(load.tried[key])
            store.inbox.append(Delivery(row.pop("table"), key, {}, json.dumps(row).encode()))
        pipeline.drain(undisturbed, store)
    assert landed(undisturbed.data) == found


def _copy(folder: Path) -> Path:
    folder.mkdir()
    (folder / "dx.toml").write_text('[organisation]\nname = "Under load"\n')
    return folder
