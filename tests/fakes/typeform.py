"""A Typeform in the process: one account's forms and responses, and what goes wrong with them.

It answers as the real one is known to: at most 1,000 responses a page, the newest first unless it is told otherwise,
`since` inclusive to the second and by the time of handing in only where `completed` is asked for, what was not handed
in with a time of the year 1, a revoked token with 403, and beside each answer what the browser told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx2

Row = dict[str, Any]

MOST = 1_000
NEVER = "0001-01-01T00:00:00Z"
SECRETS = ("Mozilla/5.0 (Ada's laptop)", "network-4711", "https://ada.example.com", "ada@example.com")


class Refused(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, code: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.body = {"code": code, "description": description}


def stamp(moment: datetime) -> str:
    """An instant as Typeform writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def choice(label: str) -> Row:
    """A choice of a question, whose id and ref are made of its text."""
    return {"id": f"id-{label}", "ref": f"ref-{label}", "label": label}


def question(key: str, kind: str, title: str, **properties: Any) -> Row:
    """A question of a form; its ref is its id with `ref_` before it."""
    return {"id": key, "ref": f"ref_{key}", "type": kind, "title": title, "properties": properties}


@dataclass(eq=False)
class Typeform(httpx2.BaseTransport):
    """The server of an account. `before` is called with each request, and may change the account or raise Refused."""

    now: datetime
    token: str = "tfp_secret"  # noqa: S105 - the fake's
    forms: dict[str, Row] = field(default_factory=dict)
    responses: dict[str, list[Row]] = field(default_factory=dict)
    requests: list[httpx2.Request] = field(default_factory=list)
    before: Callable[[httpx2.Request], None] = lambda _: None

    # -- what people do -----------------------------------------------------------------------------------------------

    def add_form(self, key: str, title: str, *fields: Row, hidden: tuple[str, ...] = ()) -> None:
        """A new form, or the same with other questions."""
        self.forms[key] = {"id": key, "title": title, "language": "en", "fields": list(fields), "hidden": list(hidden)}
        self.responses.setdefault(key, [])

    def answer(self, form: str, *answers: Row, hidden: Row | None = None, is_handed_in: bool = True) -> str:
        """Somebody answers now, having begun 5 hours ago; the response's id."""
        key = f"r{len(self.responses[form]):05}"
        agent, network, referer, _ = SECRETS
        self.responses[form].append(
            {
                "landing_id": key, "token": key, "response_id": key, "hidden": hidden or {},
                "response_type": "completed" if is_handed_in else "partial",
                "landed_at": stamp(self.now - timedelta(hours=5)),
                "submitted_at": stamp(self.now) if is_handed_in else NEVER,
                "metadata": {
                    "user_agent": agent, "platform": "other", "referer": referer, "network_id": network,
                    "browser": "default",
                },
                "answers": list(answers), "calculated": {"score": 0},
            }
        )  # fmt: skip
        return key

    def delete(self, form: str, key: str) -> None:
        """The owner of the form deletes a response."""
        self.responses[form] = [row for row in self.responses[form] if row["response_id"] != key]

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
            if request.headers.get("authorization") != f"Bearer {self.token}":
                raise Refused(403, "AUTHENTICATION_FAILED", "Invalid authentication credentials")
            status, body = 200, self._answer(request.url.path.strip("/").split("/"), request.url.params)
        except Refused as refused:
            status, body = refused.status, refused.body
        self.now += timedelta(seconds=1)
        headers = {"date": format_datetime(served_at.replace(microsecond=0), usegmt=True)}
        return httpx2.Response(status, headers=headers, json=body, request=request)

    def _answer(self, path: list[str], params: httpx2.QueryParams) -> Row:
        match path:
            case ["forms", key] if key in self.forms:
                return self.forms[key]
            case ["forms", key, "responses"] if key in self.forms:
                return self._listed(self.responses[key], params)
        raise Refused(404, "FORM_NOT_FOUND", "Form not found")

    def _listed(self, rows: list[Row], params: httpx2.QueryParams) -> Row:
        size = int(params.get("page_size", "25"))
        if size > MOST or ("after" in params and "sort" in params):
            raise Refused(400, "VALIDATION_ERROR", "Invalid parameters")
        is_completed = params.get("completed") == "true"
        column = "submitted_at" if is_completed else "landed_at"
        found = [row for row in rows if not is_completed or row["submitted_at"] != NEVER]
        if since := params.get("since"):
            found = [row for row in found if row[column].rstrip("Z") >= since.rstrip("Z")]
        order, _, direction = params.get("sort", "submitted_at,desc").partition(",")
        found.sort(key=lambda row: str(row[order]), reverse=direction == "desc")
        return {"total_items": len(found), "page_count": -(-len(found) // size), "items": found[:size]}


# -- answers as they are sent -----------------------------------------------------------------------------------------


def given(asked: Row, kind: str, value: Any) -> Row:
    """An answer of any kind to a question."""
    about = {"id": asked["id"], "ref": asked["ref"], "type": asked["type"]}
    return {"field": about, "type": kind, kind: value}


def number(asked: Row, value: float) -> Row:
    """A number on a scale."""
    return given(asked, "number", value)


def words(asked: Row, text: str) -> Row:
    """Somebody's own words."""
    return given(asked, "text", text)


def chosen(asked: Row, label: str, *, shown_as: str | None = None) -> Row:
    """A choice; `shown_as`: its text in the language of who answered."""
    return given(asked, "choice", {**choice(label), "label": shown_as or label})
