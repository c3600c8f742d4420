"""The server: who is admitted, which list is where, and how it is paged."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx2

from .lists import Params, Refused, deployments_in_order, in_order, matching, only
from .world import Repository, Row, World

API = "https://api.bitbucket.org/2.0"
USUAL_CAP, PULL_REQUEST_CAP = 100, 50


@dataclass(eq=False)
class Bitbucket(World, httpx2.BaseTransport):
    """The server. `before` is called with each request, and may change the world or raise Refused.

    `quota` requests are answered, then 429; `lacks` are the lists the token has no scope for.
    """

    seconds_per_request: float = 1
    credential: str | None = None
    quota: int | None = None
    lacks: set[str] = field(default_factory=set)
    headers: dict[str, str] = field(default_factory=dict)
    requests: list[httpx2.Request] = field(default_factory=list)
    before: Callable[[httpx2.Request], None] = lambda _: None

    def asked(self, part: str = "") -> list[str]:
        """The paths below the API that were asked for, of those that have `part` in them."""
        paths = [request.url.path.removeprefix("/2.0/") for request in self.requests]
        return [path for path in paths if part in path]

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer, and let time pass."""
        self.requests.append(request)
        served_at = self.now
        try:
            self.before(request)
            self._admit(request)
            status, body = 200, self._answer(request)
        except Refused as refused:
            status, body = refused.status, refused.body
        self.now += timedelta(seconds=self.seconds_per_request)
        headers = {"date": format_datetime(served_at.replace(microsecond=0), usegmt=True), **self.headers}
        return httpx2.Response(status, headers=headers, json=body, request=request)

    def _admit(self, request: httpx2.Request) -> None:
        if self.credential is not None and request.headers.get("authorization") != self.credential:
            raise Refused(401, "Token is invalid, expired, or not supported for this endpoint.")
        if self.quota is not None and len(self.requests) > self.quota:
            raise Refused(429, "Rate limit for this resource has been exceeded")

    def _answer(self, request: httpx2.Request) -> Any:
        params = Params(parse_qsl(request.url.query.decode()))
        parts = [part for part in request.url.path.removeprefix("/2.0/").split("/") if part]
        match parts:
            case ["repositories", workspace]:
                found = [one.row() for one in self.repositories.values() if one.full_name.startswith(f"{workspace}/")]
                if not found:
                    raise Refused(404, f"No workspace with identifier '{workspace}'.")
                return self._numbered(request, params, in_order(found, params))
            case ["repositories", workspace, slug]:
                return only(self._repository(f"{workspace}/{slug}").row(), params.get("fields"))
            case ["repositories", workspace, slug, *rest]:
                if rest[0] in self.lacks:
                    message = "Your credentials lack one or more required privilege scopes."
                    raise Refused(403, message, required=[f"read:{rest[0]}:bitbucket"], granted=[])
                return self._of_repository(self._repository(f"{workspace}/{slug}"), rest, request, params)
        raise Refused(404, "Resource not found")

    def _repository(self, full_name: str) -> Repository:
        for one in self.repositories.values():
            if one.full_name == full_name:
                return one
        raise Refused(404, f"Repository {full_name} not found")

    def _of_repository(self, one: Repository, rest: list[str], request: httpx2.Request, params: Params) -> Any:
        match rest:
            case ["pullrequests"]:
                states = params.all("state") or ["OPEN"]
                rows = [row for row in one.pull_requests.values() if row["state"] in states]
                rows = in_order(matching(rows, params.get("q")), params)
                return self._numbered(request, params, rows, cap=PULL_REQUEST_CAP)
            case ["pullrequests", "activity"]:
                return self._activity(one, request, params)
            case ["pullrequests", number, "commits"]:
                commits = one.commits.get(int(number))
                if commits is None:
                    raise Refused(404, "The source of the pull request is gone")
                return self._numbered(request, params, commits)
            case ["issues"]:
                if not one.issues:
                    raise Refused(404, "Repository has no issue tracker.")
                rows = in_order(matching(one.issues.values(), params.get("q")), params)
                return self._numbered(request, params, rows)
            case ["pipelines" | "deployments", *_]:
                return self._of_pipelines(one, rest, request, params)
        raise Refused(404, "Resource not found")

    def _of_pipelines(self, one: Repository, rest: list[str], request: httpx2.Request, params: Params) -> Any:
        if not one.has_pipelines:
            raise Refused(404, "Pipelines is not enabled for this repository")
        match rest:
            case ["pipelines"]:
                return self._numbered(request, params, in_order(one.pipelines, params), forgets=("sort", "fields"))
            case ["pipelines", uuid]:
                found = [row for row in one.pipelines if row["uuid"] == uuid]
                if not found:
                    raise Refused(404, "Pipeline not found")
                return only(found[0], params.get("fields"))
            case ["pipelines", uuid, "steps"]:
                return self._numbered(request, params, one.steps[uuid])
            case ["deployments"]:
                return self._numbered(request, params, deployments_in_order(one.deployments, params))
        raise Refused(404, "Resource not found")

    def _numbered(
        self,
        request: httpx2.Request,
        params: Params,
        rows: Sequence[Row],
        *,
        cap: int = USUAL_CAP,
        forgets: tuple[str, ...] = (),
    ) -> Any:
        """Page 1, 2, ... of the rows as they stand now."""
        size, page = int(params.get("pagelen") or 10), int(params.get("page") or 1)
        if size > cap:
            raise Refused(400, "Invalid pagelen")
        body: Row = {"values": rows[(page - 1) * size : page * size], "page": page, "pagelen": size, "size": len(rows)}
        if page * size < len(rows):
            kept = [(name, value) for name, value in params.pairs if name not in {"page", *forgets}]
            body["next"] = f"{API}{request.url.path.removeprefix('/2.0')}?{urlencode([*kept, ('page', page + 1)])}"
        return only(body, params.get("fields"))

    def _activity(self, one: Repository, request: httpx2.Request, params: Params) -> Any:
        """Newest first, and on below the entry that `ctx` stands for; `q` and `sort` change nothing."""
        size = int(params.get("pagelen") or 10)
        if size > PULL_REQUEST_CAP:
            raise Refused(400, "Invalid pagelen")
        mark = int(base64.urlsafe_b64decode(params.get("ctx") or "").decode() or len(one.activity))
        rest = max(0, mark - size)
        body: Row = {"values": one.activity[rest:mark][::-1], "pagelen": size}
        if rest:
            kept = [(name, value) for name, value in params.pairs if name != "ctx"]
            below = base64.urlsafe_b64encode(str(rest).encode()).decode()
            body["next"] = f"{API}{request.url.path.removeprefix('/2.0')}?{urlencode([*kept, ('ctx', below)])}"
        return only(body, params.get("fields"))
