"""The example of a Bitbucket source that the tests for every source use: a repository with one of everything."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from tests.fakes.bitbucket import Bitbucket, user


def settings(_folder: Path) -> Mapping[str, Any]:
    """A workspace, without mirrors, as these are fetched from elsewhere."""
    return {"organisations": ("acme",), "token": "secret-token", "mirror": False, "commits": True, "steps": True}


def transport(now: datetime) -> httpx2.BaseTransport:
    """Its server, whose clock is a little behind `now`."""
    server = Bitbucket(now - timedelta(days=3))
    shop = server.add("acme/shop")
    for author in (user("ada"), user("dina")):
        number = shop.open(author=author)
        server.now += timedelta(hours=5)
        shop.comment(number, by=user("bob"))
        shop.approve(number, by=user("bob"))
        shop.merge(number, by=user("ada"))
    shop.finish(shop.run())
    shop.deploy(by=user("cleo"))
    shop.report(reporter=user("emil"))
    server.now = now - timedelta(hours=2)
    return server
