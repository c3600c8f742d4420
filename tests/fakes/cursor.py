"""A team's Cursor in the process: its members, their days and their events.

It answers as the real one is known to: basic authentication with the key as user, spans of at most 30 days, pages of at
most 500, every member on every day it keeps, and a limited history.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import httpx2

Row = dict[str, Any]

LONGEST = 30 * 86_400_000
MOST = 500
COUNTS = (
    "totalLinesAdded", "acceptedLinesAdded", "totalTabsShown", "totalTabsAccepted", "composerRequests", "chatRequests",
    "agentRequests", "cmdkUsages",
)  # fmt: skip


def milliseconds(day: date, hour: int = 0) -> int:
    """An instant of a UTC day as Cursor writes it."""
    return int(datetime.combine(day, time(hour), UTC).timestamp()) * 1_000


def event(day: date, email: str | None, model: str, *, kind: str = "Included in Business", **more: Any) -> Row:
    """One use of a model at noon."""
    return {"timestamp": str(milliseconds(day, 12)), "userEmail": email, "model": model, "kind": kind, **more}


@dataclass(eq=False)
class Team(httpx2.BaseTransport):
    """The server of a team. `before` is called with each request, and may answer it."""

    kept_from: date
    key: str = "key_secret"
    members: list[Row] = field(default_factory=list)
    days: dict[tuple[date, str], Row] = field(default_factory=dict)
    events: list[Row] = field(default_factory=list)
    requests: list[httpx2.Request] = field(default_factory=list)
    before: Callable[[httpx2.Request], httpx2.Response | None] = lambda _: None

    def add_member(self, email: str, **more: Any) -> None:
        """Somebody joins the team."""
        self.members.append({"id": f"user_{len(self.members)}", "name": "Ada Lovelace", "email": email, **more})

    def use(self, day: date, email: str, **counts: int) -> None:
        """What a member did on a day."""
        self.days[day, email] = counts

    def asked(self) -> list[str]:
        """The paths that were asked for."""
        return [request.url.path for request in self.requests]

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer."""
        self.requests.append(request)
        answer = self.before(request) or self._answer(request)
        answer.request = request
        return answer

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        expected = httpx2.BasicAuth(self.key, "").auth_flow(httpx2.Request("GET", request.url))
        if request.headers.get("authorization") != next(expected).headers["authorization"]:
            return httpx2.Response(401, json={"error": "Unauthorized", "message": "Invalid API key"})
        if request.method == "GET" and request.url.path == "/teams/members":
            return httpx2.Response(200, json={"teamMembers": self.members})
        wanted = json.loads(request.content)
        if wanted["endDate"] - wanted["startDate"] > LONGEST or wanted["pageSize"] > MOST:
            return httpx2.Response(400, json={"error": "Bad Request", "message": "Date range cannot exceed 30 days"})
        if request.url.path == "/teams/daily-usage-data":
            return self._page("data", self._usage(wanted), wanted)
        inside = [one for one in self.events if wanted["startDate"] <= int(one["timestamp"]) <= wanted["endDate"]]
        return self._page("usageEvents", inside, wanted)

    def _usage(self, wanted: Row) -> list[Row]:
        day, rows = self.kept_from, []
        while milliseconds(day) <= wanted["endDate"]:
            if milliseconds(day) >= wanted["startDate"]:
                rows += [self._row(day, one) for one in self.members]
            day += timedelta(days=1)
        return rows

    def _row(self, day: date, member: Row) -> Row:
        counts = self.days.get((day, member["email"]), {})
        about = {"userId": member["id"], "email": member["email"], "date": milliseconds(day), "day": str(day)}
        return {**about, "isActive": bool(counts), **dict.fromkeys(COUNTS, 0), **counts}

    def _page(self, key: str, rows: list[Row], wanted: Row) -> httpx2.Response:
        size, page = wanted["pageSize"], wanted["page"]
        pagination = {"page": page, "pageSize": size, "hasNextPage": page * size < len(rows)}
        return httpx2.Response(200, json={key: rows[(page - 1) * size : page * size], "pagination": pagination})
