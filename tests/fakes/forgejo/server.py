"""The server: who is admitted, which list is where, and how it is paged."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx2

from .world import Refused, Repository, Row, World, missing

API = "/api/v1"
SCOPES = {"issues": "read:issue", "orgs": "read:organization", "teams": "read:organization", "users": "read:user"}
HIDDEN = frozenset({"code"})  # comments on lines, which the timeline leaves out


@dataclass(eq=False)
class Forgejo(World, httpx2.BaseTransport):
    """The server. `before` is called with each request, and may change the world or raise Refused.

    `most` rows are given a page; `lacks` are scopes the token does not have; `is_gitea` makes it one.
    """

    token: str | None = None
    most: int = 50
    seconds_per_request: float = 1
    lacks: set[str] = field(default_factory=set)
    requests: list[httpx2.Request] = field(default_factory=list)
    before: Callable[[httpx2.Request], None] = lambda _: None
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def asked(self, part: str = "") -> list[str]:
        """The paths below the API that were asked for, of those that have `part` in them."""
        paths = [request.url.path.removeprefix(f"{API}/") for request in self.requests]
        return [path for path in paths if part in path]

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer, and let time pass."""
        with self._lock:
            self.requests.append(request)
            headers = {"date": format_datetime(self.now.replace(microsecond=0), usegmt=True)}
            try:
                self.before(request)
                self._admit(request)
                answer = self._answer(request)
            except Refused as refused:
                answer = httpx2.Response(refused.status, json={"message": refused.message})
            self.now += timedelta(seconds=self.seconds_per_request)
            answer.headers.update(headers)
            answer.request = request
            return answer

    def _admit(self, request: httpx2.Request) -> None:
        if self.token is not None and request.headers.get("authorization") != f"token {self.token}":
            raise Refused(401, "user does not exist [uid: 0, name: ]")
        part = request.url.path.removeprefix(f"{API}/").split("/")
        scope = SCOPES.get(part[0]) or (SCOPES.get(part[3]) if len(part) > 3 else None) or "read:repository"
        if scope in self.lacks:
            raise Refused(403, f"token does not have at least one of required scope(s), required=[{scope}]")

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        query = dict(parse_qsl(request.url.query.decode()))
        match request.url.path.removeprefix(f"{API}/").split("/"):
            case ["orgs", name, "repos"] if name in self.organisations:
                return self._page(request, query, self._owned(name))
            case ["users", name, "repos"] if self._owned(name):
                return self._page(request, query, self._owned(name))
            case ["users", name] if name in self.people:
                return httpx2.Response(200, json=self.user(name))
            case ["orgs", name, "teams"] if name in self.organisations:
                found = [one for one in self.teams.values() if one["organisation"] == name]
                return self._page(request, query, [{"id": one["id"], "name": one["name"]} for one in found])
            case ["teams", number, "members"]:
                return self._page(request, query, [self.user(one) for one in self.teams[int(number)]["members"]])
            case ["repos", "issues", "search"]:
                of_owner = [one for one in self.repositories.values() if one.owner == query["owner"]]
                rows = [one.issue_row(row) for one in of_owner for row in one.issues.values()]
                return self._page(request, query, self._changed(rows, query))
            case ["repos", owner, name, *rest]:
                return self._of_repository(self._repository(f"{owner}/{name}"), rest, request, query)
        raise missing()

    def _owned(self, owner: str) -> list[Row]:
        return [one.row() for one in self.repositories.values() if one.owner == owner]

    def _repository(self, full_name: str) -> Repository:
        for one in self.repositories.values():
            if full_name in {one.full_name, *one.earlier_names}:  # a redirect, on a real one
                return one
        raise missing()

    def _of_repository(self, one: Repository, rest: list[str], request: httpx2.Request, query: Row) -> httpx2.Response:
        match rest:
            case []:
                return httpx2.Response(200, json=one.row())
            case ["issues" | "pulls", *_]:
                return self._of_issues(one, rest, request, query)
            case ["actions", "runs"]:
                rows = [one.run_row(run) for run in reversed(one.runs.values())]
                return self._page(request, query, rows, items="workflow_runs")
            case ["actions", "tasks"]:
                return self._page(request, query, one.tasks[::-1], items="workflow_runs")
            case ["releases"]:
                is_plain = query.get("pre-release") == "false" and query.get("draft") == "false"
                shown = [row for row in one.releases if not (is_plain and (row["prerelease"] or row["draft"]))]
                shown.sort(key=lambda row: (row["created_at"], row["id"]), reverse=True)
                return self._page(request, query, shown)
            case ["tags"]:
                return self._page(request, query, one.tags[::-1])
            case ["contents"]:
                names = sorted({path.partition("/")[0] for path in one.files})
                return httpx2.Response(200, json=[{"name": name} for name in names])
            case ["raw", *path] if "/".join(path) in one.files:
                return httpx2.Response(200, text=one.files["/".join(path)])
        raise missing()

    def _of_issues(self, one: Repository, rest: list[str], request: httpx2.Request, query: Row) -> httpx2.Response:
        match rest:
            case ["issues"]:
                is_pull = query["type"] == "pulls"
                rows = [
                    one.issue_row(row) for row in one.issues.values() if (row["pull_request"] is not None) == is_pull
                ]
                return self._page(request, query, self._changed(rows, query))
            case ["issues", number]:
                return httpx2.Response(200, json=one.issue_row(one.issue(number)))
            case ["issues", number, "timeline"]:
                return self._timeline(one.issue(number)["events"], query)
            case ["pulls"]:
                rows = self._in_order(row for row in one.issues.values() if row["pull_request"] is not None)
                listed = [None if row["pull"]["is_damaged"] else one.pull_row(row) for row in rows]
                if self.is_gitea:
                    nothing = dict.fromkeys(("additions", "deletions", "changed_files"))
                    listed = [row and {**row, **nothing} for row in listed]
                return self._page(request, query, listed)
            case ["pulls", number]:
                row = one.pull_row(one.issue(number))
                if row["is_damaged"]:
                    raise Refused(500, "GetDiffShortStat: exit status 128")
                return httpx2.Response(200, json=row)
            case ["pulls", number, "commits"]:
                return self._page(request, query, one.issue(number)["commits"][::-1])
            case ["pulls", number, "reviews"]:
                return self._page(request, query, one.issue(number)["reviews"], has_links=False)
        raise missing()

    def _changed(self, rows: Iterable[Row], query: Row) -> list[Row]:
        """Issues as they are listed: changed within a time, the last changed first or the newest, or the other end."""
        since, before = query.get("since", ""), query.get("before", "~")
        found = [row for row in rows if since <= row["updated_at"] <= before]
        if self.is_gitea or query.get("sort", "latest") == "latest":
            return sorted(found, key=lambda row: (row["created_at"], row["id"]), reverse=True)
        return self._in_order(found, is_reverse=query["sort"] == "recentupdate")

    def _in_order(self, rows: Iterable[Row], *, is_reverse: bool = True) -> list[Row]:
        return sorted(rows, key=lambda row: (row["updated_at"], row["created_at"], row["id"]), reverse=is_reverse)

    def _page(
        self,
        request: httpx2.Request,
        query: Row,
        rows: Sequence[Any],
        *,
        items: str | None = None,
        has_links: bool = True,
    ) -> httpx2.Response:
        """Page 1, 2, ... of the rows as they stand now."""
        size, page = min(int(query.get("limit") or 30), self.most), int(query.get("page") or 1)
        shown = rows[(page - 1) * size : page * size]
        if items:
            return httpx2.Response(200, json={"total_count": len(rows), items: shown})
        headers = {"x-total-count": str(len(rows))}
        if has_links and len(rows) > size:
            url = request.url.copy_with(query=None)
            steps = {"next": page + 1} if page * size < len(rows) else {}
            links = [f'<{url}?{urlencode({**query, "page": to})}>; rel="{name}"' for name, to in steps.items()]
            headers["link"] = ",".join([*links, f'<{url}?{urlencode({**query, "page": 1})}>; rel="first"'])
        return httpx2.Response(200, json=shown, headers=headers)

    def _timeline(self, events: Sequence[Row], query: Row) -> httpx2.Response:
        size, page = min(int(query["limit"]), self.most), int(query["page"])
        shown = [event for event in events[(page - 1) * size : page * size] if event["type"] not in HIDDEN]
        return httpx2.Response(200, json=shown or None, headers={"x-total-count": str(len(shown))})
