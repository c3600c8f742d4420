"""The state behind the fake: plain dictionaries in the shape of GraphQL nodes, lists where the API has connections.

Times are kept as the database has them, to the microsecond: GraphQL tells their second, REST their millisecond. Changes
do what GitLab does: a note, a push or a label moves a request's `updatedAt`; a job moves that of its pipeline only when
the pipeline's own status changes; a retry changes an old pipeline.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

Node = dict[str, Any]

START = datetime(2026, 6, 1, 9, tzinfo=UTC)
TICK = timedelta(microseconds=137_041)
ENDED = frozenset({"SUCCESS", "FAILED", "CANCELED", "SKIPPED"})


@dataclass
class World:
    """Everything there is, and the time. Ids are handed out in order and never again."""

    now: datetime = START
    host: str = "https://gitlab.test"
    users: dict[str, Node] = field(default_factory=dict)
    groups: dict[str, Node] = field(default_factory=dict)
    projects: dict[int, Node] = field(default_factory=dict)
    moved: dict[str, int] = field(default_factory=dict)  # former path -> project
    last_id: int = 1000

    # -- making -------------------------------------------------------------------------------------------------------

    def number(self) -> int:
        """A number that nothing has."""
        self.last_id += 1
        return self.last_id

    def wait(self, **duration: float) -> None:
        """Let time pass."""
        self.now += timedelta(**duration)

    def tick(self) -> datetime:
        """The instant of the next thing that happens."""
        self.now += TICK
        return self.now

    def sha(self) -> str:
        """A commit that nothing has."""
        return f"{self.number():040x}"

    def node(self, kind: str, **fields: Any) -> Node:
        """A new node with its ids."""
        number = self.number()
        return {"number": number, "id": f"gid://gitlab/{kind}/{number}", **fields}

    def user(self, username: str, *, bot: bool = False) -> Node:
        """The account of a name, made when it is first asked for."""
        if username not in self.users:
            self.users[username] = self.node("User", username=username, name=username.title(), bot=bot)
        return self.users[username]

    def group(self, path: str) -> Node:
        """The group of a path, made with those above it when it is first asked for."""
        if path not in self.groups:
            above = self.group(path.rpartition("/")[0]) if "/" in path else None
            self.groups[path] = self.node(
                "Group", fullPath=path, name=path.rpartition("/")[2].title(), webUrl=f"{self.host}/groups/{path}",
                parent=above, members=[],
            )  # fmt: skip
        return self.groups[path]

    def project(self, path: str = "acme/shop", *, days_old: float = 400, **row: Any) -> Node:
        """A new project; `row` is what REST tells of it beside the usual."""
        self.group(path.rpartition("/")[0])
        made = self.node(
            "Project", fullPath=path, createdAt=self.now - timedelta(days=days_old), activeAt=self.now, row=row,
            mergeRequests=[], issues=[], pipelines=[], releases=[], deployments=[], environments={}, iids={},
        )  # fmt: skip
        self.projects[made["number"]] = made
        return made

    def web(self, project: Node) -> str:
        """The page of a project."""
        return f"{self.host}/{project['fullPath']}"

    def _iid(self, project: Node, kind: str) -> str:
        project["iids"][kind] = project["iids"].get(kind, 0) + 1
        return str(project["iids"][kind])

    def touch(self, node: Node) -> datetime:
        """Something of it changes now."""
        node["updatedAt"] = self.tick()
        return self.now

    # -- merge requests -----------------------------------------------------------------------------------------------

    def open(self, project: Node, author: str = "ada", **fields: Any) -> Node:
        """A new merge request with one commit."""
        iid, at = self._iid(project, "mr"), self.tick()
        made = self.node(
            "MergeRequest", iid=iid, title=f"Change {iid}", description="", state="opened", draft=False, createdAt=at,
            updatedAt=at, mergedAt=None, closedAt=None, webUrl=f"{self.web(project)}/-/merge_requests/{iid}",
            sourceBranch=f"branch-{iid}", targetBranch="main", diffHeadSha=None, mergeCommitSha=None, squash=False,
            author=self.user(author), mergeUser=None, labels=[], commits=[], notes=[], squashCommitSha=None,
            diffStats=[{"path": f"src/file{iid}.py", "additions": 3, "deletions": 1}], project=project["number"],
        )  # fmt: skip
        made |= fields
        project["mergeRequests"].append(made)
        self.push(made)
        return made

    def push(self, request: Node, author: str | None = None, *, forces: bool = False) -> str:
        """Another commit on its branch, or, by force, another one instead of all. The newest stands first."""
        who = self.users[author] if author else request["author"]
        at, sha = self.tick(), self.sha()
        commit = {
            "sha": sha, "authoredDate": at, "committedDate": at, "authorName": who["name"], "author": who,
            "authorEmail": f"{who['username']}@example.org",
        }  # fmt: skip
        request["commits"] = [commit] if forces else [commit, *request["commits"]]
        request["diffHeadSha"] = sha
        self.note(request, who["username"], "added 1 commit", system=True)
        return sha

    def note(self, request: Node, author: str | None, body: str, *, system: bool = False) -> Node:
        """A comment, or what GitLab writes itself."""
        made = self.node(
            "Note" if system else "DiffNote", system=system, body=body, createdAt=self.touch(request),
            author=self.user(author) if author else None,
        )  # fmt: skip
        made["url"] = f"{request['webUrl']}#note_{made['number']}"
        request["notes"].append(made)
        return made

    def comment(self, request: Node, author: str = "bob") -> Node:
        """A comment."""
        return self.note(request, author, "Looks good, but ...")

    def approve(self, request: Node, author: str = "bob") -> Node:
        """An approval."""
        return self.note(request, author, "approved this merge request", system=True)

    def unapprove(self, request: Node, author: str = "bob") -> Node:
        """An approval is taken back."""
        return self.note(request, author, "unapproved this merge request", system=True)

    def set_draft(self, request: Node, *, draft: bool) -> None:
        """It becomes a draft, or ready."""
        request["draft"] = draft
        word = "draft" if draft else "ready"
        self.note(request, request["author"]["username"], f"marked this merge request as **{word}**", system=True)

    def label(self, node: Node, *names: str) -> None:
        """Set the labels of a request or an issue."""
        node["labels"] = [{"title": name} for name in names]
        self.touch(node)

    def merge(self, request: Node, by: str = "bob", method: str = "merge") -> str:
        """Merge it: `merge`, `squash`, `fast_forward` or `squash_forward`; the commit on the base branch."""
        request["squash"] = method.startswith("squash")
        if request["squash"] and len(request["commits"]) > 1:
            request["squashCommitSha"] = self.sha()
        if method in {"merge", "squash"}:
            request["mergeCommitSha"] = self.sha()
        request |= {"state": "merged", "mergedAt": self.touch(request), "mergeUser": self.user(by)}
        self.projects[request["project"]]["activeAt"] = self.now
        return str(request["mergeCommitSha"] or request["squashCommitSha"] or request["diffHeadSha"])

    def close(self, node: Node) -> None:
        """Close a request or an issue."""
        node |= {"state": "closed", "closedAt": self.touch(node)}

    def reopen(self, node: Node) -> None:
        """Open it again; GitLab keeps when it was closed."""
        node["state"] = "opened"
        self.touch(node)

    def delete(self, project: Node, kind: str, node: Node) -> None:
        """It is gone."""
        project[kind] = [one for one in project[kind] if one is not node]

    # -- issues, releases ---------------------------------------------------------------------------------------------

    def issue(self, project: Node, author: str = "ada", kind: str = "ISSUE", labels: Sequence[str] = ()) -> Node:
        """A new issue."""
        iid, at = self._iid(project, "issue"), self.tick()
        made = self.node(
            "Issue", iid=iid, title=f"Issue {iid}", type=kind, state="opened", createdAt=at, updatedAt=at,
            closedAt=None, webUrl=f"{self.web(project)}/-/issues/{iid}", author=self.user(author), assignees=[],
            labels=[{"title": name} for name in labels],
        )  # fmt: skip
        project["issues"].append(made)
        return made

    def release(self, project: Node, tag: str, released_at: datetime | None = None, author: str = "ada") -> Node:
        """A new release, at once or to come or in the past."""
        at = self.tick()
        made = self.node(
            "Release", tagName=tag, name=tag, createdAt=at, releasedAt=released_at or at, author=self.user(author),
            commit={"sha": self.sha()}, links={"selfUrl": f"{self.web(project)}/-/releases/{tag}"},
        )  # fmt: skip
        project["releases"].append(made)
        return made

    # -- pipelines ----------------------------------------------------------------------------------------------------

    def run(
        self, project: Node, jobs: Sequence[str] = ("build", "test"), *, status: str | None = "SUCCESS", **fields: Any
    ) -> Node:
        """A new pipeline whose jobs begin a minute later; `status` None: it still runs."""
        at = self.tick()
        made = self.node(
            "Ci::Pipeline", iid=self._iid(project, "pipeline"), status="CREATED", createdAt=at, updatedAt=at,
            startedAt=None, finishedAt=None, name=None, source="push", ref="main", sha=self.sha(), jobs=[],
            sourceJob=None, mergeRequest=None, project=project["number"],
        )  # fmt: skip
        made |= fields
        project["pipelines"].append(made)
        for name in jobs:
            self.job(made, name)
        self.wait(minutes=1)
        made |= {"status": "RUNNING", "startedAt": self.touch(made)}
        for job in made["jobs"]:
            job |= {"status": "RUNNING", "startedAt": self.now}
        if status:
            self.finish(made, status)
        return made

    def job(self, pipeline: Node, name: str, *, manual: bool = False) -> Node:
        """A new job of a pipeline; the newest stands first."""
        made = self.node(
            "Ci::Build", name=name, status="MANUAL" if manual else "PENDING", createdAt=self.tick(), manualJob=manual,
            queuedAt=None if manual else self.now, startedAt=None, finishedAt=None, retried=False, webPath="/job",
            runner={"description": "runner-1"},
        )  # fmt: skip
        pipeline["jobs"].insert(0, made)
        return made

    def finish(self, pipeline: Node, status: str = "SUCCESS") -> None:
        """What runs of it ends five minutes later."""
        self.wait(minutes=5)
        for job in pipeline["jobs"]:
            if job["status"] == "RUNNING":
                job |= {"status": status, "finishedAt": self.now}
        pipeline |= {"status": status, "finishedAt": self.touch(pipeline)}

    def retry(self, pipeline: Node, status: str | None = "SUCCESS") -> None:
        """Run its last job again: the same pipeline changes, the former job stays."""
        job = pipeline["jobs"][0]
        job["retried"] = True
        again = self.job(pipeline, job["name"])
        self.wait(minutes=1)
        pipeline |= {"status": "RUNNING", "updatedAt": self.tick()}
        again |= {"status": "RUNNING", "startedAt": self.now}
        if status:
            self.finish(pipeline, status)

    def play(self, pipeline: Node, job: Node) -> None:
        """A person starts a manual job, which succeeds."""
        job |= {"status": "RUNNING", "queuedAt": self.tick(), "startedAt": self.tick()}
        pipeline |= {"status": "RUNNING", "updatedAt": self.tick()}
        self.finish(pipeline)

    def child(self, project: Node, parent: Node, status: str | None = "SUCCESS") -> Node:
        """A pipeline that a job of another starts."""
        job = self.job(parent, "trigger frontend")
        job |= {"webPath": None, "status": "SUCCESS", "startedAt": self.now, "finishedAt": self.now}
        self.touch(parent)
        return self.run(project, ("unit",), status=status, source="parent_pipeline", sourceJob=job)

    # -- deployments --------------------------------------------------------------------------------------------------

    def environment(self, project: Node, name: str, tier: str | None = None) -> Node:
        """The environment of a name."""
        if name not in project["environments"]:
            project["environments"][name] = self.node("Environment", name=name, tier=tier or "other")
        found: Node = project["environments"][name]
        return found

    def deploy(
        self, project: Node, environment: str = "production", *, status: str = "success", pipeline: Node | None = None,
        shipped: Sequence[Node] = (), by: str = "ada", tier: str | None = None,
    ) -> Node:  # fmt: skip
        """A new deployment by a job of a new pipeline."""
        run = pipeline or self.run(project, ("deploy",), status=None if status == "running" else "SUCCESS")
        made = self._deployment(project, environment, status, shipped, by, tier)
        made |= {"job": run["jobs"][0], "pipeline": run}
        return made

    def report(self, project: Node, environment: str = "production", *, shipped: Sequence[Node] = ()) -> Node:
        """A deployment that something else has made, and tells GitLab of."""
        return self._deployment(project, environment, "success", shipped, "ada", None)

    def _deployment(
        self, project: Node, environment: str, status: str, shipped: Sequence[Node], by: str, tier: str | None
    ) -> Node:
        at = self.tick()
        made = self.node(
            "Deployment", iid=self._iid(project, "deployment"), createdAt=at, updatedAt=at, status=status, ref="main",
            sha=self.sha(), tag=False, user=self.user(by), environment=self.environment(project, environment, tier),
            job=None, pipeline=None, shipped=list(shipped),
        )  # fmt: skip
        project["deployments"].append(made)
        return made

    def settle(self, deployment: Node, status: str = "success", shipped: Sequence[Node] = ()) -> None:
        """A deployment that was running ends, with its job and its pipeline."""
        if deployment["pipeline"] and deployment["pipeline"]["status"] not in ENDED:
            self.finish(deployment["pipeline"], "SUCCESS" if status == "success" else "FAILED")
        deployment["shipped"] += shipped
        deployment["status"] = status
        self.touch(deployment)

    # -- groups and projects ------------------------------------------------------------------------------------------

    def join(self, path: str, *usernames: str) -> None:
        """People become members of a group."""
        self.group(path)["members"] += [self.user(name) for name in usernames]

    def leave(self, path: str, username: str) -> None:
        """A member leaves."""
        self.group(path)["members"].remove(self.users[username])

    def move(self, project: Node, path: str) -> None:
        """Give a project another path; the old one leads to it."""
        self.moved[project["fullPath"]] = project["number"]
        project["fullPath"] = path
        self.group(path.rpartition("/")[0])

    def vanish(self, project: Node) -> None:
        """Delete a project."""
        del self.projects[project["number"]]

    def find(self, path: str) -> Node | None:
        """The project of a present path; case does not matter."""
        return next((one for one in self.projects.values() if one["fullPath"].lower() == path.lower()), None)
