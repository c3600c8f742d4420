"""Port's API in the process: tokens that end, blueprints with entities that are walked by a cursor, runs of actions."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote

import httpx2

Row = dict[str, Any]
CLIENT, SECRET = "client-1", "secret-1"
TOKEN_LIFE = timedelta(hours=3)
DEFAULT_LIMIT = 200
META = {"$identifier": "identifier", "$title": "title", "$team": "team", "$createdAt": "createdAt"}
PROPERTIES = ("type", "lifecycle", "tier", "language", "template", "template_version", "born", "links")
RELATIONS = ("repository", "system", "parent", "owner")


@dataclass(eq=False)
class Port(httpx2.BaseTransport):
    """The account. `before` is called ahead of every answer: what changes between two pages, and what breaks.

    `has_pages`: whether runs are told page by page, as they are since 2026; before, the newest `limit` of them were.
    """

    now: datetime
    secret: str = SECRET
    blueprints: dict[str, Row] = field(default_factory=dict)
    entities: dict[str, dict[str, Row]] = field(default_factory=dict)
    accounts: list[Row] = field(default_factory=list)
    runs: dict[str, Row] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)  # runs that may not be seen: a page of them is short, or empty
    refusals: dict[str, int] = field(default_factory=dict)  # statuses by the beginning of the path below /v1/
    has_pages: bool = True
    is_stuck: bool = False  # a page names a mark of its own, and what comes then is the first page again
    marks_end: bool = False  # the marks of pages are forgotten
    renamed: str | None = None  # this part of answers has another name
    before: Callable[[httpx2.Request], None] = lambda _: None
    requests: list[httpx2.Request] = field(default_factory=list)
    tokens: dict[str, datetime] = field(default_factory=dict)
    made: int = 0

    def __post_init__(self) -> None:
        for name in ("service", "_team", "_user"):
            self.blueprint(name)

    # -- what people do -----------------------------------------------------------------------------------------------

    def blueprint(self, name: str, *more: str) -> None:
        """A blueprint with the usual properties and relations, and these."""
        own = {"_user": ("port_type", *more)}.get(name, more)
        self.blueprints[name] = {
            "identifier": name,
            "title": name.title(),
            "schema": {"properties": {key: {"type": "string"} for key in (*PROPERTIES, *own)}, "required": []},
            "relations": {key: {"target": "any", "many": False} for key in RELATIONS},
            "mirrorProperties": {"mirrored": {"path": "repository.url"}},
        }
        self.entities.setdefault(name, {})

    def service(self, name: str, *teams: str, blueprint: str = "service", title: str | None = None, **more: Any) -> Row:
        """A service of these teams; `more` are properties and relations."""
        return self._add(blueprint, name, title or name.title(), list(teams), more)

    def team(self, name: str, title: str | None = None, parent: str | None = None) -> Row:
        """A team."""
        return self._add("_team", name, title or name.title(), [], {"parent": parent} if parent else {})

    def person(self, name: str, *teams: str, kind: str = "Standard") -> Row:
        """A person in these teams, with an account."""
        email, first = f"{name}@example.org", name.title()
        account_kind = "SERVICE_ACCOUNT" if kind == "Service Account" else "STANDARD"
        self.accounts.append({"id": f"auth0|{name}", "email": email, "firstName": first, "type": account_kind})
        return self._add("_user", email, first, list(teams), {"port_type": kind})

    def remove(self, blueprint: str, name: str) -> Row:
        """Take an entity away."""
        return self.entities[blueprint].pop(name)

    def restore(self, blueprint: str, row: Row) -> None:
        """Bring it back."""
        self.entities[blueprint][row["identifier"]] = row

    def begin(self, action: str, person: str = "ada", *, at: str | None = None, source: str = "UI") -> str:
        """A run of an action is asked for, at a service or at none; its id."""
        self.made += 1
        key = f"r_{self.made}"
        self.runs[key] = {
            "id": key,
            "action": {"identifier": action, "title": action.title()},
            "blueprint": {"identifier": "service"} if at else None,
            "entity": {"identifier": at} if at else None,
            "properties": {"password": "hunter2", "name": "typed in"},
            "source": source,
            "requiredApproval": False,
            "status": "IN_PROGRESS",
            "createdBy": f"auth0|{person}",
            "createdAt": self._written(self.now),
            "endedAt": None,
        }
        return key

    def end(self, key: str, status: str = "SUCCESS", *, seconds: float = 60) -> None:
        """It ends after so long."""
        self.now += timedelta(seconds=seconds)
        self.runs[key] |= {"status": status, "endedAt": self._written(self.now)}

    def _add(self, blueprint: str, name: str, title: str, teams: list[str], more: Mapping[str, Any]) -> Row:
        row = {
            "identifier": name,
            "title": title,
            "blueprint": blueprint,
            "team": teams,
            "properties": {key: value for key, value in more.items() if key not in RELATIONS},
            "relations": {key: value for key, value in more.items() if key in RELATIONS},
            "createdAt": self._written(self.now),
        }
        self.entities[blueprint][name] = row
        return row

    def _written(self, moment: datetime) -> str:
        return f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"

    # -- what it answers ----------------------------------------------------------------------------------------------

    def asked(self) -> list[str]:
        """The paths of all requests, below /v1/."""
        return [request.url.path.removeprefix("/v1/") for request in self.requests]

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """The answer to one request."""
        self.requests.append(request)
        self.before(request)
        path = request.url.path.removeprefix("/v1/")
        status = next((status for start, status in self.refusals.items() if path.startswith(start)), None)
        if status is not None:
            return self._refused(status, "forbidden")
        if path == "auth/access_token":
            return self._granted(json.loads(request.read()))
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self.tokens.get(token, self.now) <= self.now:
            return self._refused(401, "unauthorized")
        if path == "users":
            return self._told(users=self._chosen(request.url.params.get_list("fields")))
        if path.startswith("actions/runs"):
            return self._of_runs(path.removeprefix("actions/runs").strip("/"), request.url.params)
        _, name, *rest = map(unquote, path.split("/"))
        if name not in self.blueprints:
            return self._refused(404, "not_found")
        if not rest:
            return self._told(blueprint=self.blueprints[name])
        return self._searched(name, json.loads(request.read()))

    def _granted(self, body: Row) -> httpx2.Response:
        if body != {"clientId": CLIENT, "clientSecret": self.secret}:
            return self._refused(401, "invalid_credentials")
        token = f"token-{len(self.tokens)}"
        self.tokens[token] = self.now + TOKEN_LIFE
        return self._told(accessToken=token, expiresIn=TOKEN_LIFE.total_seconds(), tokenType="Bearer")

    def _chosen(self, fields: list[str]) -> list[Row]:
        return [{key: one[key] for key in fields if key in one} for one in self.accounts]

    def _searched(self, blueprint: str, body: Row) -> httpx2.Response:
        """Entities after the mark's, in the order of their identifiers, with what is asked for of them."""
        about = self.blueprints[blueprint]
        known = {*META, *about["schema"]["properties"], *about["relations"], *about["mirrorProperties"]}
        if set(body) - {"include", "limit", "from"} or set(body["include"]) - known:
            return self._refused(422, "invalid_request")
        rows = [row for name, row in sorted(self.entities[blueprint].items()) if name > body.get("from", "")]
        page = rows[: body.get("limit", DEFAULT_LIMIT)]
        more = {"next": page[-1]["identifier"]} if len(page) < len(rows) else {}
        if self.is_stuck:
            more = {"next": "stuck"}
        return self._told(entities=[self._pruned(row, body["include"]) for row in page], **more)

    def _pruned(self, row: Row, include: list[str]) -> Row:
        meta = {META[name]: row[META[name]] for name in include if name in META}
        parts = {
            part: {key: value for key, value in row[part].items() if key in include}
            for part in ("properties", "relations")
        }
        return meta | parts

    def _of_runs(self, key: str, params: httpx2.QueryParams) -> httpx2.Response:
        assert params["version"] == "v2"
        if key:
            return self._told(run=self.runs[key]) if key in self.runs else self._refused(404, "not_found")
        if self.marks_end and "from" in params:
            return self._refused(422, "invalid_request")
        sources = params.get_list("source")
        rows = sorted(self.runs.values(), key=lambda row: (row["createdAt"], row["id"]), reverse=True)
        rows = [row for row in rows if row["source"] in sources]
        names = [row["id"] for row in rows]
        start = names.index(params["from"]) + 1 if params.get("from") in names and self.has_pages else 0
        page = rows[start : start + int(params["limit"])]
        has_more = self.has_pages and start + len(page) < len(rows)
        more = {"next": page[-1]["id"]} if has_more else {}
        if self.is_stuck:
            more = {"next": f"stuck-{len(self.requests)}"}
        return self._told(runs=[row for row in page if row["id"] not in self.hidden], **more)

    def _told(self, **body: Any) -> httpx2.Response:
        headers = {"date": f"{self.now:%a, %d %b %Y %H:%M:%S GMT}"}
        named = {f"new_{key}" if key == self.renamed else key: value for key, value in body.items()}
        return httpx2.Response(200, json={"ok": True, **named}, headers=headers)

    def _refused(self, status: int, error: str) -> httpx2.Response:
        body = {"ok": False, "error": error, "message": f"refused: {error}"}
        headers = {"date": f"{self.now:%a, %d %b %Y %H:%M:%S GMT}"}
        return httpx2.Response(status, json=body, headers=headers)
