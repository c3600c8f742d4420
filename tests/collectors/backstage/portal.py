"""A real Backstage catalogue on loopback: its backend as npm has it, on a file of entities."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.collectors.githost import free_ports, started

PACKAGES = ("@backstage/backend-defaults@0.18.0", "@backstage/plugin-catalog-backend@4.0.0", "better-sqlite3@12.11.1")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dxmetrics-tests"
MOST_SECONDS = 900  # 370 MB
KEPT_ONLY = "DX_TESTS_KEPT_PACKAGES_ONLY"  # set where nobody waits for that
TOKEN = "secret-token-of-tests"  # noqa: S105 - of a server that lives as long as these tests
START = """
const { createBackend } = require('@backstage/backend-defaults');
const backend = createBackend();
backend.add(require('@backstage/plugin-catalog-backend'));
backend.start();
"""

Row = dict[str, Any]


class Portal:
    """A running catalogue; `entities` are what its file has, once `publish` has written them."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.url = f"http://127.0.0.1:{port}"
        self.entities: dict[str, Row] = {}

    def add(self, kind: str, name: str, spec: Row, **metadata: Any) -> None:
        """An entity; one of its kind and name is replaced."""
        head = {"apiVersion": "backstage.io/v1alpha1", "kind": kind, "metadata": {"name": name, **metadata}}
        self.entities[f"{kind}:{name}:{metadata.get('namespace', 'default')}"] = {**head, "spec": spec}

    def publish(self) -> None:
        """Write the file, whole at once, as the server may read it at any moment."""
        written = self.folder / "new.yaml"
        written.write_text("\n---\n".join(map(json.dumps, self.entities.values())))
        written.rename(self.folder / "catalog.yaml")

    def config(self) -> Row:
        """Its app-config: entities are looked at every second, one token opens it."""
        port = int(self.url.rpartition(":")[2])
        access = {"type": "static", "options": {"token": TOKEN, "subject": "dxmetrics"}}
        rules = [{"allow": ["Component", "Group", "User", "System"]}]
        return {
            "backend": {
                "baseUrl": self.url,
                "listen": {"host": "127.0.0.1", "port": port},
                "database": {"client": "better-sqlite3", "connection": ":memory:"},
                "auth": {"externalAccess": [access]},
            },
            "catalog": {
                "processingInterval": {"seconds": 1},
                "locations": [{"type": "file", "target": str(self.folder / "catalog.yaml"), "rules": rules}],
            },
        }


@contextmanager
def portal(entities: Callable[[Portal], None]) -> Iterator[Portal]:
    """A running catalogue that has these entities at first."""
    node, modules = shutil.which("node"), installed()
    with tempfile.TemporaryDirectory(prefix="backstage-") as name:
        made = Portal(Path(name), *free_ports(1))
        (made.folder / "node_modules").symlink_to(modules)
        (made.folder / "package.json").write_text('{"name": "root", "version": "0.0.0", "private": true}')
        (made.folder / "index.js").write_text(START)
        (made.folder / "app-config.yaml").write_text(json.dumps(made.config()))
        entities(made)
        made.publish()
        command = ["env", f"--chdir={name}", str(node), "--no-node-snapshot", "index.js", "--config", "app-config.yaml"]
        environment = {"PATH": os.environ["PATH"], "HOME": name, "NODE_ENV": "development"}
        with (made.folder / "said").open("w") as said, started(command, environment, said):
            yield made


def installed() -> Path:
    """The packages, kept from one run of the tests to the next; without npm or its registry the test is skipped."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node and npm are not installed, which run Backstage's catalogue: see .ci/packages")
    folder = CACHE / "-".join(["backstage", *(name.rpartition("@")[2] for name in PACKAGES)])
    if not folder.is_dir() and KEPT_ONLY in os.environ:
        pytest.skip(f"Backstage's catalogue takes minutes to install: run without {KEPT_ONLY} once")
    if not folder.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as name:
            _install(npm, Path(name), PACKAGES)
            Path(name).rename(folder)
            Path(name).mkdir()  # for the context manager to take away
    return folder / "node_modules"


def _install(npm: str, folder: Path, packages: Sequence[str]) -> None:
    (folder / "package.json").write_text('{"private": true}')
    command = [npm, "install", "--no-audit", "--no-fund", "--loglevel=error", *packages]
    try:
        subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, timeout=MOST_SECONDS)
    except subprocess.SubprocessError as error:
        pytest.skip(f"npm cannot install Backstage's catalogue: {error}")


def until(is_so: Callable[[], bool], what: str, seconds: float = 90) -> None:
    """Look again and again until it is so."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"after {seconds:.0f} seconds still not: {what}"
        time.sleep(0.5)
