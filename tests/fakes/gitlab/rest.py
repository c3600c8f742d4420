"""REST answers, as GitLab pages and orders them: by numbers over what there is at that moment."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlencode

from .world import Node, World

DEEPEST = 50_000  # rows that can be paged over by numbers


@dataclass(frozen=True)
class Reply:
    """An answer: status, headers, and a body to be written as JSON."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """What was asked: the path with the parts its pattern names, and the query."""

    world: World
    base: str
    path: str
    parts: Mapping[str, str]
    query: Sequence[tuple[str, str]]

    def get(self, name: str) -> str | None:
        """The last value of a parameter."""
        return next((value for key, value in reversed(self.query) if key == name), None)

    @property
    def project(self) -> Node | None:
        """The project of an id or a path."""
        name = unquote(self.parts["project"])
        return self.world.projects.get(int(name)) if name.isdecimal() else self.world.find(name)


NOT_FOUND = Reply(404, {"message": "404 Not found"})


def stamp(moment: datetime | None) -> str | None:
    """An instant as REST writes it: to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if moment else None


def paged(request: Request, rows: Sequence[Any]) -> Reply:
    """The page of rows that is asked for, and its Link header."""
    size, number = min(int(request.get("per_page") or 20), 100), int(request.get("page") or 1)
    if size * number > DEEPEST:
        return Reply(400, {"error": "Offset pagination has a maximum allowed offset of 50000"})
    headers = {"link": f'<{request.base}{request.path}?{urlencode(request.query)}>; rel="first"'}
    if number * size < len(rows):
        following = urlencode([*(one for one in request.query if one[0] != "page"), ("page", number + 1)])
        headers["link"] += f', <{request.base}{request.path}?{following}>; rel="next"'
    return Reply(200, list(rows[(number - 1) * size : number * size]), headers)


def by_update(request: Request, rows: Sequence[Node]) -> list[Node]:
    """Rows filtered and ordered by when they changed, as asked; else by number, which is the default order."""
    low, high = request.get("updated_after"), request.get("updated_before")
    found = [
        row
        for row in rows
        if (not low or row["updatedAt"] >= datetime.fromisoformat(low))
        and (not high or row["updatedAt"] <= datetime.fromisoformat(high))
    ]
    name = "updatedAt" if request.get("order_by") == "updated_at" else "number"
    return sorted(found, key=lambda row: (row[name], row["number"]), reverse=request.get("sort") != "asc")


def group_projects(request: Request) -> Reply:
    path = unquote(request.parts["group"])
    if path not in request.world.groups:
        return Reply(404, {"message": "404 Group Not Found"})
    found = [one for one in request.world.projects.values() if one["fullPath"].startswith(f"{path}/")]
    found.sort(key=lambda one: (one["activeAt"], one["number"]), reverse=True)
    return paged(request, [project_row(request.world, one) for one in found])


def one_project(request: Request) -> Reply:
    name = unquote(request.parts["project"])
    if name in request.world.moved:
        target = f"{request.base}/api/v4/projects/{request.world.moved[name]}"
        return Reply(301, {"message": "moved"}, {"location": target})
    project = request.project
    return Reply(200, project_row(request.world, project)) if project else NOT_FOUND


def project_row(world: World, project: Node) -> Node:
    return {
        "id": project["number"], "path_with_namespace": project["fullPath"], "web_url": world.web(project),
        "http_url_to_repo": f"{world.web(project)}.git", "default_branch": "main", "archived": False,
        "created_at": stamp(project["createdAt"]), "last_activity_at": stamp(project["activeAt"]),
        "empty_repo": False, "import_status": "none", "ci_config_path": "", "merge_requests_access_level": "enabled",
        "builds_access_level": "enabled", "issues_access_level": "enabled", **project["row"],
    }  # fmt: skip


def merge_requests(request: Request) -> Reply:
    project = request.project
    if project is None:
        return NOT_FOUND
    wanted = {value for key, value in request.query if key == "iids[]"}
    found = [one for one in project["mergeRequests"] if one["iid"] in wanted]
    return paged(request, [request_row(one) for one in found])


def request_row(request: Node) -> Node:
    return {
        "id": request["number"], "iid": int(request["iid"]), "title": request["title"], "state": request["state"],
        "merge_commit_sha": request["mergeCommitSha"], "squash_commit_sha": request["squashCommitSha"],
        "sha": request["diffHeadSha"],
    }  # fmt: skip


def pipelines(request: Request) -> Reply:
    project, source = request.project, request.get("source")
    if project is None:
        return NOT_FOUND
    is_child = "parent_pipeline"
    rows = [one for one in project["pipelines"] if (one["source"] == source if source else one["source"] != is_child)]
    web = request.world.web(project)
    made = [
        {
            "id": one["number"], "iid": int(one["iid"]), "project_id": project["number"], "sha": one["sha"],
            "ref": one["ref"], "status": one["status"].lower(), "source": one["source"],
            "created_at": stamp(one["createdAt"]), "updated_at": stamp(one["updatedAt"]),
            "web_url": f"{web}/-/pipelines/{one['number']}",
        }
        for one in by_update(request, rows)
    ]  # fmt: skip
    return paged(request, made)


def deployments(request: Request) -> Reply:
    project = request.project
    if project is None:
        return NOT_FOUND
    is_filtered = bool(request.get("updated_after") or request.get("updated_before"))
    if is_filtered and request.get("order_by") != "updated_at":
        return Reply(400, {"message": "400 Bad request - `updated_at` filter requires `updated_at` sort"})
    return paged(request, [deployment_row(one) for one in by_update(request, project["deployments"])])


def deployment_row(deployment: Node) -> Node:
    job, user, environment = deployment["job"], deployment["user"], deployment["environment"]
    return {
        "id": deployment["number"], "iid": int(deployment["iid"]), "ref": deployment["ref"], "sha": deployment["sha"],
        "created_at": stamp(deployment["createdAt"]), "updated_at": stamp(deployment["updatedAt"]),
        "status": deployment["status"], "user": basic(user),
        "environment": {"id": environment["number"], "name": environment["name"]},
        "deployable": job and {
            "id": job["number"], "name": job["name"], "tag": deployment["tag"], "user": basic(user),
            "started_at": stamp(job["startedAt"]), "finished_at": stamp(job["finishedAt"]),
            "commit": {"id": deployment["sha"], "message": "Work"},
            "pipeline": {"id": deployment["pipeline"]["number"]},
        },
    }  # fmt: skip


def basic(user: Node) -> Node:
    """An account as REST lists it: without a word on whether it is a bot."""
    return {"id": user["number"], "username": user["username"], "name": user["name"], "state": "active"}


def shipped(request: Request) -> Reply:
    project = request.project
    found = [one for one in project["deployments"] if str(one["number"]) == request.parts["id"]] if project else []
    return paged(request, [request_row(one) for one in found[0]["shipped"]]) if found else NOT_FOUND


def environment(request: Request) -> Reply:
    project = request.project
    found = project["environments"].values() if project else ()
    one = next((one for one in found if str(one["number"]) == request.parts["id"]), None)
    return Reply(200, {"id": one["number"], "name": one["name"], "tier": one["tier"]}) if one else NOT_FOUND


PROJECT = r"/projects/(?P<project>[^/]+)"
ROUTES: tuple[tuple[re.Pattern[str], Callable[[Request], Reply]], ...] = tuple(
    (re.compile(pattern), answer)
    for pattern, answer in (
        (r"/groups/(?P<group>[^/]+)/projects", group_projects),
        (PROJECT, one_project),
        (rf"{PROJECT}/merge_requests", merge_requests),
        (rf"{PROJECT}/pipelines", pipelines),
        (rf"{PROJECT}/deployments", deployments),
        (rf"{PROJECT}/deployments/(?P<id>\d+)/merge_requests", shipped),
        (rf"{PROJECT}/environments/(?P<id>\d+)", environment),
    )
)


def respond(world: World, base: str, path: str, query: Sequence[tuple[str, str]]) -> Reply:
    """The answer to a GET below /api/v4."""
    for pattern, answer in ROUTES:
        if found := pattern.fullmatch(path):
            return answer(Request(world, base, f"/api/v4{path}", found.groupdict(), query))
    return NOT_FOUND
