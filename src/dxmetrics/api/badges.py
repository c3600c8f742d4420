"""Badges: one number as a small picture, for a README.

Whoever shows a README fetches its pictures without any header, and everybody who reads it sees their addresses. So the
token stands in the address, and is one that can do nothing else: made by `dxmetrics badge` for one badge, or with scope
`badge` for all of them. A token that may do more is refused there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from html import escape
from typing import TYPE_CHECKING
from unicodedata import category, combining, east_asian_width
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dxmetrics import numbers
from dxmetrics.api import access
from dxmetrics.api.negotiation import etag, is_known
from dxmetrics.api.refusals import Forbidden, refusal
from dxmetrics.errors import DxError, MalformedError, TokenRefused
from dxmetrics.inquiry import questions
from dxmetrics.metrics import Cell, Metrics
from dxmetrics.metrics.periods import local_date

if TYPE_CHECKING:
    from dxmetrics.api.stores import Stores
    from dxmetrics.inquiry.questions import Question

TOKEN = "token"  # noqa: S105 - the parameter's name
KNOWN = ("period", TOKEN)
LONGEST = {"day": 1, "week": 7, "month": 31, "quarter": 92}  # days of a period
CACHED = 300  # seconds a badge may be shown without asking again
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "cross-origin",
}

LONGEST_TEXT = 60  # characters
PADDING, HEIGHT = 7, 20
# Both sides are dark enough for white letters, and neither disappears on a white page or on a black one.
LABEL, VALUE, UNKNOWN = "#475467", "#3538CD", "#667085"
NARROW, WIDE = frozenset("fijlrtI.,:;!|'()[] "), frozenset("mwMW%@")


def routes(stores: Stores) -> list[Route]:
    """Everything at `/badge`."""

    def badge(request: Request) -> Response:
        metric, pairs = request.path_params["metric"], request.query_params.multi_items()
        try:
            asked = questions.question(metric, pairs, KNOWN)
            _require_shown(stores, request, address(metric, pairs))
            shared = "private" if access.bearer(request.headers) else "public"
            return _answered(Metrics.open(stores.project.data), asked, request.headers, shared)
        except DxError as error:
            status, headers = refusal(error)
            said = {401: "no valid token", 403: "token is for something else", 404: "no such metric"}
            picture = draw(metric, said.get(status, "not available"), str(error))
            return _svg(picture, status, {**headers, "Cache-Control": "no-cache"})

    return [Route("/badge/{metric}.svg", badge)]


def address(metric: str, pairs: Iterable[tuple[str, str]]) -> str:
    """What a badge is called, such as `deployments?period=month&service=pay`: one name for every order of its query."""
    told = sorted((name, value) for name, value in pairs if value and name != TOKEN)
    return f"{metric}?{urlencode(told)}" if told else metric


def draw(label: str, value: str, title: str, fill: str = UNKNOWN) -> str:
    """The picture of two texts side by side, the second on `fill`; `title` is what is read out instead of it."""
    left, right = _shortened(label), _shortened(value)
    first, second = _width(left), _width(right)
    whole = first + second + 4 * PADDING
    middle = first + 2 * PADDING
    told = escape(_printable(title))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="{HEIGHT}" role="img" aria-label="{told}">'
        f"<title>{told}</title>"
        f'<clipPath id="r"><rect width="{whole}" height="{HEIGHT}" rx="4"/></clipPath>'
        f'<g clip-path="url(#r)"><rect width="{middle}" height="{HEIGHT}" fill="{LABEL}"/>'
        f'<rect x="{middle}" width="{whole - middle}" height="{HEIGHT}" fill="{fill}"/></g>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="11">'
        f"{_text(left, PADDING, first)}{_text(right, middle + PADDING, second)}</g></svg>"
    )


def _require_shown(stores: Stores, request: Request, badge: str) -> None:
    """TokenRefused without a token, Forbidden with one that may not show this, or may do more than an address should.

    The header counts before the address, and may hold a token that reads.
    """
    text = access.bearer(request.headers)
    if text is not None:
        token = stores.token(text)
        if not (token.may_read or token.may_show(badge)):
            raise Forbidden(f"API token {token.name!r} may not show {badge}: make one with `dxmetrics badge`")
        return
    named = request.query_params.getlist(TOKEN)
    if not named:
        raise TokenRefused("no token: `dxmetrics badge` prints the address of a badge with a token of its own")
    token = stores.token(named[-1])
    if not token.is_for_badges:
        raise Forbidden(
            f"API token {token.name!r} may do more than show badges, and whoever sees this address can use it: "
            f"revoke it (`dxmetrics tokens revoke {token.id}`) and make one with `dxmetrics badge`"
        )
    if not token.may_show(badge):
        raise Forbidden(f"API token {token.name!r} may not show {badge}: make one with `dxmetrics badge`")


def _answered(published: Metrics, asked: Question, given: Mapping[str, str], shared: str) -> Response:
    headers = {"ETag": etag(published, "svg"), "Cache-Control": f"{shared}, max-age={CACHED}"}
    if is_known(given.get("if-none-match", ""), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    cell = newest(published, asked)
    definition = published.definition(asked.metric)
    filters = [", ".join(values) for values in asked.where.values()]
    label = " · ".join([definition.title, *filters])
    when = cell.period if asked.period else "now" if definition.is_current else "13 weeks"
    if cell.value is None:
        why = cell.reason or "unknown"
        return _svg(draw(label, f"n/a: {_briefly(why)}", f"{label}, {when}: {why}"), 200, headers)
    unit = _unit(published, asked, cell)
    value = numbers.text(cell.value, unit)
    title = _title(f"{label}: {value}", when, replace(cell, unit=unit), published)
    return _svg(draw(label, f"{value} · {when}", title, VALUE), 200, headers)


def newest(published: Metrics, asked: Question) -> Cell:
    """The number of the last period that is over, or of the usual window; MalformedError where there are several."""
    today = local_date(published.as_of, published.reporting_zone)
    if asked.period in LONGEST:
        recent = today - timedelta(days=2 * LONGEST[asked.period])
        asked = replace(asked, start=recent, end=today)
    cells = questions.cells(published, asked)
    if "measure" in cells[0].dimensions:
        raise MalformedError(f"{asked.metric} splits a whole into parts: a badge shows one number")
    return [cell for cell in cells if asked.period is None or cell.period_end <= today][-1]


def _unit(published: Metrics, asked: Question, cell: Cell) -> str:
    """The unit of a cell; of money the currency that counts."""
    if "money" not in cell.unit:
        return cell.unit
    window = replace(asked, period=None, start=cell.period_start, end=cell.period_end, by=("currency",))
    counted = [one.dimensions["currency"] for one in questions.cells(published, window) if one.n]
    return cell.unit.replace("money", counted[0] or "money") if len(counted) == 1 else cell.unit


def _title(shown: str, when: str, cell: Cell, published: Metrics) -> str:
    said = [shown, when, f"n {cell.n:,}"]
    interval = numbers.interval(cell.ci_low, cell.ci_high, cell.unit)
    said += [f"95 % interval {interval}"] if interval else []
    said += ["not observed whole"] if cell.is_partial else []
    return ", ".join([*said, f"data to {published.as_of:%Y-%m-%d}"])


def _briefly(reason: str) -> str:
    """The first words of a reason: "not enough data"."""
    return re.split(r"[:;,]", reason, maxsplit=1)[0]


def _svg(picture: str, status: int, headers: Mapping[str, str]) -> Response:
    return Response(picture, status, {**HEADERS, **headers}, "image/svg+xml")


def _text(text: str, x: int, width: int) -> str:
    """A text that is as wide as it was guessed to be, in whatever letters the reader has."""
    return f'<text x="{x}" y="14" textLength="{width}" lengthAdjust="spacingAndGlyphs">{escape(text)}</text>'


def _shortened(text: str) -> str:
    plain = _printable(text)
    return plain if len(plain) <= LONGEST_TEXT else f"{plain[: LONGEST_TEXT - 1].rstrip()}…"


def _printable(text: str) -> str:
    """Without what XML forbids, which is no character either; every kind of space is one."""
    return " ".join("".join(" " if category(one) in ("Cc", "Cs", "Cn") else one for one in text).split())


def _width(text: str) -> int:
    """About how many pixels a text takes in Verdana at 11."""
    return round(sum(_advance(one) for one in text))


def _advance(one: str) -> float:
    if combining(one):
        return 0.0
    if east_asian_width(one) in ("W", "F"):
        return 11.0
    if one in NARROW:
        return 4.1
    if one in WIDE:
        return 10.4
    return 7.7 if one.isupper() else 6.8
