"""GitHub with Copilot in the process: reports by day behind signed links, and seats.

It answers as the real one is known to: 204, 404 or an empty text where a day has no report, files of lines of JSON on
another server that refuses whoever shows a token there, links that hold a short time, seats in pages with a Link.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import httpx2

Row = dict[str, Any]

HOME, STORE = "https://api.github.com", "https://copilot-reports.example.net"


def feature(name: str, **counts: int) -> Row:
    """What was done with one feature: `shown`, `taken`, `asked`."""
    return {
        "feature": name, "code_generation_activity_count": counts.get("shown", 0),
        "code_acceptance_activity_count": counts.get("taken", 0),
        "user_initiated_interaction_count": counts.get("asked", 0),
    }  # fmt: skip


def user(number: int, login: str, *features: Row, added: int = 0, suggested: int = 0, **more: Any) -> Row:
    """One person's line, without its day."""
    return {
        "user_id": number, "user_login": login, "organization_id": "1", "loc_added_sum": added,
        "loc_suggested_to_add_sum": suggested, "loc_deleted_sum": 0, "totals_by_feature": list(features), **more,
    }  # fmt: skip


@dataclass(eq=False)
class Copilot(httpx2.BaseTransport):
    """The server of an organisation and an enterprise. `before` is called with each request, and may answer it."""

    token: str = "ghp_secret"  # noqa: S105 - the fake's
    places: tuple[str, ...] = ("orgs/acme", "enterprises/acme-inc")
    people: dict[date, list[Row]] = field(default_factory=dict)
    sums: dict[date, Row] = field(default_factory=dict)
    seats: list[Row | None] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    empty: httpx2.Response | None = None
    content_type: str = "application/x-ndjson"
    requests: list[httpx2.Request] = field(default_factory=list)
    before: Callable[[httpx2.Request], httpx2.Response | None] = lambda _: None

    def asked(self) -> list[str]:
        """The paths that were asked for, with the day."""
        return [f"{one.url.path}?{one.url.params.get('day', '')}".rstrip("?") for one in self.requests]

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer."""
        self.requests.append(request)
        answer = self.before(request)
        if answer is None:
            answer = self._file(request) if request.url.host in STORE else self._answer(request)
        answer.request = request
        return answer

    def _file(self, request: httpx2.Request) -> httpx2.Response:
        if "authorization" in request.headers:
            return httpx2.Response(400, text="InvalidAuthenticationInfo")
        name = request.url.path.strip("/")
        if name not in self.files:
            return httpx2.Response(403, text="AuthenticationFailed")
        return httpx2.Response(200, text=self.files.pop(name), headers={"content-type": self.content_type})

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return httpx2.Response(401, json={"message": "Bad credentials"})
        place, _, rest = request.url.path.strip("/").partition("/copilot/")
        if place not in self.places:
            return httpx2.Response(404, json={"message": "Not Found"})
        if not rest:
            return httpx2.Response(200, json={"login": place.partition("/")[2]})
        if rest == "billing/seats":
            return self._seats(request)
        return self._report(rest.rpartition("/")[2], date.fromisoformat(request.url.params["day"]))

    def _report(self, kind: str, day: date) -> httpx2.Response:
        lines = self.people.get(day, []) if kind == "users-1-day" else [self.sums[day]] if day in self.sums else []
        if not lines:
            return self.empty or httpx2.Response(204)
        links = []
        for place in range(0, len(lines), 2):
            name = f"{kind}-{day}-{place}.ndjson"
            self.files[name] = "".join(json.dumps({"day": str(day), **one}) + "\n" for one in lines[place : place + 2])
            links.append(f"{STORE}/{name}?sig=abc")
        return httpx2.Response(200, json={"download_links": links, "report_day": str(day)})

    def _seats(self, request: httpx2.Request) -> httpx2.Response:
        size, page = int(request.url.params.get("per_page", "50")), int(request.url.params.get("page", "1"))
        rows = [{"assignee": one, "created_at": "2025-01-01T00:00:00Z"} for one in self.seats]
        chosen = rows[(page - 1) * size : page * size]
        following = request.url.copy_set_param("page", page + 1)
        headers = {"link": f'<{following}>; rel="next"'} if page * size < len(rows) else {}
        return httpx2.Response(200, json={"total_seats": len(rows), "seats": chosen}, headers=headers)
