"""An example of a source for the tests that every source has to pass: its settings, and a server to read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from tests.fakes.azure_devops import AzureDevOps


def settings(_folder: Path) -> Mapping[str, Any]:
    """A token for one organisation, and no mirrors, which are git's."""
    return {"organisations": ("acme",), "token": "pat-of-the-example", "mirror": False}


def transport(now: datetime) -> httpx2.BaseTransport:
    """A server on which something of everything has happened in the weeks before `now`."""
    server = AzureDevOps(now - timedelta(days=40), seconds_per_request=0)
    shop = server.project("acme/Shop")
    api = shop.repository("api")
    for day in range(40):
        number = api.open(f"Change {day}")
        api.push(number)
        api.comment(number)
        api.vote(number)
        if day % 4:
            api.complete(number)
        run = shop.run(api if day % 2 else {"type": "GitHub", "id": "acme/site"})
        if day < 39:
            shop.finish(run)
        shop.deploy("production", run)
        shop.release(api)
        shop.item()
        server.now += timedelta(days=1)
    return server
