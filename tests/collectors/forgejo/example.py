"""The example of a Forgejo source that the tests for every source use: a repository with one of everything."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from tests.fakes.forgejo import Forgejo

from .support import TOKEN


def settings(_folder: Path) -> Mapping[str, Any]:
    """An organisation, without mirrors, as these are fetched from elsewhere."""
    return {"url": "https://git.test", "organisations": ("acme",), "token": TOKEN, "mirror": False}


def transport(now: datetime) -> httpx2.BaseTransport:
    """Its server, whose clock is a little behind `now`."""
    server = Forgejo(now - timedelta(days=3), token=TOKEN)
    shop = server.add("acme/shop")
    server.team("payments", "ada", "bob")
    shop.files["CODEOWNERS"] = ".* @acme/payments\n"
    for author in ("ada", "dina"):
        number = shop.open("WIP: Carts", author)
        server.now += timedelta(hours=5)
        shop.retitle(number, "Carts", author)
        shop.review(number, by="bob")
        shop.merge(number, by="ada")
    again = shop.run()
    shop.start(again)
    shop.finish(again, "failure")
    shop.rerun(again)
    server.now += timedelta(hours=1)
    shop.start(again, "test")
    shop.finish(again)
    shop.release("v1.0.0")
    shop.report(by="emil")
    server.now = now - timedelta(hours=2)
    return server
