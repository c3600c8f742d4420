"""REST answers: workflow runs, releases, teams, files and App tokens, as GitHub pages and limits them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from .world import Node, World, stamp

LARGEST_RESULT = 1_000  # runs, once they are filtered


@dataclass(frozen=True)
class Reply:
    """An answer: status, headers, and a body to be written as JSON (None: empty)."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """What was asked: the path's parts that its pattern names, and the query."""

    world: World
    path: str
    parts: Mapping[str, str]
    query: Mapping[str, str]
    base: str

    @property
    def repository(self) -> Node | None:
        """The repository the path names, by name or by id."""
        if "id" in self.parts and "owner" not in self.parts:
            return self.world.repositories.get(int(self.parts["id"]))
        return self.world.find(f"{self.parts['owner']}/{self.parts['name']}")


def page(request: Request, rows: list[Any]) -> tuple[list[Any], dict[str, str]]:
    """The page of rows that is asked for, and its Link header."""
    size = min(int(request.query.get("per_page", 30)), 100)
    number = int(request.query.get("page", 1))
    part = rows[(number - 1) * size : number * size]
    if number * size >= len(rows):
        return part, {}
    following = urlencode({**request.query, "page": number + 1})
    return part, {"link": f'<{request.base}{request.path}?{following}>; rel="next"'}


def runs(request: Request) -> Reply:
    """Workflow runs, newest first; filtered ones at most a thousand."""
    repo = request.repository
    if repo is None:
        return NOT_FOUND
    found = [public(run) for run in request.world.runs_of(repo)]
    found.sort(key=lambda run: (run["created_at"], run["id"]), reverse=True)
    if created := request.query.get("created"):
        found = [run for run in found if in_range(run["created_at"], created)]
    if status := request.query.get("status"):
        found = [run for run in found if status in (run["status"], run["conclusion"])]
    total = len(found)
    if created or status:
        found = found[:LARGEST_RESULT]
    rows, link = page(request, found)
    return Reply(200, {"total_count": total, "workflow_runs": rows}, link)


def in_range(value: str, wanted: str) -> bool:
    """Whether an instant is in `A..B`, `>=A`, `<=B`, `*..B`, or is of a day."""
    value = value.replace("Z", "+00:00")
    if ".." in wanted:
        low, high = wanted.split("..")
        return (low == "*" or norm(low) <= value) and (high == "*" or value <= norm(high, ends=True))
    if wanted.startswith(">="):
        return value >= norm(wanted.removeprefix(">="))
    if wanted.startswith("<="):
        return value <= norm(wanted.removeprefix("<="))
    return value.startswith(wanted)


def norm(text: str, *, ends: bool = False) -> str:
    """An instant with its offset; a day begins at midnight, or ends with its last second."""
    if "T" not in text:
        return f"{text}T23:59:59+00:00" if ends else f"{text}T00:00:00+00:00"
    return text.replace("Z", "+00:00")


def public(run: Node) -> Node:
    """A run as the API shows it."""
    return {key: value for key, value in run.items() if not key.startswith("#")}


def one_run(request: Request) -> Reply:
    run = request.world.runs.get(int(request.parts["run"]))
    return Reply(200, public(run)) if run else NOT_FOUND


def attempt(request: Request) -> Reply:
    run = request.world.runs.get(int(request.parts["run"]))
    number = int(request.parts["attempt"])
    if run is None or not 1 <= number <= run["run_attempt"]:
        return NOT_FOUND
    return Reply(200, public(run if number == run["run_attempt"] else run["#attempts"][number - 1]))


def jobs(request: Request) -> Reply:
    run = request.world.runs.get(int(request.parts["run"]))
    if run is None:
        return NOT_FOUND
    number = int(request.parts.get("attempt") or run["run_attempt"])
    checks = request.world.nodes[run["check_suite_node_id"]]["checkRuns"]
    if number < run["run_attempt"]:
        checks = run["#attempts"][number - 1]["#checks"]
    made = [
        {
            "id": check["databaseId"], "run_id": run["id"], "name": check["name"], "status": check["status"].lower(),
            "conclusion": check["conclusion"] and check["conclusion"].lower(), "started_at": check["startedAt"],
            "completed_at": check["completedAt"], "created_at": run["run_started_at"], "html_url": check["url"],
            "run_attempt": run["run_attempt"], "runner_name": "runner-1", "labels": ["ubuntu-latest"],
        }
        for check in checks
    ]  # fmt: skip
    rows, link = page(request, made)
    return Reply(200, {"total_count": len(made), "jobs": rows}, link)


def releases(request: Request) -> Reply:
    repo = request.repository
    if repo is None:
        return NOT_FOUND
    made = [
        {
            "id": one["databaseId"], "node_id": one["id"], "tag_name": one["tagName"], "name": one["name"],
            "draft": one["isDraft"], "prerelease": one["isPrerelease"], "created_at": one["createdAt"],
            "published_at": one["publishedAt"], "html_url": one["url"], "target_commitish": "main",
            "author": {"login": "ada", "id": request.world.user("ada")["databaseId"], "type": "User"},
        }
        for one in reversed(repo["releases"])
    ]  # fmt: skip
    rows, link = page(request, made)
    return Reply(200, rows, link)


def repositories(request: Request) -> Reply:
    home = request.world.owners.get(request.parts["org"])
    if home is None:
        return NOT_FOUND
    rows, link = page(request, [summary(repo) for repo in home["repositories"]])
    return Reply(200, rows, link)


def one_repository(request: Request) -> Reply:
    repo = request.repository
    return Reply(200, summary(repo)) if repo else NOT_FOUND


def summary(repo: Node) -> Node:
    return {
        "id": repo["databaseId"], "node_id": repo["id"], "name": repo["name"], "full_name": repo["nameWithOwner"],
        "html_url": repo["url"], "archived": repo["isArchived"], "fork": repo["isFork"], "default_branch": "main",
        "created_at": repo["createdAt"], "pushed_at": repo["pushedAt"], "updated_at": repo["updatedAt"],
    }  # fmt: skip


def contents(request: Request) -> Reply:
    repo = request.repository
    text = repo["files"].get(request.parts["path"]) if repo else None
    return NOT_FOUND if text is None else Reply(200, {"type": "file", "content": text, "path": request.parts["path"]})


def installation(request: Request) -> Reply:
    home = request.world.owners.get(request.parts["org"])
    return Reply(200, {"id": 21, "account": {"login": home["login"]}}) if home else NOT_FOUND


def installations(_request: Request) -> Reply:
    return Reply(200, [{"id": 21, "account": {"login": "acme"}}])


def access_token(request: Request) -> Reply:
    ends = stamp(request.world.now + timedelta(hours=1))
    return Reply(201, {"token": "ghs_installation", "expires_at": ends, "permissions": {"actions": "read"}})


def hooks(request: Request) -> Reply:
    """The webhooks of an organisation or a repository."""
    rows, link = page(request, [public(hook) for hook in request.world.hooks.get(place(request), [])])
    return Reply(200, rows, link)


def deliveries(request: Request) -> Reply:
    """What a webhook was sent, newest first; pages go on by cursor."""
    hook = one_hook(request)
    if hook is None:
        return NOT_FOUND
    status = request.query.get("status")
    found = [
        one
        for one in hook["#deliveries"]
        if status is None or status == ("success" if one["status_code"] < 400 else "failure")
    ]
    size, start = int(request.query.get("per_page", 30)), int(request.query.get("cursor", 0))
    following = urlencode({**request.query, "cursor": start + size})
    link = {"link": f'<{request.base}{request.path}?{following}>; rel="next"'} if start + size < len(found) else {}
    return Reply(200, found[start : start + size], link)


def deliver_again(request: Request) -> Reply:
    hook = one_hook(request)
    known = [one for one in (hook or {}).get("#deliveries", ()) if one["id"] == int(request.parts["delivery"])]
    if hook is None or not known:
        return NOT_FOUND
    request.world.deliver(hook, known[0]["guid"], again=True)
    return Reply(202, {})


def one_hook(request: Request) -> Node | None:
    found = request.world.hooks.get(place(request), [])
    return next((hook for hook in found if hook["id"] == int(request.parts["hook"])), None)


def place(request: Request) -> str:
    parts = request.parts
    return parts["org"] if "org" in parts else f"{parts['owner']}/{parts['name']}"


NOT_FOUND = Reply(404, {"message": "Not Found", "documentation_url": "https://docs.github.com/rest"})
ORG = r"/orgs/(?P<org>[^/]+)"
REPO = r"/repos/(?P<owner>[^/]+)/(?P<name>[^/]+)"
ROUTES: tuple[tuple[str, re.Pattern[str], Callable[[Request], Reply]], ...] = tuple(
    (method, re.compile(pattern), answer)
    for method, pattern, answer in (
        ("GET", rf"{REPO}/actions/runs", runs),
        ("GET", r"/repositories/(?P<id>\d+)/actions/runs", runs),
        ("GET", rf"{REPO}/actions/runs/(?P<run>\d+)", one_run),
        ("GET", rf"{REPO}/actions/runs/(?P<run>\d+)/attempts/(?P<attempt>\d+)", attempt),
        ("GET", rf"{REPO}/actions/runs/(?P<run>\d+)/jobs", jobs),
        ("GET", rf"{REPO}/actions/runs/(?P<run>\d+)/attempts/(?P<attempt>\d+)/jobs", jobs),
        ("GET", rf"{REPO}/releases", releases),
        ("GET", rf"{REPO}/contents/(?P<path>.+)", contents),
        ("GET", REPO, one_repository),
        ("GET", r"/repositories/(?P<id>\d+)", one_repository),
        ("GET", r"/orgs/(?P<org>[^/]+)/repos", repositories),
        ("GET", r"/orgs/(?P<org>[^/]+)/installation", installation),
        ("GET", r"/users/(?P<org>[^/]+)/installation", installation),
        ("GET", r"/app/installations", installations),
        ("GET", rf"(?:{ORG}|{REPO})/hooks", hooks),
        ("GET", rf"(?:{ORG}|{REPO})/hooks/(?P<hook>\d+)/deliveries", deliveries),
        ("POST", rf"(?:{ORG}|{REPO})/hooks/(?P<hook>\d+)/deliveries/(?P<delivery>\d+)/attempts", deliver_again),
        ("POST", r"/app/installations/(?P<installation>\d+)/access_tokens", access_token),
    )
)


def respond(world: World, method: str, path: str, query: Mapping[str, str], base: str) -> Reply:
    """The answer to a REST request; a repository's former name leads to it by 301."""
    for wanted, pattern, answer in ROUTES:
        found = pattern.fullmatch(path)
        if wanted != method or found is None:
            continue
        parts = {name: part for name, part in found.groupdict().items() if part is not None}
        if "owner" in parts and f"{parts['owner']}/{parts['name']}" in world.moved:
            number = world.moved[f"{parts['owner']}/{parts['name']}"]
            rest = path.split("/", 4)[4:]
            target = "/".join([f"{base}/repositories/{number}", *rest])
            return Reply(301, {"url": target}, {"location": f"{target}?{urlencode(query)}" if query else target})
        return answer(Request(world, path, parts, query, base))
    return NOT_FOUND


def etag(body: Any) -> str:
    """A weak ETag of a body."""
    return f'W/"{hashlib.sha256(json.dumps(body).encode()).hexdigest()[:32]}"'
