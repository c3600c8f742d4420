"""The example of a GitHub source that the tests for every source use: two repositories with one of everything."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2

from tests.fakes.github import Server, generate

from .harness import TOKEN


def settings(_folder: Path) -> Mapping[str, Any]:
    """An organisation, without mirrors, as these are fetched from elsewhere."""
    return {"organisations": ("acme",), "token": TOKEN, "mirror": False}


def transport(now: Any) -> httpx2.BaseTransport:
    """Its server, whose clock is a little behind `now`."""
    world = generate(repositories=2, pulls=12, runs=6, deployments=4, issues=4, days=60, until=now - timedelta(hours=2))
    world.team("acme", "payments", ["dev1", "dev2"])
    server = Server(world, token=TOKEN)

    def respond(request: httpx2.Request) -> httpx2.Response:
        reply, _ = server.respond(request.method, request.url.raw_path.decode(), request.headers, request.read())
        headers = {**reply.headers, "date": world.now.strftime("%a, %d %b %Y %H:%M:%S GMT")}
        return httpx2.Response(reply.status, json=reply.body, headers=headers)

    return httpx2.MockTransport(respond)
