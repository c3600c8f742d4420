"""`/mcp`: the Model Context Protocol over HTTP, for a token that may read. Made when the first request comes."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.routing import Route

from dxmetrics.api import access
from dxmetrics.api.refusals import refusal
from dxmetrics.errors import DxError
from dxmetrics.inquiry import require_sdk

if TYPE_CHECKING:
    from mcp.server import MCPServer
    from starlette.types import Receive, Scope, Send

    from dxmetrics.api.stores import Stores


def routes(stores: Stores) -> list[Route]:
    """Everything at `/mcp`."""
    return [Route("/mcp", _Endpoint(stores))]


class _Endpoint:
    """One question a request; there is nothing to listen to, so GET and DELETE are refused as the protocol says."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._lock = threading.Lock()
        self._served: MCPServer[Any] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            refused = JSONResponse({"error": "send POST: there are no sessions to listen to"}, 405, {"Allow": "POST"})
            await refused(scope, receive, send)
            return
        try:
            served = await run_in_threadpool(self._allowed, Headers(scope=scope))
        except DxError as error:
            status, headers = refusal(error)
            await JSONResponse({"error": str(error)}, status, headers)(scope, receive, send)
            return
        from dxmetrics.inquiry import tools

        await tools.answer(served, scope, receive, send)

    def _allowed(self, headers: Headers) -> MCPServer[Any]:
        """The server, for a request that may read; importing it takes a second, which only those wait who ask it."""
        access.require_read(self._stores, headers)
        require_sdk()
        from dxmetrics.inquiry import tools

        with self._lock:
            if self._served is None:
                self._served = tools.server(self._stores.project)
            return self._served
