"""What there is on the server: projects, their repositories, and what people and pipelines do in them."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

Row = dict[str, Any]
Person = Mapping[str, Any]


def text(moment: datetime) -> str:
    """An instant as payloads have it: with seven digits after the seconds, or as many as it takes."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "4Z"


def guid(name: str) -> str:
    """An id that is the same for the same name."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name))


def person(name: str, **about: Any) -> Person:
    """An account, as it stands in payloads."""
    return {
        "id": guid(name), "displayName": name.capitalize(), "uniqueName": f"{name}@example.org",
        "descriptor": f"aad.{name}", "url": f"https://spsprodeus.test/{name}", "imageUrl": "https://avatars.test/1",
        **about,
    }  # fmt: skip


ADA, BOB = person("ada"), person("bob")


@dataclass(eq=False)
class World:
    """The clock, and the projects there are."""

    now: datetime
    projects: dict[str, Project] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def project(self, name: str = "acme/Shop") -> Project:
        """A project, made where there is none yet."""
        key = guid(name)
        return self.projects.setdefault(key, Project(self, name, key))

    def number(self) -> int:
        """A number that was not given before."""
        return next(self._numbers)

    def sha(self) -> str:
        """A commit that was not made before."""
        return f"{self.number():08x}" * 5

    def sign(self, who: Person, ago: timedelta = timedelta(0)) -> Row:
        """The signature of a commit."""
        return {"name": who["displayName"], "email": who["uniqueName"].upper(), "date": text(self.now - ago)}


@dataclass(eq=False)
class Project:
    """A project; every method is something that happens now."""

    world: World
    name: str
    id: str
    repositories: dict[str, Repository] = field(default_factory=dict)
    builds: dict[int, Row] = field(default_factory=dict)
    timelines: dict[int, list[Row]] = field(default_factory=dict)
    earlier: dict[str, list[Row]] = field(default_factory=dict)
    releases: dict[int, Row] = field(default_factory=dict)
    environments: dict[int, Row] = field(default_factory=dict)
    records: dict[int, list[Row]] = field(default_factory=dict)
    items: dict[int, Row] = field(default_factory=dict)

    @property
    def organisation(self) -> str:
        """The organisation it is in."""
        return self.name.partition("/")[0]

    def reference(self) -> Row:
        """How other objects name it."""
        return {"id": self.id, "name": self.name.partition("/")[2], "state": "wellFormed", "visibility": "private"}

    def repository(self, name: str = "api", **about: Any) -> Repository:
        """A repository is made."""
        key = guid(f"{self.name}/{name}")
        self.repositories[key] = Repository(self, name, key, about)
        return self.repositories[key]

    def run(self, of: Repository | Row, by: Person = ADA, *, jobs: tuple[str, ...] = ("Build",), **about: Any) -> int:
        """A pipeline begins; its id. Each job is in a stage of its own name."""
        number = self.world.number()
        repository = {"id": of.id, "type": "TfsGit", "name": of.name} if isinstance(of, Repository) else of
        self.builds[number] = {
            "id": number, "buildNumber": f"2026.{number}", "status": "inProgress", "reason": "individualCI",
            "queueTime": text(self.world.now - timedelta(seconds=30)), "startTime": text(self.world.now),
            "definition": {"id": 4, "name": "CI", "path": "\\", "project": self.reference()},
            "sourceBranch": "refs/heads/main", "sourceVersion": self.world.sha(), "repository": repository,
            "requestedFor": by, "triggerInfo": {"ci.message": "Add a basket"}, "project": self.reference(),
            "plans": [{"planId": guid(str(number))}], "logs": {"url": "https://logs.test"},
            "_links": {"web": {"href": f"https://dev.azure.com/{self.name}/_build/results?buildId={number}"}}, **about,
        }  # fmt: skip
        self.timelines[number] = [
            record for name in jobs for record in self._records(name, 1, "inProgress", self.world.now)
        ]
        return number

    def finish(self, number: int, result: str = "succeeded") -> None:
        """A run ends, and what of it was going on."""
        now = text(self.world.now)
        self.builds[number] |= {"status": "completed", "result": result, "finishTime": now}
        for record in self.timelines[number]:
            if record["state"] != "completed":
                record |= {"state": "completed", "result": result, "finishTime": now}

    def run_again(self, number: int, stage: str = "Build") -> None:
        """A stage is run again: the run goes on, and its timeline names another that has the earlier attempt."""
        self.builds[number] = {
            key: value for key, value in self.builds[number].items() if key not in {"result", "finishTime"}
        } | {"status": "inProgress"}
        old = [record for record in self.timelines[number] if record["#stage"] == stage]
        rest = [record for record in self.timelines[number] if record["#stage"] != stage]
        attempt = max(record["attempt"] for record in old) + 1
        name = guid(f"{number}/{stage}/{attempt}")
        self.earlier[name] = old
        again = self._records(stage, attempt, "inProgress", self.world.now)
        known = [*old[0]["previousAttempts"], {"attempt": attempt - 1, "timelineId": name, "recordId": old[0]["id"]}]
        self.timelines[number] = [*rest, *({**record, "previousAttempts": known} for record in again)]

    def _records(self, name: str, attempt: int, state: str, at: datetime) -> list[Row]:
        stage, phase, job = (guid(f"{name}/{kind}") for kind in ("stage", "phase", "job"))
        kinds = ((stage, None, "Stage", name), (phase, stage, "Phase", name), (job, phase, "Job", f"{name} it"))
        return [
            {
                "id": key, "parentId": above, "type": kind, "name": title, "state": state, "result": None,
                "attempt": attempt, "startTime": text(at), "finishTime": None, "#stage": name,
                "workerName": "Hosted Agent" if kind == "Job" else None, "previousAttempts": [],
            }
            for key, above, kind, title in kinds
        ]  # fmt: skip

    def release(self, of: Repository, stage: str = "Production", by: Person = BOB) -> int:
        """A classic release begins to be deployed to a stage; the deployment's id."""
        number = self.world.number()
        artifact = {
            "type": "Build", "alias": "_api", "isPrimary": True,
            "definitionReference": {
                "repository": {"id": of.id, "name": ""}, "repository.provider": {"id": "TfsGit", "name": ""},
                "sourceVersion": {"id": self.world.sha(), "name": ""}, "version": {"id": "12", "name": "2026.12"},
            },
        }  # fmt: skip
        self.releases[number] = {
            "id": number, "attempt": 1, "deploymentStatus": "inProgress", "operationStatus": "phaseInProgress",
            "queuedOn": text(self.world.now), "startedOn": text(self.world.now), "completedOn": "0001-01-01T00:00:00",
            "lastModifiedOn": text(self.world.now), "requestedFor": by,
            "release": {"id": number, "name": f"Release-{number}", "artifacts": [artifact],
                        "_links": {"web": {"href": f"https://dev.azure.com/{self.name}/_release?releaseId={number}"}}},
            "releaseEnvironment": {"id": 7, "name": stage}, "releaseDefinition": {"id": 3, "name": "api"},
        }  # fmt: skip
        return number

    def release_ends(self, number: int, status: str = "succeeded", operation: str = "approved") -> None:
        """A deployment of a release ends."""
        now = text(self.world.now)
        ended = {"deploymentStatus": status, "operationStatus": operation}
        self.releases[number] |= {**ended, "completedOn": now, "lastModifiedOn": now}

    def deploy(self, environment: str, build: int, result: str | None = "succeeded") -> int:
        """A job of a run deploys to an environment, made where there is none yet; the record's id."""
        known = [key for key, one in self.environments.items() if one["name"] == environment]
        key = known[0] if known else self.world.number()
        self.environments.setdefault(key, {"id": key, "name": environment, "createdOn": text(self.world.now)})
        number, now = self.world.number(), text(self.world.now)
        self.records.setdefault(key, []).append({
            "id": number, "environmentId": key, "stageName": environment, "jobName": "Deploy", "planType": "Build",
            "stageAttempt": 1, "jobAttempt": 1, "queueTime": now, "startTime": now, "result": result,
            "finishTime": now if result else None, "definition": {"id": 4, "name": "CI"},
            "owner": {"id": build, "name": self.builds[build]["buildNumber"],
                      "_links": {"web": self.builds[build]["_links"]["web"]}},
        })  # fmt: skip
        return number

    def deploy_ends(self, number: int, result: str = "succeeded") -> None:
        """A job that deploys ends."""
        (record,) = (one for several in self.records.values() for one in several if one["id"] == number)
        record |= {"result": result, "finishTime": text(self.world.now)}

    def item(self, kind: str = "Bug", title: str = "It is broken", by: Person = ADA, **fields: Any) -> int:
        """A work item is made; its id."""
        number, now = self.world.number(), text(self.world.now)
        self.items[number] = {
            "System.Title": title, "System.WorkItemType": kind, "System.State": "New", "System.CreatedDate": now,
            "System.ChangedDate": now, "System.CreatedBy": by, "System.Description": "long", **fields,
        }  # fmt: skip
        return number

    def change_item(self, number: int, **fields: Any) -> None:
        """A work item is changed."""
        self.items[number] |= {"System.ChangedDate": text(self.world.now), **fields}

    def close_item(self, number: int) -> None:
        """A work item is closed."""
        closed = {"System.State": "Closed", "Microsoft.VSTS.Common.ClosedDate": text(self.world.now)}
        self.change_item(number, **closed)


@dataclass(eq=False)
class Repository:
    """A repository; every method is something that happens now."""

    project: Project
    name: str
    id: str
    about: Row = field(default_factory=dict)
    pulls: dict[int, Row] = field(default_factory=dict)
    threads: dict[int, list[Row]] = field(default_factory=dict)
    commits: dict[int, list[Row]] = field(default_factory=dict)

    @property
    def world(self) -> World:
        """Where it is."""
        return self.project.world

    def row(self) -> Row:
        """What the listing of repositories says of it."""
        web = f"https://dev.azure.com/{self.project.name}/_git/{self.name}".replace(" ", "%20")
        return {
            "id": self.id, "name": self.name, "project": self.project.reference(), "defaultBranch": "refs/heads/main",
            "size": 1000 + self.world.number(), "webUrl": web, "url": f"https://dev.azure.com/_apis/{self.id}",
            "remoteUrl": web.replace("https://", f"https://{self.project.organisation}@"), "isDisabled": False,
            **self.about,
        }  # fmt: skip

    def open(self, title: str = "Add a basket", by: Person = ADA, **about: Any) -> int:
        """A pull request is opened; its number."""
        number = self.world.number()
        self.pulls[number] = {
            "pullRequestId": number, "codeReviewId": number, "status": "active", "title": title, "description": "",
            "createdBy": by, "creationDate": text(self.world.now), "isDraft": False, "reviewers": [], "labels": [],
            "sourceRefName": "refs/heads/basket", "targetRefName": "refs/heads/main", "mergeStatus": "succeeded",
            "lastMergeCommit": {"commitId": self.world.sha()}, **about,
        }  # fmt: skip
        self.threads[number], self.commits[number] = [], []
        self.push(number, by)
        return number

    def push(self, number: int, by: Person = ADA, *, forces: bool = False, name: str | None = None) -> str:
        """Somebody pushes to the branch of a pull request; the commit."""
        sha = name or self.world.sha()
        signed = self.world.sign(by, timedelta(hours=3))
        commit = {"commitId": sha, "author": signed, "committer": self.world.sign(by), "comment": "Work"}
        self.commits[number] = [commit, *([] if forces else self.commits[number])]
        self.pulls[number]["lastMergeSourceCommit"] = {"commitId": sha, "url": f"https://dev.azure.com/{sha}"}
        return sha

    def vote(self, number: int, by: Person = BOB, vote: int = 10) -> int:
        """Somebody votes; the thread's id."""
        others = [one for one in self.pulls[number]["reviewers"] if one["id"] != by["id"]]
        self.pulls[number]["reviewers"] = [*others, {**by, "vote": vote}]
        properties = {"CodeReviewVoteResult": str(vote), "CodeReviewVotedByIdentity": "1"}
        return self.note(number, "VoteUpdate", properties, by)

    def comment(self, number: int, by: Person = BOB, **about: Any) -> int:
        """Somebody comments; the thread's id."""
        thread = self._thread(number, {}, {})
        thread["comments"] = [
            {"id": 1, "author": by, "content": "Why?", "publishedDate": text(self.world.now), "commentType": "text",
             "isDeleted": False, **about}
        ]  # fmt: skip
        return int(thread["id"])

    def note(self, number: int, kind: str, properties: Mapping[str, Any], by: Person) -> int:
        """The host notes something in a thread; its id."""
        thread = self._thread(number, {"CodeReviewThreadType": kind, **properties}, {"1": by})
        host = {"id": guid("host"), "displayName": "Microsoft.VisualStudio.Services.TFS"}
        thread["comments"] = [
            {"id": 1, "author": host, "content": f"{by['displayName']} did it", "commentType": "system",
             "publishedDate": text(self.world.now)}
        ]  # fmt: skip
        return int(thread["id"])

    def draft(self, number: int, is_draft: bool = False, by: Person = ADA) -> None:
        """It becomes a draft, or leaves it."""
        self.pulls[number]["isDraft"] = is_draft
        properties = {"CodeReviewIsDraftNowSet": "1" if is_draft else "0", "CodeReviewIsDraftUpdatedByIdentity": "1"}
        self.note(number, "IsDraftUpdate", properties, by)

    def complete(self, number: int, by: Person = BOB, strategy: str = "squash") -> str:
        """It is merged; the commit on main."""
        sha = self.world.sha()
        self.pulls[number] |= {"lastMergeCommit": {"commitId": sha}, "completionOptions": {"mergeStrategy": strategy}}
        self._close(number, "completed", by)
        return sha

    def abandon(self, number: int, by: Person = ADA) -> None:
        """It is given up."""
        self._close(number, "abandoned", by)

    def reactivate(self, number: int, by: Person = ADA) -> None:
        """What was abandoned is open again."""
        del self.pulls[number]["closedDate"]
        self.pulls[number]["status"] = "active"
        self._status(number, "Active", by)

    def _close(self, number: int, status: str, by: Person) -> None:
        self.pulls[number] |= {"status": status, "closedDate": text(self.world.now), "closedBy": by}
        self._status(number, status.capitalize(), by)

    def _status(self, number: int, status: str, by: Person) -> None:
        properties = {"CodeReviewStatus": status, "CodeReviewStatusUpdatedByIdentity": "1"}
        self.note(number, "StatusUpdate", properties, by)

    def _thread(self, number: int, properties: Mapping[str, Any], people: Mapping[str, Person]) -> Row:
        thread: Row = {
            "id": self.world.number(), "publishedDate": text(self.world.now), "isDeleted": False, "comments": [],
            "lastUpdatedDate": text(self.world.now), "identities": dict(people) or None,
            "properties": {name: {"$type": "System.String", "$value": value} for name, value in properties.items()},
        }  # fmt: skip
        self.threads[number].append(thread)
        return thread
