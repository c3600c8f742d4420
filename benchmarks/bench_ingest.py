"""Pushes into a running dxmetrics: latency alone and beside readers, throughput, and how soon a push is a number.

The web process and the worker are the real ones, started with `dxmetrics up` on the sample organisation. Who sends is a
process of its own, who reads another one, all on the same cores.
"""

from __future__ import annotations

import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from multiprocessing import get_context
from multiprocessing.pool import Pool
from pathlib import Path
from typing import Any

import httpx2
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

from benchmarks.measurement import Measurement, at_most, hand_over, timed
from dxmetrics import pipeline, state
from dxmetrics.project import Project
from dxmetrics.state import Delivery

ALONE, BESIDE, SUSTAINED, SOON = 0.020, 0.100, 1_000, 15.0
SESSIONS, CLICK_EVERY = 20, 2.0  # seconds between the clicks of one reader
SECONDS = 10.0
SENDERS = 16
BATCH = 50
INBOX = 100_000
TEAMS = ("Payments", "Mobile", "Search", "Identity")
MONTHS = {"DX_SAMPLE__MONTHS": "8"}


def measure() -> Iterator[Measurement]:
    """First without readers, then with them, then a large inbox."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder)) as (address, token),
        httpx2.Client(base_url=address, timeout=30) as client,
        sender() as pool,
    ):
        times = pool.apply(one_after_the_other, (address, token, SECONDS))
        yield p95("ingest of one deployment, p95 alone", times, ALONE)
        yield rate("deployments accepted, one a request", pool.apply(many, (address, token, single)), SUSTAINED)
        yield rate(f"events accepted, {BATCH} a request", pool.apply(many, (address, token, batch)), SUSTAINED)
        wait_for(lambda: client.get("/readyz").json()["inbox"] == 0)
        soon = [until_published(client, address, token) for _ in range(3)]
        watch_of = f"{statistics.median(soon):.1f} s (slowest of 3: {max(soon):.1f} s)"
        yield Measurement("from a push to its publication", watch_of, f"<= {SOON:.0f} s", max(soon) <= SOON)
        with readers(address) as clicks:
            times = pool.apply(one_after_the_other, (address, token, 2 * SECONDS))
        yield p95(f"ingest, p95 while {SESSIONS} sessions click", times, BESIDE)
        yield Measurement("clicks answered meanwhile", f"{clicks[0]:,} in {2 * SECONDS:.0f} s")
    yield from drained()


def drained() -> Iterator[Measurement]:
    """An inbox of 100,000 deliveries, landed."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "dx.toml").write_text("")
        project = Project.find(Path(folder), {})
        with state.of_project(project, pipeline.utc_now) as store:
            for start in range(0, INBOX, 5_000):
                store.inbox.append_all(
                    [
                        Delivery("deployments", str(number), {}, json.dumps(deployment(number)).encode())
                        for number in range(start, start + 5_000)
                    ]
                )
            with timed() as watch:
                pipeline.drain(project, store)
        yield Measurement(
            f"draining an inbox of {INBOX:,}", f"{watch.seconds:.1f} s, {INBOX / watch.seconds:,.0f} deliveries/s"
        )
        with timed() as watch:
            pipeline.build(project)
            pipeline.publish(project)
        yield at_most("building and publishing them", watch, 10.0)


# -- senders ----------------------------------------------------------------------------------------------------------


def deployment(number: int) -> dict[str, Any]:
    """A deployment of one of fifty services."""
    return {"service": f"service-{number % 50}", "sha": f"{number:040x}", "environment": "production"}


def event(number: int) -> dict[str, Any]:
    """The same as a CDEvent."""
    moment = "2026-10-01T12:00:00Z"
    subject = {"id": f"service-{number % 50}", "content": {"environment": {"id": "production"}}}
    return {
        "specversion": "1.0",
        "id": f"{number}-{random.getrandbits(64):x}",
        "source": "/bench",
        "type": "dev.cdevents.service.deployed.0.3.0",
        "time": moment,
        "data": {"context": {"timestamp": moment}, "subject": subject},
    }


class Sender:
    """One connection that pushes; lighter than a client one would use, so that the server is what is measured."""

    def __init__(self, address: str, token: str) -> None:
        self._connection = HTTPConnection(address.removeprefix("http://"), timeout=30)
        self._token = token

    def post(self, path: str, body: Any, kind: str = "application/json") -> None:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": kind}
        self._connection.request("POST", f"/api/v1/{path}", json.dumps(body).encode(), headers)
        answer = self._connection.getresponse()
        answer.read()
        if answer.status not in {200, 202}:
            raise RuntimeError(f"{path}: {answer.status}")


def single(to: Sender, number: int) -> int:
    to.post("deployments", deployment(number))
    return 1


def batch(to: Sender, number: int) -> int:
    events = [event(number * BATCH + place) for place in range(BATCH)]
    to.post("events", events, "application/cloudevents-batch+json")
    return BATCH


def one_after_the_other(address: str, token: str, seconds: float) -> list[float]:
    """Seconds that each of the requests of one sender took."""
    to = Sender(address, token)
    times, end, number = [], time.perf_counter() + seconds, 0
    while time.perf_counter() < end:
        began = time.perf_counter()
        single(to, number)
        times.append(time.perf_counter() - began)
        number += 1
        time.sleep(0.01)
    return times


def many(address: str, token: str, send: Callable[[Sender, int], int]) -> float:
    """Deliveries a second of many senders at once."""
    sent = [0] * SENDERS
    end = time.perf_counter() + SECONDS

    def work(place: int) -> None:
        to = Sender(address, token)
        while time.perf_counter() < end:
            sent[place] += send(to, sent[place] + place * 10_000_000)

    threads = [threading.Thread(target=work, args=(place,)) for place in range(SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(sent) / SECONDS


def until_published(client: httpx2.Client, address: str, token: str) -> float:
    """Seconds from a push to the publication that has it."""
    before = client.get("/readyz").json()["publication"]
    began = time.perf_counter()
    single(Sender(address, token), 1)
    wait_for(lambda: client.get("/readyz").json()["publication"] != before)
    return time.perf_counter() - began


@contextmanager
def sender() -> Iterator[Pool]:
    """A process of its own to push from: the readers' threads are not to slow it down."""
    with get_context("spawn").Pool(1) as pool:
        yield pool


# -- readers ----------------------------------------------------------------------------------------------------------


@contextmanager
def readers(address: str) -> Iterator[list[int]]:
    """Sessions that open the Delivery page and choose a team every two seconds; how many clicks were answered."""
    stop, clicks, lock = threading.Event(), [0], threading.Lock()

    def read(number: int) -> None:
        dice = random.Random(number)
        url = address.replace("http", "ws") + "/_stcore/stream"
        with connect(url, subprotocols=["streamlit"], max_size=None) as socket_:  # type: ignore[list-item]
            while not stop.is_set():
                message = BackMsg()
                message.rerun_script.query_string = f"team={dice.choice(TEAMS)}&period={dice.choice([4, 13, 26])}+weeks"
                socket_.send(message.SerializeToString())
                while not stop.is_set():
                    answer = ForwardMsg()
                    answer.ParseFromString(socket_.recv(timeout=120))
                    if answer.WhichOneof("type") == "script_finished":
                        break
                with lock:
                    clicks[0] += 1
                stop.wait(CLICK_EVERY * dice.uniform(0.5, 1.5))

    threads = [threading.Thread(target=read, args=(number,), daemon=True) for number in range(SESSIONS)]
    for thread in threads:
        thread.start()
    time.sleep(5)  # the first runs are over
    clicks[0] = 0
    yield clicks
    stop.set()
    for thread in threads:
        thread.join(10)


# -- what runs --------------------------------------------------------------------------------------------------------


@contextmanager
def running(folder: Path) -> Iterator[tuple[str, str]]:
    """`dxmetrics up` on the sample, once it is published: its address and a token."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "dxmetrics", "up", "--sample", "--project", str(folder), "--port", str(port)]
    environment = {**os.environ, **MONTHS}
    address = f"http://localhost:{port}"
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(lambda: is_published(address))
            project = Project.sample(folder, {})
            with state.of_project(project, pipeline.utc_now) as store:
                token, _ = store.tokens.create("bench", ["ingest"], None)
            yield address, token
        finally:
            process.terminate()


def is_published(address: str) -> bool:
    try:
        return httpx2.get(f"{address}/readyz", timeout=5).json()["publication"] is not None
    except (httpx2.HTTPError, ValueError):
        return False


def wait_for(condition: Callable[[], bool], seconds: float = 300) -> None:
    """RuntimeError where it does not come true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError("it did not come true in time")
        time.sleep(0.05)


def p95(name: str, times: list[float], goal: float) -> Measurement:
    worst = statistics.quantiles(times, n=20)[-1]
    median = statistics.median(times)
    measured = f"{worst * 1000:.1f} ms (median {median * 1000:.1f} ms, n {len(times):,})"
    return Measurement(name, measured, f"<= {goal * 1000:.0f} ms", worst <= goal)


def rate(name: str, measured: float, goal: float) -> Measurement:
    return Measurement(name, f"{measured:,.0f} a second ({SENDERS} senders)", f">= {goal:,.0f}", measured >= goal)


if __name__ == "__main__":
    hand_over(measure())
