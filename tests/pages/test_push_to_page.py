"""From a push to the page: a browser that was open all the time shows the number, with no reload."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from dxmetrics import pipeline, state
from dxmetrics.project import Project

from .browser import CHROMIUM, chromium

SOON = 15.0  # seconds
DAYS = 56
TEXT = "document.body.innerText"


def push(address: str, token: str, service: str) -> int:
    """A deployment of the service a day, in one request; how many of them are in complete weeks."""
    now = pipeline.utc_now()
    days = [now - timedelta(days=day) for day in range(1, DAYS)]
    rows = [{"service": service, "sha": f"{day.toordinal():040x}", "finished_at": day.isoformat()} for day in days]
    headers = {"authorization": f"Bearer {token}"}
    answer = httpx2.post(f"{address}/api/v1/deployments", json=rows, headers=headers, timeout=10)
    assert answer.status_code == 202
    monday = now.date() - timedelta(days=now.weekday())
    return sum(day.date() < monday for day in days)


def wait_for_answer(address: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if httpx2.get(f"{address}/readyz", timeout=2).status_code == 200:
                return
        except httpx2.HTTPError:
            time.sleep(0.2)
    raise TimeoutError(address)


@pytest.mark.real
@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed")
def test_a_push_is_a_number_on_an_open_page_within_fifteen_seconds(tmp_path: Path) -> None:
    (tmp_path / "dx.toml").write_text('[organisation]\nname = "Pushing"\n')
    with state.of_project(Project.find(tmp_path, {}), pipeline.utc_now) as store:
        token, _ = store.tokens.create("script", ["ingest"], None)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"http://localhost:{port}"
    command = [sys.executable, "-m", "dxmetrics", "up", "--project", str(tmp_path), "--port", str(port)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as up, chromium() as page:
        try:
            wait_for_answer(address)
            page.open(address)
            page.wait(f"{TEXT}.includes('The first numbers are on their way')")
            expected = 0
            for service in ("pay", "cart"):
                pushed = time.monotonic()
                expected += push(address, token, service)
                page.wait(f"{TEXT}.includes('0 of {expected} deployments')")
                took = time.monotonic() - pushed
            assert took < SOON, "the second one: the first waits for every table to be built once"
            assert page.errors == []
        finally:
            up.send_signal(signal.SIGTERM)
            up.wait(60)
