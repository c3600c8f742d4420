"""Numbers for others: the metrics API over HTTP, in the formats that spreadsheets, dashboards and notebooks read.

An answer is a function of the publication and the address, so its ETag is the publication's: who has it already is told
so without a query.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import JSONResponse

from dxmetrics.api import access, negotiation
from dxmetrics.api.receiving import Problem
from dxmetrics.api.stores import Stores
from dxmetrics.inquiry import documents, questions, tables
from dxmetrics.metrics import Metrics

REFUSALS = {
    304: "Nothing is newer than what If-None-Match names",
    400: "The question is not understood; the message names what would be",
    401: "The token is missing, unknown or expired",
    403: "The token may not read",
    404: "There is no metric of this name; the message names those there are",
    406: "No format that is accepted can be given",
    503: "Nothing is published yet, or a store cannot be used: ask again later",
}
DIMENSIONS = {
    "name": "dimensions",
    "in": "query",
    "description": "any other name is a dimension to filter by: `team=Payments&team=Growth`; `unmapped`: has none",
    "style": "form",
    "explode": True,
    "schema": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
}

Name = Annotated[str, Path(description="the metric's name, such as change_lead_time")]

VALUES = ("period", "from", "to", "by", "bots", "format")
COMPARE = ("from", "to", "by", "format")
CHANGES = ("from", "to", "format")
EXPLAIN = ("from", "to", "bots", "limit", "format")

router = APIRouter(tags=["read"])


@dataclass(frozen=True)
class Answer:
    """Rows under the name they have in a document, what it says beside them, and the types of their columns."""

    name: str
    rows: tables.Rows
    about: Mapping[str, Any] = field(default_factory=dict)
    types: tables.Types = field(default_factory=dict)


def _described(*parameters: str) -> dict[str, Any]:
    """What OpenAPI is told of a route: its parameters, the formats it answers in, and what it refuses."""
    asked = [
        {"name": name, "in": "query", "description": questions.PARAMETERS[name], "schema": {"type": "string"}}
        for name in parameters
    ]
    document = {"application/json": {"schema": {"type": "object"}}}
    others = {one.media_type: {"schema": {"type": "string"}} for one in tables.FORMATS.values() if one.written}
    said = {200: {"content": document | others, "description": "The numbers"}}
    refused = {
        code: {"description": text} | ({} if code == 304 else {"model": Problem}) for code, text in REFUSALS.items()
    }
    more = [DIMENSIONS] if "from" in parameters else []
    return {
        "response_class": Response,
        "responses": said | refused,
        "openapi_extra": {"parameters": asked + more, "security": [{"token": []}]},
    }


@router.get("/metrics", **_described("format"))
def catalogue(request: Request) -> Response:
    """List every metric: what it measures, in which unit, where its formula is from, and what it can be cut by."""

    def answer(published: Metrics) -> Answer:
        areas = documents.areas(_stores(request).project)
        return Answer("metrics", documents.catalogue(published.catalogue(), areas))

    return _answered(request, answer)


@router.get("/metrics/{name}", **_described(*VALUES))
def values(request: Request, name: Name) -> Response:
    """Read a metric's numbers, each with its n and its interval; null where one is unknown or not allowed, and why."""

    def answer(published: Metrics) -> Answer:
        asked = questions.question(name, request.query_params.multi_items(), VALUES)
        cells = questions.cells(published, asked)
        about = {"metric": name, "title": published.definition(name).title}
        rows = [cell.as_json() for cell in cells]
        return Answer("cells", rows, _with_remarks(about, published, asked), tables.CELLS)

    return _answered(request, answer)


@router.get("/metrics/{name}/compare", **_described(*COMPARE))
def compare(request: Request, name: Name) -> Response:
    """Compare a window with the equally long one before it: signal, or routine variation."""

    def answer(published: Metrics) -> Answer:
        asked = questions.question(name, request.query_params.multi_items(), COMPARE)
        found = questions.comparisons(published, asked)
        about = {"metric": name, "title": published.definition(name).title}
        rows = [documents.comparison(one) for one in found]
        return Answer("comparisons", rows, _with_remarks(about, published, asked), tables.CELLS)

    return _answered(request, answer)


@router.get("/metrics/{name}/explain", **_described(*EXPLAIN))
def explain(request: Request, name: Name) -> Response:
    """Read what is behind one number: definition, what was left out and why, coverage, freshness, and the rows."""

    def answer(published: Metrics) -> Answer:
        asked = questions.question(name, request.query_params.multi_items(), EXPLAIN)
        receipt = questions.receipt(published, asked)
        return Answer("rows", receipt.rows, _with_remarks(documents.receipt(receipt), published, asked))

    return _answered(request, answer)


@router.get("/changes", **_described(*CHANGES))
def changes(request: Request) -> Response:
    """Read what changed against the window before and why, in sentences and numbers; routine variation is no change."""

    def answer(published: Metrics) -> Answer:
        asked = questions.question("", request.query_params.multi_items(), CHANGES)
        rows = [documents.change(one) for one in questions.changes(published, asked)]
        return Answer("changes", rows, _with_remarks({}, published, asked), tables.CELLS)

    return _answered(request, answer)


@router.get("/health", **_described("format"))
def health(request: Request) -> Response:
    """Read how far the numbers can be trusted: freshness of sources, coverage, what was refused, what checks say."""

    def answer(published: Metrics) -> Answer:
        state = documents.health(published.health())
        return Answer("sources", state.pop("sources"), state)

    return _answered(request, answer)


def _answered(request: Request, answer: Callable[[Metrics], Answer]) -> Response:
    """The answer in the format that is asked for; 304 where the reader has it already."""
    stores = _stores(request)
    access.require_read(stores, request.headers)
    form = negotiation.chosen(request.query_params.get("format"), request.headers.get("accept", ""))
    published = Metrics.open(stores.project.data)
    head = documents.head(published)
    headers = {
        "ETag": negotiation.etag(published, form.name),
        "Cache-Control": "private, no-cache",
        "Vary": "Accept, Authorization",
        "DX-As-Of": head["as_of"],
        "DX-Data-Version": head["data_version"],
    }
    if negotiation.is_known(request.headers.get("if-none-match", ""), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    found = answer(published)
    if form.written is None:
        rows = documents.plain(found.rows)
        return JSONResponse(head | dict(found.about) | {found.name: rows}, headers=headers)
    return Response(form.written([{**row, **head} for row in found.rows], found.types), 200, headers, form.media_type)


def _with_remarks(about: dict[str, Any], published: Metrics, asked: questions.Question) -> dict[str, Any]:
    found = questions.remarks(published, asked)
    return about | {"remarks": found} if found else about


def _stores(request: Request) -> Stores:
    stores: Stores = request.app.state.stores
    return stores
