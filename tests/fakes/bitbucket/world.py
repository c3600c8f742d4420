"""What there is on the server: repositories, and what people do in them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

Row = dict[str, Any]
User = Mapping[str, Any]


def text(moment: datetime, *, nanoseconds: bool = False) -> str:
    """An instant as payloads have it; pipelines write nanoseconds."""
    whole = moment.astimezone(UTC).isoformat(timespec="microseconds")
    return whole.replace("+00:00", "482Z") if nanoseconds else whole


def user(name: str, **about: Any) -> User:
    """An account, as it stands in payloads."""
    return {
        "type": "user", "uuid": f"{{u-{name}}}", "account_id": f"557058:{name}", "nickname": name,
        "display_name": name.capitalize(), "links": {"avatar": {"href": f"https://avatars.test/{name}"}}, **about,
    }  # fmt: skip


ADA, BOB = user("ada"), user("bob")


@dataclass(eq=False)
class World:
    """The clock, and the repositories there are."""

    now: datetime
    repositories: dict[str, Repository] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def add(self, full_name: str = "acme/shop", *, days_old: float = 700, **about: Any) -> Repository:
        """A new repository."""
        made = self.now - timedelta(days=days_old)
        one = Repository(self, full_name, f"{{r-{full_name.replace('/', '-')}}}", made, dict(about))
        self.repositories[one.uuid] = one
        return one

    def number(self) -> int:
        """A number that was not given before."""
        return next(self._numbers)

    def sha(self) -> str:
        """A commit that was not made before."""
        return f"{self.number():08x}" * 5


@dataclass(eq=False)
class Repository:
    """A repository, and all there is in it; every method is something somebody does now."""

    world: World
    full_name: str
    uuid: str
    created_on: datetime
    about: Row = field(default_factory=dict)
    pushed_on: datetime | None = None
    has_pipelines: bool = True
    pull_requests: dict[int, Row] = field(default_factory=dict)
    activity: list[Row] = field(default_factory=list)
    commits: dict[int, list[Row]] = field(default_factory=dict)
    pipelines: list[Row] = field(default_factory=list)
    steps: dict[str, list[Row]] = field(default_factory=dict)
    deployments: list[Row] = field(default_factory=list)
    issues: dict[int, Row] = field(default_factory=dict)

    def row(self) -> Row:
        """What the listing of repositories says of it."""
        return {
            "type": "repository", "uuid": self.uuid, "full_name": self.full_name, "scm": "git",
            "slug": self.full_name.partition("/")[2], "created_on": text(self.created_on),
            "updated_on": text(self.pushed_on or self.created_on), "mainbranch": {"type": "branch", "name": "main"},
            "parent": None, "has_issues": bool(self.issues),
            "links": {"html": {"href": f"https://bitbucket.org/{self.full_name}"}}, **self.about,
        }  # fmt: skip

    def push(self) -> str:
        """Somebody pushes; the commit."""
        self.pushed_on = self.world.now
        return self.world.sha()

    def open(self, title: str = "A change", author: User | None = ADA, branch: str = "feature", **about: Any) -> int:
        """A pull request is opened; its number."""
        number = len(self.pull_requests) + 1
        head, now = self.push(), text(self.world.now)
        self.pull_requests[number] = {
            "type": "pullrequest", "id": number, "title": title, "description": "", "state": "OPEN", "draft": False,
            "author": author, "closed_by": None, "created_on": now, "updated_on": now, "merge_commit": None,
            "source": {"branch": {"name": branch}, "commit": {"type": "commit", "hash": head[:12]}},
            "destination": {"branch": {"name": "main"}, "commit": {"type": "commit", "hash": self.world.sha()[:12]}},
            "links": {"html": {"href": f"https://bitbucket.org/{self.full_name}/pull-requests/{number}"}},
            "comment_count": 0, "summary": {"html": "<p>long</p>" * 20}, **about,
        }  # fmt: skip
        self.commits[number] = [
            {"hash": head, "date": text(self.world.now - timedelta(hours=3)), "author": {"user": author}}
        ]
        self._act(number, {"update": {"state": "OPEN", "author": author, "date": now}})
        return number

    def comment(self, number: int, by: User | None = BOB, **about: Any) -> int:
        """Somebody comments; the comment's id."""
        made = self.world.number()
        said = {
            "id": made, "created_on": text(self.world.now), "updated_on": text(self.world.now), "deleted": False,
            "pending": False, "user": by, "content": {"raw": "Why?"},
            "links": {"html": {"href": f"https://bitbucket.org/{self.full_name}/pull-requests/{number}#{made}"}},
            **about,
        }  # fmt: skip
        self._act(number, {"comment": said})
        return made

    def approve(self, number: int, by: User | None = BOB) -> None:
        """Somebody approves."""
        self._act(number, {"approval": {"date": text(self.world.now), "user": by}})

    def request_changes(self, number: int, by: User | None = BOB) -> None:
        """Somebody wants something else."""
        self._act(number, {"changes_requested": {"date": text(self.world.now), "user": by}})

    def merge(self, number: int, by: User = BOB, parents: int = 2) -> str:
        """It is merged; the commit on main."""
        sha, now = self.push(), text(self.world.now)
        commit = {"hash": sha[:12], "date": now, "parents": [{"hash": self.world.sha()[:12]} for _ in range(parents)]}
        self.pull_requests[number] |= {"state": "MERGED", "closed_by": by, "closed_on": now, "merge_commit": commit}
        self._act(number, {"update": {"state": "MERGED", "author": by, "date": now}})
        return sha

    def decline(self, number: int, by: User = BOB) -> None:
        """It is declined."""
        now = text(self.world.now)
        self.pull_requests[number] |= {"state": "DECLINED", "closed_by": by, "closed_on": now}
        self._act(number, {"update": {"state": "DECLINED", "author": by, "date": now}})

    def run(self, *, pull_request: int | None = None, **about: Any) -> str:
        """A pipeline begins; its id."""
        number = len(self.pipelines) + 1
        uuid = f"{{p-{self.uuid[1:-1]}-{number}}}"
        selector = {"type": "branches", "pattern": "main"}
        target: Row = {
            "type": "pipeline_ref_target", "ref_type": "branch", "ref_name": "main", "selector": selector,
            "commit": {"type": "commit", "hash": self.world.sha()},
        }  # fmt: skip
        if pull_request is not None:
            target |= {
                "type": "pipeline_pullrequest_target", "ref_name": None, "source": "feature", "destination": "main",
                "pullrequest": {"id": pull_request}, "selector": {"type": "pull-requests", "pattern": "**"},
            }  # fmt: skip
        self.pipelines.append({
            "type": "pipeline", "uuid": uuid, "build_number": number, "run_number": 1, "creator": ADA,
            "created_on": text(self.world.now, nanoseconds=True), "completed_on": None, "target": target,
            "trigger": {"name": "PUSH", "type": "pipeline_trigger_push"},
            "state": {"name": "IN_PROGRESS", "stage": {"name": "RUNNING"}}, **about,
        })  # fmt: skip
        self.steps[uuid] = [{
            "type": "pipeline_step", "uuid": f"{{s-{self.uuid[1:-1]}-{number}}}", "name": "Test", "run_number": 1,
            "started_on": text(self.world.now + timedelta(seconds=20)), "completed_on": None,
            "state": {"name": "IN_PROGRESS"}, "build_seconds_used": 0,
        }]  # fmt: skip
        return uuid

    def wait(self, uuid: str) -> None:
        """The pipeline stands at a step that a person has to start."""
        self._pipeline(uuid)["state"] = {"name": "IN_PROGRESS", "stage": {"name": "PAUSED"}}

    def finish(self, uuid: str, result: str = "SUCCESSFUL") -> None:
        """The pipeline ends."""
        state, now = {"name": "COMPLETED", "result": {"name": result}}, text(self.world.now, nanoseconds=True)
        self._pipeline(uuid).update(state=state, completed_on=now)
        for step in self.steps[uuid]:
            step.update(state=state, completed_on=now, build_seconds_used=40)

    def rerun(self, uuid: str) -> None:
        """The pipeline is started again: it keeps its id."""
        one = self._pipeline(uuid)
        one |= {"run_number": one["run_number"] + 1, "run_creation_date": text(self.world.now), "completed_on": None}
        one["state"] = {"name": "IN_PROGRESS", "stage": {"name": "RUNNING"}}

    def deploy(
        self,
        environment: str = "Production",
        status: str | None = "SUCCESSFUL",
        *,
        minutes: int = 5,
        by: User | None = BOB,
    ) -> str:
        """A deployment that began some minutes ago has ended; without a status, it waits for a person. Its id."""
        uuid = f"{{d-{self.uuid[1:-1]}-{len(self.deployments) + 1}}}"
        began = self.world.now - timedelta(minutes=minutes)
        state: Row = {"type": "deployment_state_undeployed", "name": "UNDEPLOYED"}
        if status is not None:
            state = {
                "type": "deployment_state_completed", "name": "COMPLETED", "status": {"name": status}, "deployer": by,
                "started_on": text(began), "completed_on": text(self.world.now),
                "url": f"https://bitbucket.org/{self.full_name}/pipelines/results/1/steps/1",
            }  # fmt: skip
        self.deployments.append({
            "type": "deployment", "uuid": uuid, "state": state,
            "environment": {"type": "deployment_environment", "uuid": f"{{e-{environment}}}", "name": environment},
            "release": {
                "name": "#1", "created_on": text(began), "commit": {"type": "commit", "hash": self.world.sha()},
                "url": f"https://bitbucket.org/{self.full_name}/pipelines/results/1",
            },
        })  # fmt: skip
        return uuid

    def report(self, title: str = "It is broken", **about: Any) -> int:
        """An issue is opened; its number."""
        number, now = len(self.issues) + 1, text(self.world.now)
        self.issues[number] = {
            "type": "issue", "id": number, "title": title, "kind": "bug", "priority": "major", "state": "new",
            "created_on": now, "updated_on": now, "reporter": ADA, "assignee": None, "component": None,
            "links": {"html": {"href": f"https://bitbucket.org/{self.full_name}/issues/{number}"}}, **about,
        }  # fmt: skip
        return number

    def settle(self, number: int, state: str = "resolved") -> None:
        """An issue gets another state."""
        self.issues[number] |= {"state": state, "updated_on": text(self.world.now)}

    def _pipeline(self, uuid: str) -> Row:
        return next(one for one in self.pipelines if one["uuid"] == uuid)

    def _act(self, number: int, entry: Row) -> None:
        self.pull_requests[number]["updated_on"] = text(self.world.now)
        about = {"type": "pullrequest", "id": number, "title": self.pull_requests[number]["title"]}
        self.activity.append({"pull_request": about, **entry})
