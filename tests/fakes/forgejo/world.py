"""What there is on the server: repositories, and what people do in them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

Row = dict[str, Any]
NEVER = "1970-01-01T00:00:00Z"


class Refused(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def missing() -> Refused:
    """The answer where nothing is, or nothing that may be seen."""
    return Refused(404, "The target couldn't be found.")


def text(moment: datetime | None) -> str:
    """An instant as payloads have it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else NEVER


@dataclass(eq=False)
class World:
    """The clock, the accounts, and the repositories there are."""

    now: datetime
    is_gitea: bool = False
    shows_addresses: bool = True
    organisations: set[str] = field(default_factory=lambda: {"acme"})
    repositories: dict[int, Repository] = field(default_factory=dict)
    teams: dict[int, Row] = field(default_factory=dict)
    people: dict[str, int] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def add(self, full_name: str = "acme/shop", *, days_old: float = 700, **about: Any) -> Repository:
        """A new repository."""
        made = self.now - timedelta(days=days_old)
        one = Repository(self, next(self.numbers), full_name, made, dict(about))
        self.repositories[one.id] = one
        return one

    def team(self, name: str, *members: str, organisation: str = "acme") -> int:
        """A new team; its id."""
        made = next(self.numbers)
        self.teams[made] = {"id": made, "name": name, "organisation": organisation, "members": list(members)}
        return made

    def user(self, login: str | None, *, is_hidden: bool = False) -> Row:
        """An account as it stands in payloads; None is one that was deleted."""
        if login is None:
            return {"id": -1, "login": "Ghost", "full_name": "", "email": ""}
        identity = self.people.setdefault(login, len(self.people) + 1)
        shown = self.shows_addresses and not is_hidden
        email = f"{login}@acme.test" if shown else f"{login}@noreply.git.test"
        return {
            "id": identity, "login": login, "full_name": login.capitalize(), "email": email,
            "html_url": f"https://git.test/{login}", "avatar_url": f"https://git.test/avatars/{identity}",
        }  # fmt: skip


@dataclass(eq=False)
class Repository:
    """A repository, and all there is in it; every method is something somebody does now."""

    server: World
    id: int
    full_name: str
    made_at: datetime
    about: Row = field(default_factory=dict)
    earlier_names: set[str] = field(default_factory=set)
    pushed_at: datetime | None = None
    issues: dict[int, Row] = field(default_factory=dict)
    runs: dict[int, Row] = field(default_factory=dict)
    tasks: list[Row] = field(default_factory=list)
    releases: list[Row] = field(default_factory=list)
    tags: list[Row] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    counted: int = 0

    @property
    def owner(self) -> str:
        return self.full_name.partition("/")[0]

    @property
    def web(self) -> str:
        return f"https://git.test/{self.full_name}"

    def row(self) -> Row:
        """What the listing of repositories says of it."""
        return {
            "id": self.id, "full_name": self.full_name, "name": self.full_name.partition("/")[2], "fork": False,
            "html_url": self.web, "clone_url": f"{self.web}.git", "default_branch": "main", "archived": False,
            "empty": False, "created_at": text(self.made_at), "updated_at": text(self.pushed_at or self.made_at),
            "has_issues": True, "has_pull_requests": True, "has_actions": bool(self.runs), "has_releases": True,
            "release_counter": len([one for one in self.releases if not one["draft"]]), "original_url": "",
            "stars_count": next(self.server.numbers), **self.about,
        }  # fmt: skip

    def rename(self, full_name: str) -> None:
        """It gets another name; the earlier one leads to it."""
        self.earlier_names.add(self.full_name)
        self.full_name = full_name

    def issue(self, number: int | str) -> Row:
        """An issue or request."""
        if int(number) not in self.issues:
            raise missing()
        return self.issues[int(number)]

    def issue_row(self, row: Row) -> Row:
        """An issue, as it is listed."""
        hidden = {"commits", "events", "reviews", "pull"}
        where = {"id": self.id, "full_name": self.full_name}
        shown = {name: value for name, value in row.items() if name not in hidden}
        if row["pull_request"] is not None:
            shown["pull_request"] = {name: row["pull"][name] for name in ("merged", "merged_at", "draft")}
        return {**shown, "repository": where}

    def pull_row(self, row: Row) -> Row:
        """A request, as it is told by itself."""
        shared = (
            "number", "title", "body", "state", "user", "labels", "created_at", "updated_at", "closed_at", "html_url",
        )  # fmt: skip
        return {**{name: row[name] for name in shared}, **row["pull"]}

    def push(self) -> str:
        """Somebody pushes; the commit."""
        self.pushed_at = self.server.now
        return f"{next(self.server.numbers):08x}" * 5

    # -- issues and requests ------------------------------------------------------------------------------------------

    def report(self, title: str = "It is broken", by: str | None = "ada", **about: Any) -> int:
        """An issue is opened; its number."""
        self.counted += 1
        now = text(self.server.now)
        self.issues[self.counted] = {
            "id": next(self.server.numbers), "number": self.counted, "title": title, "body": "Long.", "state": "open",
            "user": self.server.user(by), "assignees": None, "labels": [], "created_at": now, "updated_at": now,
            "closed_at": None, "html_url": f"{self.web}/issues/{self.counted}", "original_author": "",
            "pull_request": None, "events": [], **about,
        }  # fmt: skip
        return self.counted

    def open(self, title: str = "A change", by: str | None = "ada", branch: str = "feature", **about: Any) -> int:
        """A request is opened; its number."""
        number = self.report(title, by, **about)
        row = self.issues[number]
        row["html_url"] = f"{self.web}/pulls/{number}"
        row["pull_request"] = {}
        row["reviews"] = []
        row["pull"] = {
            "id": next(self.server.numbers), "draft": title.startswith("WIP:"), "merged": False, "merged_at": None,
            "merged_by": None, "merge_commit_sha": None, "additions": 10, "deletions": 3, "changed_files": 2,
            "review_comments": 0, "base": {"ref": "main", "label": "main", "sha": "b" * 40},
            "head": {"ref": branch, "label": branch, "sha": "", "repo": {"id": self.id}}, "is_damaged": False,
        }  # fmt: skip
        row["commits"] = []
        self.commit(number, by, hours_ago=3)
        return number

    def commit(self, number: int, by: str | None = "ada", *, hours_ago: float = 1, forces: bool = False) -> str:
        """Commits are pushed to a request."""
        row, sha = self.issues[number], self.push()
        written = text(self.server.now - timedelta(hours=hours_ago))
        person = {"name": by or "Somebody", "email": f"{by or 'somebody'}@Acme.test", "date": written}
        if forces:
            row["commits"].clear()
        row["commits"].append({
            "sha": sha, "author": None if by is None else self.server.user(by, is_hidden=True),
            "commit": {"message": "Do it", "author": person, "committer": {**person, "date": text(self.server.now)}},
        })  # fmt: skip
        row["pull"]["head"]["sha"] = sha
        self._happen(number, "pull_push", by)
        return sha

    def comment(self, number: int, by: str = "bob", *, on_line: bool = False) -> None:
        """Somebody comments."""
        self._happen(number, "code" if on_line else "comment", by)
        if on_line:
            self.issues[number]["pull"]["review_comments"] += 1

    def review(self, number: int, state: str = "APPROVED", by: str | None = "bob", **about: Any) -> int:
        """Somebody reviews; the review's id."""
        made = next(self.server.numbers)
        now = text(self.server.now)
        self.issues[number]["reviews"].append({
            "id": made, "state": state, "user": self.server.user(by), "dismissed": False, "comments_count": 1,
            "submitted_at": now, "updated_at": now, "html_url": f"{self.web}/pulls/{number}#{made}", **about,
        })  # fmt: skip
        if state not in {"PENDING", "REQUEST_REVIEW"}:
            self._happen(number, "review", by, review_id=made)
        return made

    def retitle(self, number: int, title: str, by: str = "ada") -> None:
        """It gets another title."""
        row = self.issues[number]
        old, row["title"] = row["title"], title
        if row["pull_request"] is not None:
            row["pull"]["draft"] = title.startswith("WIP:")
        self._happen(number, "change_title", by, old_title=old, new_title=title)

    def label(self, number: int, *names: str, by: str = "ada") -> None:
        """It gets labels."""
        self.issues[number]["labels"] = [{"id": 1, "name": name} for name in names]
        self._happen(number, "label", by)

    def merge(self, number: int, by: str | None = "bob", *, forwards: bool = False) -> str:
        """It is merged; the commit on main."""
        row = self.issues[number]
        sha = row["pull"]["head"]["sha"] if forwards else self.push()
        row["pull"] |= {
            "merged": True, "merged_at": text(self.server.now), "merge_commit_sha": sha,
            "merged_by": self.server.user(by, is_hidden=True),
        }  # fmt: skip
        self.close(number, by)
        return sha

    def close(self, number: int, by: str | None = "bob") -> None:
        """It is closed."""
        self.issues[number] |= {"state": "closed", "closed_at": text(self.server.now)}
        self._happen(number, "close", by)

    def delete(self, number: int) -> None:
        """It is gone."""
        del self.issues[number]

    def _happen(self, number: int, kind: str, by: str | None, **about: Any) -> None:
        now = text(self.server.now)
        self.issues[number]["updated_at"] = now
        self.issues[number]["events"].append(
            {"id": next(self.server.numbers), "type": kind, "user": self.server.user(by), "created_at": now, **about}
        )

    # -- Actions ------------------------------------------------------------------------------------------------------

    def run(self, workflow: str = "ci.yml", event: str = "push", *, pull: int | None = None) -> int:
        """A run is asked for, and waits for a runner; its id."""
        made = next(self.server.numbers)
        self.runs[made] = {
            "id": made, "number": len(self.runs) + 1, "workflow": workflow, "event": event, "pull": pull,
            "sha": self.push(), "created": self.server.now, "started": None, "stopped": None, "status": "waiting",
            "attempt": 1,
        }  # fmt: skip
        return made

    def start(self, made: int, *jobs: str) -> None:
        """Runners take its jobs."""
        run = self.runs[made]
        run |= {"started": run["started"] or self.server.now, "status": "running"}
        for name in jobs or ("build", "test"):
            now = text(self.server.now)
            self.tasks.append({
                "id": next(self.server.numbers), "name": name, "run_number": run["number"], "status": "running",
                "workflow_id": run["workflow"], "event": run["event"], "head_sha": run["sha"], "head_branch": "main",
                "created_at": now, "run_started_at": now, "updated_at": now, "display_title": "A change",
            })  # fmt: skip

    def finish(self, made: int, status: str = "success") -> None:
        """What runs of it ends."""
        run, now = self.runs[made], text(self.server.now)
        run |= {"stopped": self.server.now, "status": status}
        for task in self.tasks:
            if task["run_number"] == run["number"] and task["status"] == "running":
                task |= {"status": status, "updated_at": now}

    def rerun(self, made: int) -> None:
        """It is started again: it keeps its id and its place, and waits for a runner."""
        run = self.runs[made]
        run |= {"started": None, "stopped": None, "status": "waiting", "attempt": run["attempt"] + 1}

    def run_row(self, run: Row) -> Row:
        """A run, as it is listed."""
        shared = {"id": run["id"], "html_url": f"{self.web}/actions/runs/{run['number']}", "event": run["event"]}
        pull = run["pull"]
        if self.server.is_gitea:
            is_done = run["status"] in {"success", "failure", "cancelled", "skipped"}
            words = {"waiting": "queued", "running": "in_progress"}
            return {
                **shared, "run_number": run["number"], "run_attempt": run["attempt"],
                "path": f"{run['workflow']}@refs/heads/main", "head_sha": run["sha"],
                "head_branch": "" if pull else "main", "status": "completed" if is_done else words[run["status"]],
                "conclusion": run["status"] if is_done else "", "created_at": text(run["created"]),
                "started_at": text(run["started"]), "completed_at": text(run["stopped"]),
                "pull_requests": [{"id": 1, "number": pull}] if pull else [],
            }  # fmt: skip
        return {
            **shared, "index_in_repo": run["number"], "workflow_id": run["workflow"], "trigger_event": run["event"],
            "prettyref": f"#{pull}" if pull else "main", "commit_sha": run["sha"], "status": run["status"],
            "created": text(run["created"]), "started": text(run["started"]), "stopped": text(run["stopped"]),
            "updated": text(self.server.now), "event_payload": "{}" * 500, "repository": self.row(),
        }  # fmt: skip

    # -- releases -----------------------------------------------------------------------------------------------------

    def release(self, tag: str, by: str | None = "cleo", *, days_old: float = 0, **about: Any) -> str:
        """A release of a tag that was made some days ago; the commit."""
        sha, made = self.push(), text(self.server.now - timedelta(days=days_old))
        self.tags.append({"name": tag, "commit": {"sha": sha}})
        self.releases.append({
            "id": next(self.server.numbers), "tag_name": tag, "target_commitish": "main", "name": tag, "draft": False,
            "prerelease": False, "created_at": made, "published_at": made, "author": self.server.user(by),
            "html_url": f"{self.web}/releases/tag/{tag}", **about,
        })  # fmt: skip
        return sha
