"""The server: who is admitted, which list is where, and how it is filtered and paged."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import unquote

import httpx2

from .world import Project, Repository, Row, World

CONDITION = re.compile(r"\[System\.(ChangedDate|Id)\] (>=|<=|<) '?([^' ]+)'?")
AREAS = {"git": "code", "build": "build", "release": "release", "distributedtask": "environment", "wit": "work"}
MOST_PULLS, USUAL_PULLS = 1000, 101


class Refused(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, message: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"$id": "1", "message": message, "typeKey": "SomeException", "errorCode": 0}
        self.headers = dict(headers or {})


@dataclass(frozen=True)
class Page:
    """Some rows of a list, and the token that the next page is asked for with."""

    rows: Sequence[Any]
    following: str | None = None


@dataclass(eq=False)
class AzureDevOps(World, httpx2.BaseTransport):
    """The server. `before` is called with each request, and may change the world or raise Refused.

    `credential` is what `Authorization` has to be; else there is a page to log in. `lacks` are the areas that the token
    may not read: code, build, release, environment, work.
    """

    seconds_per_request: float = 1
    credential: str | None = None
    lacks: set[str] = field(default_factory=set)
    headers: dict[str, str] = field(default_factory=dict)
    requests: list[httpx2.Request] = field(default_factory=list)
    before: Callable[[httpx2.Request], None] = lambda _: None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def asked(self, part: str = "") -> list[str]:
        """The paths that were asked for, of those that have `part` in them."""
        return [path for request in self.requests if part in (path := request.url.path)]

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer, and let time pass."""
        with self._lock:
            self.requests.append(request)
            served_at = self.now
            headers = {"date": format_datetime(served_at.replace(microsecond=0), usegmt=True), **self.headers}
            try:
                self.before(request)
                if self.credential is not None and request.headers.get("authorization") != self.credential:
                    return httpx2.Response(203, headers=headers, html="<html>Sign in</html>", request=request)
                status, body = 200, self._answer(request)
            except Refused as refused:
                status, body = refused.status, refused.body
                headers |= refused.headers
            finally:
                self.now += timedelta(seconds=self.seconds_per_request)
            if isinstance(body, Page):
                headers |= {"x-ms-continuationtoken": body.following} if body.following else {}
                body = {"count": len(body.rows), "value": list(body.rows)}
            if body is None:
                return httpx2.Response(204, headers=headers, request=request)
            return httpx2.Response(status, headers=headers, json=_shown(body), request=request)

    def _answer(self, request: httpx2.Request) -> Any:
        before, _, after = request.url.path.strip("/").partition("/_apis/")
        organisation, _, project = unquote(before).partition("/")
        area, *rest = after.split("/")
        if request.url.params.get("api-version") != "7.1":
            raise Refused(400, "The api-version is not supported")
        if AREAS[area] in self.lacks:
            raise Refused(401, "")
        if (area == "release") != (request.url.host == "vsrm.dev.azure.com"):
            raise Refused(404, "no such service here")
        there = [one for one in self.projects.values() if one.organisation == organisation]
        if not there:
            raise Refused(404, f"TF200016: there is no organisation {organisation}")
        if not project:
            return Page([one.row() for found in there for one in found.repositories.values()])
        wanted = [one for one in there if project in {one.id, one.name.partition("/")[2]}]
        if not wanted:
            raise Refused(404, f"TF200016: The following project does not exist: {project}")
        return self._of_project(wanted[0], area, rest, request)

    def _of_project(self, one: Project, area: str, rest: list[str], request: httpx2.Request) -> Any:
        params = dict(request.url.params)
        match [area, *rest]:
            case ["git", "pullrequests"]:
                return _pulls(one.repositories.values(), params)
            case ["git", "repositories"]:
                return Page([repository.row() for repository in one.repositories.values()])
            case ["git", "repositories", name, *below]:
                return _of_repository(one, unquote(name), below, params)
            case ["build", "builds"]:
                return _builds(one, params)
            case ["build", "builds", number, "timeline", *name]:
                if int(number) not in one.builds:
                    raise Refused(404, "The requested build could not be found")
                records = one.earlier[name[0]] if name else one.timelines[int(number)]
                return {"id": "t", "changeId": 9, "records": records} if records else None
            case ["release", "deployments"]:
                return _releases(one, params)
            case ["distributedtask", "environments"]:
                return _keyset(list(one.environments.values()), params, int(params["$top"]))
            case ["distributedtask", "environments", number, "environmentdeploymentrecords"]:
                if int(number) not in one.environments:
                    raise Refused(404, "Environment does not exist")
                return _keyset(one.records.get(int(number), []), params, int(params["top"]))
            case ["wit", what]:
                question = json.loads(request.content)
                return _query(one, question["query"], int(params["$top"])) if what == "wiql" else _items(one, question)
        raise Refused(404, "The controller for path was not found")


def _of_repository(one: Project, name: str, rest: list[str], params: Row) -> Any:
    found = [repository for repository in one.repositories.values() if name in {repository.id, repository.name}]
    if not found:
        raise Refused(404, f"TF401019: The Git repository with name or identifier {name} does not exist")
    match rest:
        case []:
            return found[0].row()
        case ["pullrequests"]:
            return _pulls(found, params)
        case ["pullRequests", number, "threads"]:
            return Page(found[0].threads[int(number)])
        case ["pullRequests", number, "commits"]:
            if int(number) not in found[0].commits:
                raise Refused(404, "TF401179: the source branch could not be found")
            rows = found[0].commits[int(number)]
            first, most = int(params.get("continuationToken") or 0), int(params["$top"])
            return Page(rows[first : first + most], str(first + most) if first + most < len(rows) else None)
    raise Refused(404, "not found")


def _pulls(repositories: Iterable[Repository], params: Row) -> Page:
    """By the last digit of their number: there is no order."""
    rows = [
        {**row, "repository": {"id": one.id, "name": one.name}} for one in repositories for row in one.pulls.values()
    ]
    status = params.get("searchCriteria.status", "active")
    rows = [row for row in rows if status in {"all", row["status"]}]
    by = "closedDate" if params.get("searchCriteria.queryTimeRangeType") == "closed" else "creationDate"
    low, high = params.get("searchCriteria.minTime"), params.get("searchCriteria.maxTime")
    if low or high:
        rows = [row for row in rows if by in row and _is_within(row[by], low, high)]
    rows.sort(key=lambda row: (row["pullRequestId"] % 10, row["pullRequestId"]))
    first, most = int(params.get("$skip") or 0), min(int(params.get("$top") or USUAL_PULLS), MOST_PULLS)
    return Page([_short(row) for row in rows[first : first + most]])


def _short(row: Row) -> Row:
    """What the list shows of a pull request."""
    kept = {name: value for name, value in row.items() if name != "closedBy"}
    return {**kept, "description": row["description"][:400]}


def _builds(one: Project, params: Row) -> Page:
    rows = list(one.builds.values())
    if ids := params.get("buildIds"):
        return Page([row for row in rows if str(row["id"]) in ids.split(",")])
    if params.get("repositoryId"):
        if params.get("repositoryType") != "TfsGit":
            raise Refused(400, "Repository type is missing/invalid")
        rows = [row for row in rows if row["repository"].get("id") == params["repositoryId"]]
    rows = [row for row in rows if params.get("statusFilter") in {None, row["status"]}]
    by = "finishTime" if str(params.get("queryOrder")).startswith("finishTime") else "queueTime"
    low, high = params.get("minTime"), params.get("maxTime")
    rows = [row for row in rows if not (low or high) or (by in row and _is_within(row[by], low, high))]
    rows.sort(key=lambda row: (str(row.get(by)), row["id"]), reverse=True)
    if mark := params.get("continuationToken"):
        if not re.match(r"^\d+-", mark):
            raise Refused(400, "The continuation token is invalid")
        number, _, at = mark.partition("-")
        rows = [row for row in rows if (str(row.get(by)), row["id"]) <= (at, int(number))]
    most = int(params.get("$top") or 1000)
    following = f"{rows[most]['id']}-{rows[most].get(by)}" if len(rows) > most else None
    return Page(rows[:most], following)


def _releases(one: Project, params: Row) -> Page:
    low, high = params.get("minModifiedTime"), params.get("maxModifiedTime")
    rows = [row for row in one.releases.values() if _is_within(row["lastModifiedOn"], low, high)]
    return _keyset(rows, params, min(int(params.get("$top") or 50), 100))


def _keyset(rows: Sequence[Row], params: Row, most: int) -> Page:
    """From the largest id down, or from the one that the token names."""
    mark = params.get("continuationToken")
    found = [row for row in sorted(rows, key=lambda row: -row["id"]) if not mark or row["id"] <= int(mark)]
    return Page(found[:most], str(found[most]["id"]) if len(found) > most else None)


def _query(one: Project, query: str, most: int) -> Row:
    found = [(number, fields) for number, fields in one.items.items()]
    for name, sign, value in CONDITION.findall(query):
        if name == "Id":
            found = [row for row in found if row[0] < int(value)]
        else:
            limits = (value, None) if sign == ">=" else (None, value)
            found = [row for row in found if _is_within(row[1]["System.ChangedDate"], *limits)]
    ids = sorted((number for number, _ in found), reverse=True)[:most]
    return {"queryType": "flat", "workItems": [{"id": number, "url": "https://dev.azure.com/w"} for number in ids]}


def _items(one: Project, question: Row) -> Row:
    if len(question["ids"]) > 200:
        raise Refused(400, "VS402426: too many work items")
    fields = [(number, one.items.get(number)) for number in question["ids"]]
    return {
        "value": [
            found and {"id": number, "rev": 2, "fields": {k: v for k, v in found.items() if k in question["fields"]}}
            for number, found in fields
        ]
    }


def _is_within(value: str, low: str | None, high: str | None) -> bool:
    """Whether an instant is between two, by the millisecond."""
    at = _millisecond(value)
    return (low is None or at >= _millisecond(low)) and (high is None or at <= _millisecond(high))


def _millisecond(value: str) -> datetime:
    moment = datetime.fromisoformat(value).astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _shown(value: Any) -> Any:
    """A body without what only the fake knows."""
    if isinstance(value, list | tuple):
        return [_shown(one) for one in value]
    if isinstance(value, Mapping):
        return {name: _shown(one) for name, one in value.items() if not name.startswith("#")}
    return value
