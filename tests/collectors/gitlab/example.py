"""The example of a GitLab source that the tests for every source use: a project with one of everything."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from tests.fakes.gitlab import Server, World

from .harness import TOKEN


def settings(_folder: Path) -> Mapping[str, Any]:
    """A group, without mirrors, as these are fetched from elsewhere."""
    return {"organisations": ("acme",), "token": TOKEN, "mirror": False}


def transport(now: datetime) -> httpx2.BaseTransport:
    """Its server, whose clock is a little behind `now`."""
    world = World(now=now - timedelta(days=3), host="https://gitlab.com")
    world.join("acme", "ada", "bob")
    world.join("acme/pay", "bob")
    shop = world.project("acme/shop")
    for author in ("ada", "cleo"):
        request = world.open(shop, author)
        world.wait(hours=5)
        world.comment(request, "bob")
        world.approve(request, "bob")
        world.merge(request, "bob")
        world.child(shop, world.run(shop, mergeRequest=request, source="merge_request_event"))
        world.deploy(shop, shipped=[request], by="dina")
    world.close(world.issue(shop, "emil", "INCIDENT", labels=("sev2",)))
    world.release(shop, "v1.0")
    world.now = now - timedelta(hours=2)
    return Server(world, token=TOKEN)
