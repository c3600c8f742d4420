"""The example of a PagerDuty source that the tests for every source use: an account with one of everything."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from tests.fakes.pagerduty import Account, PagerDuty


def settings(_folder: Path) -> Mapping[str, Any]:
    """All of the account."""
    return {"token": "secret-key", "severities": {"Critical": 1}}


def transport(now: datetime) -> httpx2.BaseTransport:
    """Its server, whose clock is a little behind `now`."""
    account = Account(now - timedelta(days=40))
    team = account.add_team("Payments")
    shop = account.add_service("shop", team)
    for priority in ("P2", "Critical", None):
        key = account.trigger(shop, priority=priority)
        account.now += timedelta(minutes=7)
        account.acknowledge(key)
        account.now += timedelta(hours=3)
        account.resolve(key)
        account.now += timedelta(days=12)
    first, second = account.trigger(shop), account.trigger(shop)
    account.now += timedelta(minutes=4)
    account.merge(second, first)
    account.now = now - timedelta(hours=2)
    return PagerDuty(account)
