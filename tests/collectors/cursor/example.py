"""The example of a Cursor source that the tests for every source use: a team of two, their days and events."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from tests.fakes.cursor import Team, event


def settings(_folder: Path) -> Mapping[str, Any]:
    """A team."""
    return {"token": "key_secret", "since": "2025-11-01"}


def transport(now: datetime) -> httpx2.BaseTransport:
    """Its server, which keeps 40 days."""
    server = Team((now - timedelta(days=40)).date())
    for email in ("ada@example.com", "ben@example.com"):
        server.add_member(email)
    for days in range(1, 41):
        day = (now - timedelta(days=days)).date()
        server.use(day, "ada@example.com", totalTabsShown=9, totalTabsAccepted=3, acceptedLinesAdded=4, agentRequests=2)
        tokens = {"inputTokens": 100, "outputTokens": 50, "cacheReadTokens": 10}
        server.events.append(event(day, "ada@example.com", "fast", tokenUsage=tokens, chargedCents=2.5))
        server.events.append(event(day, "ada@example.com", "fast", kind="Usage-based", chargedCents=4))
    return server
