"""The survey a developer answers: `/survey/{token}`, plain HTML.

Opening a link answers nothing, so mail scanners may; only a POST does, once. Of the request nothing is read but the
path, the query, the language and the form: no address, no browser, no cookie; and nothing of it is logged.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Mount, Route

from dxmetrics.errors import AnswersRefused, LinkRefused, SettingsError, StateError
from dxmetrics.survey import form, phrases, receiving

if TYPE_CHECKING:
    from pathlib import Path

    from dxmetrics.api.stores import Stores
    from dxmetrics.survey.instrument import Instrument

MOST_BYTES = 64 * 1024
MOST_FIELDS = 1_000
FORM = "application/x-www-form-urlencoded"
STATUS: dict[form.Refusal, int] = {
    "forged": 404, "expired": 410, "closed": 410, "used": 409, "unavailable": 503, "too_large": 413,
}  # fmt: skip
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": form.CONTENT_POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
}
LONGEST_CODE = 64  # characters

log = logging.getLogger(__name__)


def routes(stores: Stores) -> list[Mount]:
    """Everything at `/survey`."""
    pages = _Pages(stores)
    return [
        Mount(
            "/survey",
            routes=[
                Route("/withdraw", pages.withdrawal),
                Route("/withdraw", pages.withdraw, methods=["POST"]),
                Route("/{token}", pages.survey),
                Route("/{token}", pages.answer, methods=["POST"]),
                Route("/{token}/about", pages.about),
            ],
        )
    ]


class _Pages:
    """Requests become calls of `receiving`, and what these say becomes pages of `form`."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def survey(self, request: Request) -> HTMLResponse:
        """The form; what the query proposes is ticked."""

        def drawn(asked: form.Asked, language: str) -> HTMLResponse:
            proposed = form.preselected(asked.instrument, request.query_params)
            return _answer(form.render(asked, language, proposed, words=self._words))

        return self._opened(request, drawn)

    def about(self, request: Request) -> HTMLResponse:
        """What the lead will see."""
        return self._opened(request, lambda asked, language: _answer(form.about(asked, language, self._words)))

    async def answer(self, request: Request) -> HTMLResponse:
        """Take in what was sent, once."""
        return await self._sent(request, self._answered)

    def _answered(self, request: Request, posted: Mapping[str, str]) -> HTMLResponse:
        def taken(asked: form.Asked, language: str) -> HTMLResponse:
            fields = form.sent(asked.instrument, posted)
            try:
                given = receiving.read_form(asked.instrument, fields, language)
            except AnswersRefused as error:
                return _answer(form.render(asked, language, fields, error.problems, self._words), 422)
            stores = self._stores
            code = receiving.receive(stores.state, stores.answers, asked.token, given, stores.clock())
            return _answer(form.thanks(asked, language, code, self._words))

        return self._opened(request, taken)

    def withdrawal(self, request: Request) -> HTMLResponse:
        """Where the code is entered."""
        return _answer(form.withdrawal(_spoken(request, self._words), words=self._words))

    async def withdraw(self, request: Request) -> HTMLResponse:
        """Delete the response of the code that was sent."""
        return await self._sent(request, self._withdrawn)

    def _withdrawn(self, request: Request, posted: Mapping[str, str]) -> HTMLResponse:
        language, code = _spoken(request, self._words), posted.get("code", "").strip()[:LONGEST_CODE]
        try:
            is_found = self._stores.answers.withdraw(code)
        except (StateError, SettingsError) as error:
            return self._unavailable(request, error)
        if not is_found:
            return _answer(form.withdrawal(language, code, is_unknown=True, words=self._words), 404)
        return _answer(form.withdrawn(language, self._words))

    def _opened(self, request: Request, draw: Callable[[form.Asked, str], HTMLResponse]) -> HTMLResponse:
        """What `draw` makes of the survey of the request's link, in the language to ask in; else why there is none."""
        token = request.path_params["token"]
        try:
            wave, instrument, link = receiving.opened(self._stores.state, token, self._stores.clock())
            zone = ZoneInfo(self._stores.project.settings.organisation.reporting_zone)
            closes_at, cohort = wave.closes_at.astimezone(zone), wave.cohort(link.cohort)
            asked = form.Asked(
                instrument,
                token,
                until=min(closes_at, link.expires.astimezone(zone)),
                closes_at=closes_at,
                team=cohort.team if cohort else None,
                tenure=cohort.tenure if cohort else None,
            )
            return draw(asked, _language(request, instrument))
        except LinkRefused as error:  # a draft for a link that answers nothing any more is of no use
            return self._refused(error.why, request, None if error.why == "forged" else token)
        except (StateError, SettingsError) as error:
            return self._unavailable(request, error)

    async def _sent(self, request: Request, take: Callable[[Request, Mapping[str, str]], HTMLResponse]) -> HTMLResponse:
        """What `take` makes of the fields that were sent, in a thread of its own."""
        body = await _body(request)
        if body is None:
            return self._refused("too_large", request)
        return await run_in_threadpool(take, request, _fields(body))

    def _unavailable(self, request: Request, error: StateError | SettingsError) -> HTMLResponse:
        log.error("survey cannot be served error=%s", error)
        return self._refused("unavailable", request)

    def _refused(self, why: form.Refusal, request: Request, token: str | None = None) -> HTMLResponse:
        return _answer(form.refused(why, _spoken(request, self._words), token, self._words), STATUS[why])

    @property
    def _words(self) -> Path:
        return self._stores.project.content(phrases.FILE)


def _answer(html: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(html, status, HEADERS | ({"Retry-After": "60"} if status == STATUS["unavailable"] else {}))


async def _body(request: Request) -> bytes | None:
    """The raw body, None where it is larger than is read; HTTPException 415 where it is no form."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise HTTPException(415, f"send the form as {FORM}", HEADERS)
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MOST_BYTES:
            return None
        parts.append(part)
    return b"".join(parts)


def _fields(body: bytes) -> Mapping[str, str]:
    """The fields of a form; of one that comes twice the last. What is no text is replaced, control characters go."""
    try:
        pairs = parse_qsl(body.decode("utf-8", "replace"), max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise HTTPException(400, f"more than {MOST_FIELDS} fields", HEADERS) from error
    return {name: re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", "", value) for name, value in pairs}


def _language(request: Request, instrument: Instrument) -> str:
    """The language to ask in: of the query, else the first of the browser's that the survey speaks, else its first."""
    return _chosen(request, instrument.survey.languages) or instrument.survey.languages[0]


def _spoken(request: Request, words: Path) -> str:
    """The language of a page that belongs to no survey."""
    return _chosen(request, tuple(phrases.languages(words))) or phrases.FALLBACK


def _chosen(request: Request, languages: tuple[str, ...]) -> str | None:
    for wanted in (request.query_params.get("lang", ""), *_accepted(request.headers.get("accept-language", ""))):
        for language in (wanted, wanted.partition("-")[0]):
            if language in languages:
                return language
    return None


def _accepted(header: str) -> list[str]:
    """The languages of an Accept-Language header, the preferred first."""
    found = []
    for part in header[:500].split(","):
        tag, _, weight = part.partition(";q=")
        try:
            found.append((-float(weight or 1), tag.strip()))
        except ValueError:
            continue  # no number: whoever sent it gets the survey's first language
    return [tag for _, tag in sorted(found, key=lambda one: one[0])]
