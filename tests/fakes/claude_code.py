"""An organisation's Claude Code in the process: who did what on which day, and what is charged to workspaces.

It answers as the real one is known to: a key of the Admin API in a header of its own, one UTC day a request, pages by a
token, a row for each account, terminal and way to pay, money in cents.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import httpx2

Row = dict[str, Any]


def model(name: str, *, cents: float = 0, currency: str = "USD", **tokens: int) -> Row:
    """What was used of one model: `input`, `output`, `cache_read`, `cache_creation`."""
    return {"model": name, "tokens": tokens, "estimated_cost": {"currency": currency, "amount": cents}}


def work(who: str, *models: Row, terminal: str = "vscode", **counts: int) -> Row:
    """One account's row of a day, without the day: `sessions`, `added`, `commits`, `requests`, `taken`, `refused`."""
    kind, field_ = ("user_actor", "email_address") if "@" in who else ("api_actor", "api_key_name")
    tools = {"accepted": counts.get("taken", 0), "rejected": counts.get("refused", 0)}
    return {
        "actor": {"type": kind, field_: who}, "organization_id": "org", "customer_type": "api",
        "terminal_type": terminal,
        "core_metrics": {
            "num_sessions": counts.get("sessions", 0), "lines_of_code": {"added": counts.get("added", 0), "removed": 0},
            "commits_by_claude_code": counts.get("commits", 0),
            "pull_requests_by_claude_code": counts.get("requests", 0),
        },
        "tool_actions": {"edit_tool": tools, "write_tool": {"accepted": 0, "rejected": 0}},
        "model_breakdown": list(models),
    }  # fmt: skip


@dataclass(eq=False)
class Console(httpx2.BaseTransport):
    """The server of an organisation. `before` is called with each request, and may answer it."""

    key: str = "sk-ant-admin-secret"
    page_rows: int = 1_000
    days: dict[date, list[Row]] = field(default_factory=dict)
    charges: dict[date, list[Row]] = field(default_factory=dict)
    requests: list[httpx2.Request] = field(default_factory=list)
    before: Callable[[httpx2.Request], httpx2.Response | None] = lambda _: None

    def asked(self) -> list[str]:
        """The days of usage that were asked for."""
        return [one.url.params["starting_at"] for one in self.requests if one.url.path.endswith("/claude_code")]

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer."""
        self.requests.append(request)
        answer = self.before(request) or self._answer(request)
        answer.request = request
        return answer

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        if request.headers.get("x-api-key") != self.key or request.headers.get("anthropic-version") != "2023-06-01":
            error = {"type": "authentication_error", "message": "invalid x-api-key"}
            return httpx2.Response(401, json={"type": "error", "error": error})
        params = request.url.params
        if request.url.path == "/v1/organizations/cost_report":
            return self._costs(params)
        day = date.fromisoformat(params["starting_at"])
        rows = [{"date": f"{day}T00:00:00Z", **one} for one in self.days.get(day, [])]
        begin = int(params.get("page", "0"))
        end = begin + min(int(params["limit"]), self.page_rows)
        has_more = end < len(rows)
        return httpx2.Response(
            200, json={"data": rows[begin:end], "has_more": has_more, "next_page": str(end) if has_more else None}
        )

    def _costs(self, params: httpx2.QueryParams) -> httpx2.Response:
        day, end = (date.fromisoformat(params[name][:10]) for name in ("starting_at", "ending_at"))
        if params.get_list("group_by[]") != ["workspace_id", "description"] or (end - day).days > int(params["limit"]):
            return httpx2.Response(400, json={"error": {"message": "invalid parameters"}})
        buckets = []
        while day < end:
            results = self.charges.get(day, [])
            buckets.append({"starting_at": f"{day}T00:00:00Z", "ending_at": f"{day}T23:59:59Z", "results": results})
            day += timedelta(days=1)
        return httpx2.Response(200, json={"data": buckets, "has_more": False, "next_page": None})
