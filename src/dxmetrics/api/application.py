"""The application: routes, what an error answers, and the pages that describe it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi_offline import FastAPIOffline

from dxmetrics import __version__
from dxmetrics.api import receiving
from dxmetrics.errors import DxError, MalformedError, SettingsError, SignatureError, StateError, TokenRefused

if TYPE_CHECKING:
    from dxmetrics.api.stores import Stores

DESCRIPTION = """
Push what only your own scripts know. Every push answers as soon as it is safely written down; the worker makes numbers
of it within seconds.

Authenticate with `Authorization: Bearer TOKEN`, a token of `dxmetrics tokens create`. Webhooks are authenticated by
their own signatures instead.
"""

STATUS: dict[type[DxError], int] = {
    receiving.Forbidden: 403,
    receiving.NotHere: 404,
    receiving.TooLarge: 413,
    MalformedError: 400,
    SignatureError: 401,
    TokenRefused: 401,
    SettingsError: 503,
    StateError: 503,
}  # anything else is a mistake of ours: 500


def create(stores: Stores) -> FastAPI:
    """The application for one project, to be mounted at `/api`."""
    app: FastAPI = FastAPIOffline(
        title="dxmetrics", version=__version__, description=DESCRIPTION, docs_url="/docs", redoc_url=None
    )
    app.state.stores = stores
    for kind, status in STATUS.items():
        app.add_exception_handler(kind, _answers(status))
    app.include_router(receiving.router, prefix="/v1")
    _describe_tokens(app)
    return app


def _describe_tokens(app: FastAPI) -> None:
    """Say in the description how a token is sent, so that its page can send one."""
    described = app.openapi()
    described["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}


def _answers(status: int) -> Callable[[Request, Exception], JSONResponse]:
    def answer(_request: Request, error: Exception) -> JSONResponse:
        headers = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "5"}}.get(status)
        return JSONResponse({"error": str(error)}, status, headers)

    return answer
