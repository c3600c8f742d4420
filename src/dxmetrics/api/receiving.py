"""Receiving pushes: authenticate, check, append to the inbox, acknowledge."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from dxmetrics.api import access
from dxmetrics.api.refusals import Forbidden, NotHere, TooLarge
from dxmetrics.api.stores import Stores
from dxmetrics.errors import MalformedError
from dxmetrics.events import cloudevents, plain
from dxmetrics.pipeline.pushes import EVENTS, WEBHOOKS
from dxmetrics.state import INGEST, Delivery

MOST_BYTES = 25_000_000  # what GitHub sends at most
LONGEST_KEY = 200  # characters of an Idempotency-Key
KEPT_HEADERS = ("ce-", "webhook-", "x-")  # what a vendor says beside the body
SECRET_HEADERS = ("api-key", "auth", "cookie", "secret", "signature", "token")


class Receipt(BaseModel):
    """What became of a push: how many of its items were written down, and how many had been here before."""

    accepted: int
    duplicates: int = 0
    ids: list[str] = Field(description="the delivery of each item; the same again is a duplicate")


class Problem(BaseModel):
    """What was refused, with which value, and what to do."""

    error: str


SAID = {
    200: {"model": Receipt, "description": "Everything was here before"},
    400: {"model": Problem, "description": "Malformed: the message names the field"},
    401: {"model": Problem, "description": "The token or the signature is missing, unknown or expired"},
    403: {"model": Problem, "description": "The token may not push this"},
    404: {"model": Problem, "description": "No source of this name receives webhooks"},
    413: {"model": Problem, "description": "Larger than 25 MB"},
    503: {"model": Problem, "description": "The inbox cannot be written to: send it again later"},
}
PUSHED: dict[int | str, dict[str, Any]] = {code: SAID[code] for code in (200, 400, 401, 403, 413, 503)}
HOOKED: dict[int | str, dict[str, Any]] = {code: SAID[code] for code in (200, 400, 401, 404, 413, 503)}

IdempotencyKey = Annotated[
    str | None,
    Header(max_length=LONGEST_KEY, description="the same key again is the same push; without one each push is new"),
]

router = APIRouter()


@router.post(
    "/events",
    status_code=202,
    response_model=Receipt,
    responses=PUSHED,
    tags=["push"],
    openapi_extra={"requestBody": cloudevents.REQUEST_BODY, "security": [{"token": []}]},
)
async def events(request: Request) -> JSONResponse:
    """Push CDEvents (0.4, 0.5) in CloudEvents: structured, binary or batch. One id from one source counts once."""
    body = await _body(request)
    return await run_in_threadpool(_events, _stores(request), _headers(request), body)


def _events(stores: Stores, headers: Mapping[str, str], body: bytes) -> JSONResponse:
    _authorize(stores, headers, EVENTS)
    read = cloudevents.read(headers, body)
    return _append(stores, [Delivery(EVENTS, event.delivery_id, {}, event.as_json()) for event in read])


def _push(name: str) -> Callable[..., Any]:
    async def push(request: Request, idempotency_key: IdempotencyKey = None) -> JSONResponse:
        body = await _body(request)
        return await run_in_threadpool(_plain, _stores(request), _headers(request), name, idempotency_key, body)

    push.__doc__ = plain.PUSHES[name].description
    return push


for _name, _one in plain.PUSHES.items():
    router.add_api_route(
        f"/{_name}",
        _push(_name),
        methods=["POST"],
        name=_name,
        status_code=202,
        response_model=Receipt,
        responses=PUSHED,
        tags=["push"],
        openapi_extra={"requestBody": _one.request_body, "security": [{"token": []}]},
    )


def _plain(stores: Stores, headers: Mapping[str, str], name: str, key: str | None, body: bytes) -> JSONResponse:
    token = _authorize(stores, headers, name)
    if key is not None and not (key and key.isprintable()):
        raise MalformedError("Idempotency-Key is blank or cannot be printed: send 1 to 200 printable characters")
    plain.read(name, body)
    delivery_id = f"{token}/{key}" if key else str(uuid.uuid4())
    return _append(stores, [Delivery(name, delivery_id, {}, body)])


@router.post(
    "/webhooks/{source}",
    status_code=202,
    response_model=Receipt,
    responses=HOOKED,
    tags=["webhooks"],
    openapi_extra={"requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}, "required": True}},
)
async def webhooks(
    request: Request, source: Annotated[str, Path(description="the source's name in dx.toml, such as github")]
) -> JSONResponse:
    """Receive a vendor's own webhook, signed with the source's `webhook_secret`: the source is read at once."""
    body = await _body(request)
    return await run_in_threadpool(_webhook, _stores(request), _headers(request), source, body)


def _webhook(stores: Stores, headers: Mapping[str, str], source: str, body: bytes) -> JSONResponse:
    hook = stores.hooks.get(source)
    if hook is None:
        valid = ", ".join(stores.hooks) or "none yet"
        raise NotHere(f"no source {source!r} receives webhooks: the path ends with a source's name in dx.toml: {valid}")
    if hook.secret is None:
        raise NotHere(
            f"source {source} has no secret to verify webhooks with: set webhook_secret in [sources.{source}]"
        )
    hook.webhook.verify(headers, body, hook.secret, stores.clock())
    delivery_id = hook.webhook.delivery_id(headers, body)
    kept = {
        name: value
        for name, value in headers.items()
        if name.startswith(KEPT_HEADERS) and not any(word in name for word in SECRET_HEADERS)
    }
    return _append(stores, [Delivery(WEBHOOKS + source, delivery_id, kept, hook.webhook.keep(body))])


def _append(stores: Stores, deliveries: Sequence[Delivery]) -> JSONResponse:
    are_new = stores.state.inbox.append_all(deliveries)
    receipt = Receipt(
        accepted=sum(are_new),
        duplicates=len(are_new) - sum(are_new),
        ids=[delivery.delivery_id for delivery in deliveries],
    )
    return JSONResponse(receipt.model_dump(), 202 if any(are_new) or not are_new else 200)


def _authorize(stores: Stores, headers: Mapping[str, str], name: str) -> str:
    """The id of the request's token; TokenRefused without a valid one, Forbidden where it may not push this."""
    token = access.token(stores, headers)
    if not token.may_push(name):
        raise Forbidden(
            f"API token {token.name!r} may not push {name}: create one with --scope {INGEST}:{name} or {INGEST}"
        )
    return token.id


async def _body(request: Request) -> bytes:
    """The raw body; TooLarge as soon as it is known to be."""
    announced = request.headers.get("content-length", "")
    size, parts = 0, []
    if announced.isdigit() and int(announced) > MOST_BYTES:
        raise TooLarge(f"the body has {int(announced):,} bytes: at most {MOST_BYTES:,} are read")
    async for part in request.stream():
        size += len(part)
        if size > MOST_BYTES:
            raise TooLarge(f"the body has more than {MOST_BYTES:,} bytes: send less at once")
        parts.append(part)
    return b"".join(parts)


def _headers(request: Request) -> dict[str, str]:
    """Names in lower case; of one that comes twice both values."""
    found: dict[str, str] = {}
    for name, value in request.headers.items():
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def _stores(request: Request) -> Stores:
    stores: Stores = request.app.state.stores
    return stores
