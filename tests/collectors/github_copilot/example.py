"""The example of a Copilot source that the tests for every source use: an organisation, its days and its seats."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from tests.fakes.github_copilot import Copilot, feature, user


def settings(_folder: Path) -> Mapping[str, Any]:
    """One organisation."""
    return {"token": "ghp_secret", "organisations": ["acme"], "since": "2025-11-01"}


def transport(now: datetime) -> httpx2.BaseTransport:
    """Its server: three people, on the working days of six weeks."""
    server = Copilot(seats=[{"login": name, "id": number} for number, name in enumerate(("ada", "ben", "cleo"), 1)])
    for days in range(1, 43):
        day = (now - timedelta(days=days)).date()
        if day.weekday() < 5:
            chat = feature("chat_panel_ask_mode", asked=2)
            server.people[day] = [
                user(number, name, feature("code_completion", shown=20, taken=5), chat, added=12, suggested=60)
                for number, name in enumerate(("ada", "ben", "cleo"), 1)
            ]
            server.sums[day] = {"daily_active_users": 3, "pull_requests": {"total_created_by_copilot": 1}}
    return server
