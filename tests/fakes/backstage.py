"""A Backstage backend in the process: a catalogue that is walked by a cursor, and a scaffolder with its runs."""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx2

Row = dict[str, Any]
TOKEN = "secret-token"  # noqa: S105 - the fake's
DEFAULT_LIMIT = 20


def ref(text: str, kind: str, namespace: str = "default") -> str:
    """A reference written out: `team-a` -> `group:default/team-a`."""
    named, _, rest = text.rpartition(":")
    place, _, name = rest.rpartition("/")
    return f"{named or kind}:{place or namespace}/{name}".lower()


@dataclass(eq=False)
class Backstage(httpx2.BaseTransport):
    """The backend. `before` is called ahead of every answer: what changes between two pages, and what breaks."""

    now: datetime
    token: str = TOKEN
    entities: dict[str, Row] = field(default_factory=dict)
    tasks: dict[str, Row] = field(default_factory=dict)
    events: dict[str, list[Row]] = field(default_factory=dict)
    refusals: dict[str, int] = field(default_factory=dict)  # statuses by the beginning of the path below /api/
    counts_in_text: bool = False  # PostgreSQL
    before: Callable[[httpx2.Request], None] = lambda _: None
    requests: list[httpx2.Request] = field(default_factory=list)
    made: int = 0

    # -- what people do -----------------------------------------------------------------------------------------------

    def component(self, name: str, owner: str | None = "team-a", *, namespace: str = "default", **more: Any) -> Row:
        """A component; `more` has annotations, labels and tags, the rest is its spec."""
        spec = {"type": "service", "lifecycle": "production", **({"owner": owner} if owner else {}), **more}
        return self._add("Component", name, namespace, spec)

    def group(self, name: str, *, namespace: str = "default", **more: Any) -> Row:
        """A group; `more` has parent, children, members and profile."""
        return self._add("Group", name, namespace, {"type": "team", "children": [], **more})

    def user(self, name: str, *groups: str, **profile: str) -> Row:
        """A user in these groups."""
        return self._add("User", name, "default", {"profile": profile, "memberOf": list(groups)})

    def remove(self, reference: str) -> Row:
        """Take an entity away."""
        return self.entities.pop(reference)

    def restore(self, row: Row) -> None:
        """Bring it back, as one that has never been there."""
        self._keep(row)

    def begin(self, template: str, person: str | None = "user:default/ada") -> str:
        """A run of a template begins; its id."""
        key = f"task-{len(self.tasks)}"
        spec = {
            "templateInfo": {"entityRef": ref(template, "template")},
            "parameters": {"password": "hunter2", "name": "typed in"},
            "user": {"ref": person},
        }
        times = {"createdAt": self.now.isoformat(), "lastHeartbeatAt": self.now.isoformat()}
        self.tasks[key] = {"id": key, "spec": spec, "status": "processing", "createdBy": person, **times}
        self.events[key] = []
        return key

    def end(self, key: str, status: str = "completed", *, seconds: float = 60, makes: str | None = None) -> None:
        """It ends after so long, and has made this component."""
        self.now += timedelta(seconds=seconds)
        self.tasks[key] |= {"status": status, "lastHeartbeatAt": self.now.isoformat()}
        links: list[Row] = [{"title": "Repository", "url": "https://git.test/x"}]
        if makes:
            links.append({"title": "Open in catalog", "entityRef": ref(makes, "component")})
        output: Row = {"links": links}
        log = {"type": "log", "body": {"message": "Creating x", "stepId": "publish"}}
        for one in (log, {"type": "completion", "body": {"message": f"Run {status}", "output": output}}):
            number = sum(map(len, self.events.values())) + 1
            self.events[key].append({"id": str(number), "taskId": key, "createdAt": self.now.isoformat(), **one})

    def retry(self, key: str) -> None:
        """What failed is begun again, under its id."""
        self.tasks[key]["status"] = "processing"

    def _add(self, kind: str, name: str, namespace: str, spec: Row) -> Row:
        marks: Row = {mark: spec.pop(mark) for mark in ("annotations", "labels", "tags", "title") if mark in spec}
        metadata: Row = {"name": name, "namespace": namespace, **marks}
        return self._keep({"apiVersion": "backstage.io/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec})

    def _keep(self, row: Row) -> Row:
        self.made += 1
        row["metadata"] |= {"uid": f"{self.made * 7919 % 100_000:05}-{self.made}", "etag": f"etag-{self.made}"}
        self.entities[self._ref(row)] = row
        return row

    # -- what it answers ----------------------------------------------------------------------------------------------

    def asked(self) -> list[str]:
        """The paths of all requests, below /api/."""
        return [request.url.path.removeprefix("/api/") for request in self.requests]

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """The answer to one request."""
        self.requests.append(request)
        self.before(request)
        path = request.url.path.removeprefix("/api/")
        status = next((status for start, status in self.refusals.items() if path.startswith(start)), None)
        if status is not None:
            return self._refused(status, "NotAllowedError", "This token's access is restricted")
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return self._refused(401, "AuthenticationError", "Illegal token")
        if path == "catalog/entities/by-query":
            return self._answer(self._queried(request.url.params))
        if path == "scaffolder/v2/tasks":
            return self._answer(self._listed(request.url.params))
        key, _, what = path.removeprefix("scaffolder/v2/tasks/").partition("/")
        if key not in self.tasks or what not in {"", "events"}:
            return self._refused(404, "NotFoundError", f"No task with id '{key}' found")
        assert not what or self.events[key], "the server waits half a minute for events that there are none of"
        return self._answer(self.events[key] if what else self.tasks[key])

    def _queried(self, params: httpx2.QueryParams) -> Row:
        """Entities after the cursor's, in the order of their ids; the filter is the cursor's where there is one."""
        if "cursor" in params:
            state = json.loads(base64.b64decode(params["cursor"]))
        else:
            state = {"kinds": [one.removeprefix("kind=") for one in params.get_list("filter")], "after": ""}
        found = [row for row in self.entities.values() if row["kind"].lower() in state["kinds"]]
        rows = sorted((row for row in found if self._uid(row) > state["after"]), key=self._uid)
        page = rows[: int(params.get("limit", DEFAULT_LIMIT))]
        more = {**state, "after": self._uid(page[-1])} if len(page) < len(rows) else None
        cursor = {"nextCursor": base64.b64encode(json.dumps(more).encode()).decode()} if more else {}
        fields = params["fields"].split(",") if "fields" in params else []
        given = self._given()
        items = [_pruned({**row, "relations": list(self._relations(row, given))}, fields) for row in page]
        return {"items": items, "totalItems": len(found), "pageInfo": cursor}

    def _listed(self, params: httpx2.QueryParams) -> Row:
        assert params["order"] == "desc:created_at"
        rows = sorted(self.tasks.values(), key=lambda row: row["createdAt"], reverse=True)
        start = int(params.get("offset", 0))
        total = len(rows)
        return {
            "tasks": rows[start : start + int(params["limit"])],
            "totalTasks": str(total) if self.counts_in_text else total,
        }

    def _given(self) -> Mapping[str, list[str]]:
        """The groups that name an entity as their child or their member, by its reference."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for key, row in self.entities.items():
            for word, kind in (("children", "group"), ("members", "user")):
                for name in row["spec"].get(word, ()):
                    found[ref(name, kind, row["metadata"]["namespace"])].append(key)
        return found

    def _relations(self, row: Row, given: Mapping[str, list[str]]) -> Iterator[Row]:
        """What the backend makes of an entity's spec and of the others', whether its target is there or not."""
        spec, namespace = row["spec"], row["metadata"]["namespace"]
        if "owner" in spec:
            yield {"type": "ownedBy", "targetRef": ref(spec["owner"], "group", namespace)}
        if "system" in spec:
            yield {"type": "partOf", "targetRef": ref(spec["system"], "system", namespace)}
        if "subcomponentOf" in spec:
            yield {"type": "partOf", "targetRef": ref(spec["subcomponentOf"], "component", namespace)}
        above = [ref(spec["parent"], "group", namespace)] if "parent" in spec else []
        groups = [ref(name, "group", namespace) for name in spec.get("memberOf", ())]
        named = given.get(self._ref(row), [])
        for relation, own, kind in (("childOf", above, "Group"), ("memberOf", groups, "User")):
            targets = dict.fromkeys([*own, *(named if row["kind"] == kind else ())])
            yield from ({"type": relation, "targetRef": one} for one in targets)

    def _ref(self, row: Row) -> str:
        return f"{row['kind']}:{row['metadata']['namespace']}/{row['metadata']['name']}".lower()

    def _uid(self, row: Row) -> str:
        return str(row["metadata"]["uid"])

    def _answer(self, body: Any) -> httpx2.Response:
        return httpx2.Response(200, json=body, headers={"date": f"{self.now:%a, %d %b %Y %H:%M:%S GMT}"})

    def _refused(self, status: int, name: str, message: str) -> httpx2.Response:
        body = {"error": {"name": name, "message": message}, "response": {"statusCode": status}}
        return httpx2.Response(status, json=body)


def _pruned(row: Row, fields: list[str]) -> Row:
    """Only these parts of an entity, by their paths; all of it without any."""
    if not fields:
        return row
    kept: Row = {}
    for path in fields:
        source: Any = row
        *parents, last = path.split(".")
        target = kept
        for name in parents:
            source = source.get(name) if isinstance(source, Mapping) else None
        if isinstance(source, Mapping) and last in source:
            for name in parents:
                target = target.setdefault(name, {})
            target[last] = source[last]
    return kept
