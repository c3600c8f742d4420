"""The dashboard's process: started with the project's folders in its environment, stopped with us."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dxmetrics.errors import DxError, SettingsError
from dxmetrics.project import DATA_VARIABLE, FOLDER_VARIABLE

if TYPE_CHECKING:
    from pathlib import Path
    from types import FrameType

    from dxmetrics.project import Project

PATIENCE = 120.0  # seconds until the page must answer
ENDING = 5.0  # seconds the process gets to end by itself
HEALTH = "/_stcore/health"


def require_free(address: str, port: int) -> None:
    """Raise SettingsError where something listens on the port already, or we may not."""
    places = _places(address, port)
    refusals = [error for error in (_refusal(*place) for place in places) if error is not None]
    if any(error.errno == errno.EADDRINUSE for error in refusals):
        raise SettingsError(
            f"port {port} is in use: stop what listens there, or choose another with --port or [serve] port"
        )
    if len(refusals) == len(places):  # else one of the machine's address families is merely switched off
        raise SettingsError(
            f"cannot listen on {address} port {port} ({refusals[0].strerror}): choose others with --port or in [serve]"
        )


def _refusal(family: int, kind: int, protocol: int, _name: str, place: Any) -> OSError | None:
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port just left is free for the server too
        try:
            probe.bind(place)
        except OSError as error:
            return error
    return None


def _places(address: str, port: int) -> list[Any]:
    try:
        return socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise SettingsError(f"[serve] address = {address!r} is no address of this machine: {error}") from error


def url(address: str, port: int) -> str:
    """Where a browser on this machine finds the dashboard."""
    host = "localhost" if address in {"0.0.0.0", "::", "127.0.0.1"} else address  # noqa: S104 - compared, not bound
    return f"http://{host}:{port}"


def command(app: Path, address: str, port: int) -> list[str]:
    """The command that serves `app`; its look and its limits are in the config.toml beside it."""
    return [
        sys.executable, "-m", "streamlit", "run", str(app),
        "--server.address", address, "--server.port", str(port), "--server.headless", "true",
        "--browser.gatherUsageStats", "false",
    ]  # fmt: skip


def environment(project: Project, base: Mapping[str, str]) -> dict[str, str]:
    """The variables by which the dashboard finds this project and the data that was just published."""
    return {**base, FOLDER_VARIABLE: str(project.folder), DATA_VARIABLE: str(project.data)}


def run(project: Project, port: int, ready: Callable[[str], None]) -> None:
    """Serve until interrupted, calling `ready` with the address once the page answers; DxError if it ends by itself."""
    address = project.settings.serve.address
    require_free(address, port)
    app = project.content("dashboards/app.py")
    with _stoppable(), _process(command(app, address, port), environment(project, os.environ)) as process:
        try:
            _wait_until_answering(process, url(address, port))
            ready(url(address, port))
            process.wait()
        except KeyboardInterrupt:
            return
    raise DxError(f"the dashboard ended with exit code {process.returncode}: its own message is above")


@contextmanager
def _process(command_line: list[str], variables: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """The running process; it has ended when this does, whatever happened."""
    # On stdout Streamlit only greets, with an address that we tell ourselves once it answers.
    process = subprocess.Popen(command_line, env=dict(variables), stdout=subprocess.DEVNULL)  # noqa: S603 - our words
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(ENDING)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def _stoppable() -> Iterator[None]:
    """A termination signal ends us the way Ctrl-C does, so that no server stays behind."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _wait_until_answering(process: subprocess.Popen[bytes], address: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None:
        try:
            with urllib.request.urlopen(address + HEALTH, timeout=5):  # noqa: S310 - our own http address
                return
        except (urllib.error.URLError, OSError):
            if time.monotonic() > deadline:
                raise DxError(f"the dashboard does not answer on {address} after {PATIENCE:.0f} s") from None
            time.sleep(0.1)
