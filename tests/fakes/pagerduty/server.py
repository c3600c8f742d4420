"""The server: who is admitted, which list is where, and how it is filtered and paged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx2

from .world import Account, Row, as_sent

MOST_AT_ONCE, MOST = 100, 10_000
SIX_MONTHS, ONE_MONTH = timedelta(days=184), timedelta(days=31)


class Refused(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.body = {"error": {"message": message, "code": 2000}}


@dataclass(eq=False)
class PagerDuty(httpx2.BaseTransport):
    """The server of an account. `before` is called with each request, and may change the account or raise Refused.

    `lacks` are the lists that the key may not see; `compares_days`: the list of incidents
    ignores the hour it is asked for.
    """

    account: Account
    token: str = "secret-key"  # noqa: S105 - the fake's
    most: int = MOST
    seconds_per_request: float = 1
    compares_days: bool = False
    has_teams: bool = True
    lacks: set[str] = field(default_factory=set)
    requests: list[httpx2.Request] = field(default_factory=list)
    before: Callable[[httpx2.Request], None] = lambda _: None

    def asked(self) -> list[str]:
        """The paths that were asked for."""
        return [request.url.path for request in self.requests]

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer, and let time pass."""
        self.requests.append(request)
        served_at = self.account.now
        headers = {"ratelimit-limit": "960", "ratelimit-remaining": "900", "ratelimit-reset": "20"}
        try:
            self.before(request)
            self._admit(request)
            status, body = 200, self._answer(request.url.path.strip("/").split("/"), request.url.params)
        except Refused as refused:
            status, body, headers = refused.status, refused.body, headers | refused.headers
        self.account.now += timedelta(seconds=self.seconds_per_request)
        headers["date"] = format_datetime(served_at.replace(microsecond=0), usegmt=True)
        return httpx2.Response(status, headers=headers, json=body, request=request)

    def _admit(self, request: httpx2.Request) -> None:
        if request.headers.get("authorization") != f"Token token={self.token}":
            raise Refused(401, "Authentication failed")
        if request.headers.get("accept") != "application/vnd.pagerduty+json;version=2":
            raise Refused(400, "Version is not supported")
        if self.lacks & set(request.url.path.split("/")):
            raise Refused(403, "Access Denied")

    def _answer(self, path: Sequence[str], params: httpx2.QueryParams) -> Row:
        account = self.account
        match path:
            case ["services"]:
                rows = sorted(account.services.values(), key=lambda row: str(row["name"]))
                return self._paged("services", self._of_teams(rows, params), params)
            case ["teams"]:
                if not self.has_teams:
                    raise Refused(402, "Account does not have the abilities to perform the action: teams")
                return self._paged("teams", sorted(account.teams.values(), key=lambda row: str(row["name"])), params)
            case ["incidents"]:
                return self._paged("incidents", self._incidents(params), params)
            case ["incidents", key, "log_entries"]:
                if key not in account.incidents:
                    raise Refused(404, "Incident Not Found")
                return self._paged("log_entries", self._log(key, params), params)
            case ["log_entries"]:
                return self._paged("log_entries", self._log(None, params), params)
        raise Refused(404, "Not Found")

    def _incidents(self, params: httpx2.QueryParams) -> list[Row]:
        rows: Iterable[Row] = self._of_teams(self.account.incidents.values(), params)
        if services := params.get_list("service_ids[]"):
            rows = [row for row in rows if row["service"]["id"] in services]
        if params.get("date_range") != "all":
            since, until = self._range(params)
            if until - since > SIX_MONTHS:
                raise Refused(400, "Invalid Query Date Range")
            if self.compares_days:
                since, until = (moment.replace(hour=0, minute=0, second=0) for moment in (since, until))
            rows = [row for row in rows if since <= row["created_at"] < until]
        column, _, direction = params.get("sort_by", "created_at:asc").partition(":")
        return sorted(rows, key=lambda row: (row[column], str(row.get("id"))), reverse=direction == "desc")

    def _log(self, key: str | None, params: httpx2.QueryParams) -> list[Row]:
        rows: Iterable[Row] = self._of_teams(self.account.log, params)
        if params.get("is_overview") == "true":
            rows = [row for row in rows if row["is_overview"]]
        if key is None:
            since, until = self._range(params)
            rows = [row for row in rows if since <= row["created_at"] < until]
        else:
            rows = [row for row in rows if row["incident"]["id"] == key]
        if "incidents" in params.get_list("include[]"):
            rows = [row | {"incident": self.account.incidents[row["incident"]["id"]]} for row in rows]
        return sorted(rows, key=lambda row: str(row["id"]), reverse=True)

    def _of_teams(self, rows: Iterable[Row], params: httpx2.QueryParams) -> list[Row]:
        teams = params.get_list("team_ids[]")
        return [row for row in rows if not teams or any(one["id"] in teams for one in row["teams"])]

    def _range(self, params: httpx2.QueryParams) -> tuple[datetime, datetime]:
        """From when and until when rows are wanted."""
        until = self._instant(params.get("until")) or self.account.now + timedelta(seconds=1)
        since = self._instant(params.get("since")) or until - ONE_MONTH
        if since >= until:
            raise Refused(400, "Invalid time values in 'since' and/or 'until' parameters")
        return since, until

    def _instant(self, text: str | None) -> datetime | None:
        found = datetime.fromisoformat(text) if text else None
        return found.replace(tzinfo=self.account.zone) if found and found.tzinfo is None else found

    def _paged(self, what: str, rows: Sequence[Row], params: httpx2.QueryParams) -> Row:
        limit, offset = int(params.get("limit", "25")), int(params.get("offset", "0"))
        if limit > MOST_AT_ONCE or offset + limit > self.most:
            raise Refused(400, f"Invalid Input Provided: offset + limit is over {self.most}")
        zone = None if what == "teams" or params.get("time_zone") == "UTC" else self.account.zone
        body: dict[str, Any] = {
            what: as_sent(list(rows[offset : offset + limit]), zone),
            "limit": limit,
            "offset": offset,
            "more": offset + limit < len(rows),
            "total": len(rows) if params.get("total") == "true" else None,
        }
        return body
