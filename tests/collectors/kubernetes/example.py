"""The example of a Kubernetes source that the tests for every source use."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2

from tests.fakes.kubernetes import Kubernetes


def settings(_folder: Path) -> Mapping[str, Any]:
    """A cluster whose golden path is told by a label."""
    evidence = {"golden path": "platform/template"}
    return {"url": "https://kubernetes.example.org:6443", "token": "secret", "evidence": evidence}


def transport(_now: datetime) -> httpx2.BaseTransport:
    """Its server."""
    server = Kubernetes()
    server.run("pay", app="pay", platform__template="service-v2")
    server.run("search", app="search")
    return server
