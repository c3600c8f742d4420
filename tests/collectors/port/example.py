"""The example of a Port source that the tests for every source use: an account with one of everything."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from tests.fakes.port import CLIENT, SECRET, Port


def settings(_folder: Path) -> Mapping[str, Any]:
    """All of the account."""
    return {"client_id": CLIENT, "token": SECRET}


def transport(now: datetime) -> httpx2.BaseTransport:
    """Its server, whose clock is a little behind `now`."""
    account = Port(now - timedelta(days=40))
    account.team("division")
    account.team("team-a", parent="division")
    account.person("ada", "team-a")
    account.person("grace")
    account.service("pay", "team-a", tier="1", repository="https://github.com/acme/pay", template="service")
    account.service("search", "ada@example.org")
    for number in range(3):
        account.end(account.begin("scaffold", at="pay"), "FAILURE" if number == 1 else "SUCCESS")
        account.now += timedelta(days=12)
    account.begin("new_database", "grace")
    account.now = now - timedelta(hours=2)
    return account
