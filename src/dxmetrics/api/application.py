"""The application: routes, what an error answers, and the pages that describe it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi_offline import FastAPIOffline

from dxmetrics import __version__
from dxmetrics.api import metrics, receiving
from dxmetrics.api.refusals import HEADERS, STATUS

if TYPE_CHECKING:
    from dxmetrics.api.stores import Stores

DESCRIPTION = """
Push what only your own scripts know. Every push answers as soon as it is safely written down; the worker makes numbers
of it within seconds. Read the numbers of every page, with their n, their intervals and the rows behind them.

Authenticate with `Authorization: Bearer TOKEN`, a token of `dxmetrics tokens create`. Webhooks are authenticated by
their own signatures instead.
"""


def create(stores: Stores) -> FastAPI:
    """The application for one project, to be mounted at `/api`."""
    app: FastAPI = FastAPIOffline(
        title="dxmetrics", version=__version__, description=DESCRIPTION, docs_url="/docs", redoc_url=None
    )
    app.state.stores = stores
    for kind, status in STATUS.items():
        app.add_exception_handler(kind, _answers(status))
    app.include_router(receiving.router, prefix="/v1")
    app.include_router(metrics.router, prefix="/v1")
    _describe_tokens(app)
    return app


def _describe_tokens(app: FastAPI) -> None:
    """Say in the description how a token is sent, so that its page can send one."""
    described = app.openapi()
    described["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}


def _answers(status: int) -> Callable[[Request, Exception], JSONResponse]:
    def answer(_request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"error": str(error)}, status, HEADERS.get(status))

    return answer
