"""The web process and the worker: started with the project's folders in their environment, kept running together."""

from __future__ import annotations

import errno
import os
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dxmetrics.errors import DxError, SettingsError
from dxmetrics.processes import Child, keep_running
from dxmetrics.project import DATA_VARIABLE, FOLDER_VARIABLE

if TYPE_CHECKING:
    from pathlib import Path

    from dxmetrics.project import Project

PATIENCE = 120.0  # seconds until the page must answer
STARTS = 3  # tries to start it before it ever answered
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


def web(project: Project, port: int) -> Child:
    """The process that serves the dashboard and what is pushed to it."""
    app, address = project.content("dashboards/app.py"), project.settings.serve.address
    # On stdout Streamlit only greets, with an address that we tell ourselves once it answers.
    return Child("web", command(app, address, port), environment(project, os.environ), is_silent=True)


def worker(project: Project, arguments: Sequence[str]) -> Child:
    """The process that keeps the numbers new; `arguments` say which project, as they do to `dxmetrics work`."""
    return Child("worker", [sys.executable, "-m", "dxmetrics", "work", *arguments], environment(project, os.environ))


def run(
    project: Project,
    port: int,
    children: Sequence[Child],
    *,
    ready: Callable[[str], None],
    say: Callable[[str], None],
) -> None:
    """Keep the children running until interrupted, calling `ready` with the address once the first of them answers.

    `say` is told what happens to them.

    DxError where it does not within `PATIENCE` seconds, or cannot even start: its own message is above.
    """
    address = url(project.settings.serve.address, port)
    wanted = _Answer(address, children[0], ready)
    keep_running(children, say, wanted.look)


class _Answer:
    """Asks a web process for a sign of life until it gives one."""

    def __init__(self, address: str, child: Child, ready: Callable[[str], None]) -> None:
        self._address = address
        self._child = child
        self._ready = ready
        self._is_there = False
        self._deadline = time.monotonic() + PATIENCE

    def look(self) -> None:
        """Ask once; DxError where it takes too long."""
        if self._is_there:
            return
        if self._child.ends >= STARTS:
            raise DxError(f"the {self._child.name} process ends by itself: its own message is above")
        try:
            with urllib.request.urlopen(self._address + HEALTH, timeout=5):  # noqa: S310 - our own http address
                self._is_there = True
        except (urllib.error.URLError, OSError):
            if time.monotonic() > self._deadline:
                raise DxError(f"the dashboard does not answer on {self._address} after {PATIENCE:.0f} s") from None
            return
        self._ready(self._address)
