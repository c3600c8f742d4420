"""The example of a Backstage source that the tests for every source use: a portal with one of everything."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from tests.fakes.backstage import TOKEN, Backstage


def settings(_folder: Path) -> Mapping[str, Any]:
    """All of the portal."""
    return {"url": "https://backstage.example.org", "token": TOKEN}


def transport(now: datetime) -> httpx2.BaseTransport:
    """Its server, whose clock is a little behind `now`."""
    portal = Backstage(now - timedelta(days=40))
    portal.group("division", children=["team-a"])
    portal.group("team-a", profile={"displayName": "Team A"}, members=["grace"])
    portal.user("ada", "team-a", email="ada@example.org", displayName="Ada")
    portal.user("grace", email="grace@example.org")
    slug = {"github.com/project-slug": "acme/pay", "backstage.io/source-template": "template:default/service"}
    portal.component("pay", annotations=slug, tags=["payments", "java"], labels={"tier": "1"}, system="shop")
    portal.component("search", owner="user:default/ada")
    for number in range(3):
        task = portal.begin("service")
        portal.end(task, "failed" if number == 1 else "completed", makes="pay")
        portal.now += timedelta(days=12)
    portal.begin("service")
    portal.now = now - timedelta(hours=2)
    return portal
