"""A Formbricks in the process: surveys of one workspace, their responses, and what goes wrong with them.

It answers as the real one is known to: at most 250 responses a page, `startDate` inclusive and by `filterDateField`,
which earlier versions do not know and ignore, an unknown or other workspace's key with 401, and beside each answer what
is known of who gave it. Answers to choices have the text that was shown, in whichever language.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx2

Row = dict[str, Any]

MOST = 250
SECRETS = ("ada@example.com", "Firefox", "DE", "https://app.example.com/ada", "contact-ada", "single-use-4711")


class Refused(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body: Row = {"error": {"code": status, "message": message}}


def stamp(moment: datetime) -> str:
    """An instant as Formbricks writes it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def texts(text: str, **others: str) -> Row:
    """A text in the main language, and in others."""
    return {"default": text, **others}


def element(key: str, kind: str, headline: str, **properties: Any) -> Row:
    """A question."""
    return {"id": key, "type": kind, "headline": texts(headline), "required": False, **properties}


def choice(label: str, **others: str) -> Row:
    """A choice, row or column."""
    return {"id": f"id-{label}", "label": texts(label, **others)}


@dataclass(eq=False)
class Formbricks(httpx2.BaseTransport):
    """The server. `before` is called with each request, and may change the account or raise Refused."""

    now: datetime
    key: str = "fbk_secret"
    is_early: bool = False  # of before filterDateField
    surveys: dict[str, Row] = field(default_factory=dict)
    responses: list[Row] = field(default_factory=list)
    requests: list[httpx2.Request] = field(default_factory=list)
    before: Callable[[httpx2.Request], None] = lambda _: None

    # -- what people do -----------------------------------------------------------------------------------------------

    def add_survey(self, key: str, name: str, *elements: Row, hidden: tuple[str, ...] = ()) -> None:
        """A new survey, or the same with other questions."""
        blocks = [{"id": f"b{place}", "elements": [one]} for place, one in enumerate(elements)]
        hidden_fields = {"enabled": True, "fieldIds": list(hidden)}
        self.surveys[key] = {
            "id": key, "name": name, "blocks": blocks, "questions": list(elements), "hiddenFields": hidden_fields,
        }  # fmt: skip

    def answer(self, survey: str, *, is_finished: bool = True, **data: Any) -> Row:
        """Somebody answers now; the response."""
        mail, browser, country, page, contact, single = SECRETS
        row = {
            "id": f"r{len(self.responses):05}", "createdAt": stamp(self.now), "updatedAt": stamp(self.now),
            "finished": is_finished, "surveyId": survey, "data": data, "variables": {}, "ttc": {"_total": 4711.5},
            "contactId": contact, "contactAttributes": {"email": mail, "userId": "4711"}, "singleUseId": single,
            "language": "default", "displayId": None, "endingId": None,
            "meta": {"userAgent": {"browser": browser}, "country": country, "url": page},
        }  # fmt: skip
        self.responses.append(row)
        return row

    def change(self, row: Row, **changed: Any) -> None:
        """A response is continued, finished or edited now."""
        row.update(changed, updatedAt=stamp(self.now))

    # -- the server ---------------------------------------------------------------------------------------------------

    def asked(self) -> list[str]:
        """The paths that were asked for."""
        return [request.url.path for request in self.requests]

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer, and let a second pass."""
        self.requests.append(request)
        served_at = self.now
        try:
            self.before(request)
            if request.headers.get("x-api-key") != self.key:
                raise Refused(401, "Unauthorized")
            status, body = 200, self._answer(request.url.path.strip("/").split("/"), request.url.params)
        except Refused as refused:
            status, body = refused.status, refused.body
        self.now += timedelta(seconds=1)
        headers = {"date": format_datetime(served_at.replace(microsecond=0), usegmt=True)}
        return httpx2.Response(status, headers=headers, json=body, request=request)

    def _answer(self, path: list[str], params: httpx2.QueryParams) -> Row:
        match path:
            case ["api", "v1", "management", "surveys", key] if key in self.surveys:
                return {"data": self.surveys[key]}
            case ["api", "v2", "management", "responses"]:
                return {"data": self._listed(params)}
        raise Refused(404, "Not Found")

    def _listed(self, params: httpx2.QueryParams) -> list[Row]:
        size, skip = int(params.get("limit", "50")), int(params.get("skip", "0"))
        if not 1 <= size <= MOST:
            raise Refused(422, "Unprocessable Entity")
        column = "createdAt" if self.is_early else params.get("filterDateField", "createdAt")
        rows = [row for row in self.responses if row["surveyId"] == params["surveyId"]]
        if since := params.get("startDate"):
            rows = [row for row in rows if datetime.fromisoformat(row[column]) >= datetime.fromisoformat(since)]
        order = params.get("sortBy", "createdAt")
        rows.sort(key=lambda row: str(row[order]), reverse=params.get("order", "desc") == "desc")
        return rows[skip : skip + size]
