"""The example of a Claude Code source that the tests for every source use: a person, a machine, and a workspace."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from tests.fakes.claude_code import Console, model, work


def settings(_folder: Path) -> Mapping[str, Any]:
    """An organisation whose Claude Code is charged to one workspace."""
    return {"token": "sk-ant-admin-secret", "workspaces": ["wrkspc_1"], "since": "2025-11-01"}


def transport(now: datetime) -> httpx2.BaseTransport:
    """Its server."""
    server = Console()
    for days in range(1, 31):
        day = (now - timedelta(days=days)).date()
        used = model("large", cents=120, input=1_000, output=200, cache_read=50, cache_creation=10)
        server.days[day] = [
            work("ada@example.com", used, sessions=2, added=40, commits=1, taken=6, refused=2),
            work("ada@example.com", used, terminal="iTerm", sessions=1),
            work("nightly", used, sessions=1),
        ]
        line = {"workspace_id": "wrkspc_1", "description": "large, output", "currency": "USD", "amount": "361.5"}
        server.charges[day] = [line, {**line, "workspace_id": None}]
    return server
