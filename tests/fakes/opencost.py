"""An OpenCost in the process: GET /allocation in daily steps, and what goes wrong with it.

It answers as the real one is known to: a list with an object of allocations by their name for each step, an empty one
or null where Prometheus has no data, `__idle__` only where it is asked for, numbers with many digits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import httpx2

DAY = timedelta(days=1)


@dataclass(eq=False)
class OpenCost(httpx2.BaseTransport):
    """The server. `costs` are those of each day, by the name that an allocation has under the aggregation asked for;
    `keeps_from` is the first day of which Prometheus still has data."""

    token: str | None = None
    keeps_from: date = date.min
    costs: dict[date, dict[str, float | None]] = field(default_factory=dict)
    asked: list[httpx2.Request] = field(default_factory=list)
    answer: httpx2.Response | None = None

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer a request."""
        self.asked.append(request)
        if self.token and request.headers.get("authorization") != f"Bearer {self.token}":
            return httpx2.Response(401, json={"message": "unauthorized"})
        if self.answer:
            return self.answer
        if request.url.path != "/allocation":
            return httpx2.Response(404, text="404 page not found")
        return httpx2.Response(200, json={"code": 200, "data": self._steps(dict(request.url.params))})

    def _steps(self, params: Mapping[str, str]) -> list[Any]:
        assert (params["step"], params["accumulate"]) == ("1d", "false")
        since, until = (datetime.fromisoformat(one).date() for one in params["window"].split(","))
        return [
            self._step(since + number * DAY, has_idle=params.get("includeIdle") == "true")
            for number in range((until - since).days)
        ]

    def _step(self, day: date, *, has_idle: bool) -> Any:
        if day < self.keeps_from or day not in self.costs:
            return None if day.day % 2 else {}
        return {
            name: {
                "name": name,
                "properties": {"cluster": "cluster-one"},
                "window": {"start": f"{day}T00:00:00Z", "end": f"{day + DAY}T00:00:00Z"},
                "start": f"{day}T00:00:00Z",
                "minutes": 1440.0,
                "cpuCost": total,
                "totalCost": total,
            }
            for name, total in self.costs[day].items()
            if has_idle or name != "__idle__"
        }
