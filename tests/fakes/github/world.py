"""The state behind the fake: plain dictionaries in the shape of GraphQL nodes, lists where the API has connections.

Mutations do what GitHub does: a review or a push moves a request's `updatedAt`, a finished check does not; a deployment
that is superseded becomes inactive; a re-run changes an old run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

Node = dict[str, Any]

START = datetime(2026, 6, 1, 9, tzinfo=UTC)


def stamp(at: datetime) -> str:
    """An instant as GitHub writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class World:
    """Everything there is, and the time. Ids are handed out in order and never again."""

    now: datetime = START
    owners: dict[str, Node] = field(default_factory=dict)
    repositories: dict[int, Node] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)
    users: dict[str, Node] = field(default_factory=dict)
    runs: dict[int, Node] = field(default_factory=dict)
    moved: dict[str, int] = field(default_factory=dict)  # former `owner/name` -> repository
    hooks: dict[str, list[Node]] = field(default_factory=dict)  # by `acme` or `acme/shop`
    _last_id: int = 1000

    # -- making -------------------------------------------------------------------------------------------------------

    def next_id(self) -> int:
        """An id that nothing has."""
        self._last_id += 1
        return self._last_id

    def wait(self, **duration: float) -> None:
        """Let time pass."""
        self.now += timedelta(**duration)

    def node(self, kind: str, prefix: str, **fields: Any) -> Node:
        """A new node with its ids, findable by `nodes(ids:)`."""
        number = self.next_id()
        made = {"__typename": kind, "id": f"{prefix}_{number}", "databaseId": number, **fields}
        self.nodes[made["id"]] = made
        return made

    def user(self, login: str, kind: str = "User") -> Node:
        """The account of a login, made when it is first asked for."""
        if login not in self.users:
            self.users[login] = self.node(
                kind, "U", login=login, name=login.title(), url=f"https://github.test/{login}", email=""
            )
        return self.users[login]

    def organisation(self, login: str) -> Node:
        """The organisation of a login."""
        if login not in self.owners:
            self.owners[login] = self.node("Organization", "O", login=login, name=login, repositories=[], teams=[])
        return self.owners[login]

    def repository(self, owner: str, name: str, **fields: Any) -> Node:
        """A new repository."""
        home = self.organisation(owner)
        made = self.node("Repository", "R", name=name, owner=home)
        created = fields.pop("created_at", self.now - timedelta(days=400))
        made |= {
            "nameWithOwner": f"{owner}/{name}", "url": f"https://github.test/{owner}/{name}", "isArchived": False,
            "isFork": False, "isDisabled": False, "isEmpty": False, "isLocked": False, "isPrivate": True,
            "createdAt": stamp(created), "updatedAt": stamp(created), "pushedAt": stamp(created),
            "defaultBranchRef": {"__typename": "Ref", "name": "main"}, "pullRequests": [], "issues": [],
            "deployments": [], "releases": [], "files": {}, "primaryLanguage": None, "hasIssuesEnabled": True, **fields,
        }  # fmt: skip
        home["repositories"].append(made)
        self.repositories[made["databaseId"]] = made
        return made

    def pull(self, repo: Node, author: str = "ada", **fields: Any) -> Node:
        """A new request with one commit."""
        number = len(repo["pullRequests"]) + len(repo["issues"]) + 1
        made = self.node("PullRequest", "PR", number=number)
        at = stamp(self.now)
        made |= {
            "fullDatabaseId": str(made["databaseId"]), "title": f"Change {number}", "body": "", "bodyText": "",
            "url": f"{repo['url']}/pull/{number}", "state": "OPEN", "isDraft": False, "isCrossRepository": False,
            "merged": False, "createdAt": at, "updatedAt": at, "closedAt": None, "mergedAt": None,
            "baseRefName": "main", "headRefName": f"branch-{number}", "headRefOid": None, "additions": 1,
            "deletions": 0, "changedFiles": 1, "author": self.user(author), "mergedBy": None, "mergeCommit": None,
            "labels": [], "closingIssuesReferences": [], "files": [], "commits": [], "reviews": [],
            "timelineItems": [], "repository": repo, **fields,
        }  # fmt: skip
        repo["pullRequests"].append(made)
        self.push(made)
        made["files"].append(self._file(f"src/file{number}.py"))
        return made

    # -- what happens to requests -------------------------------------------------------------------------------------

    def touch(self, node: Node) -> None:
        """Something of it changed."""
        node["updatedAt"] = stamp(self.now)

    def push(self, pull: Node, author: str | None = None, *, forces: bool = False) -> Node:
        """Another commit on its branch, or, by force, another one instead of all."""
        who = self.users[author] if author else pull["author"]
        oid = f"{self.next_id():040x}"
        at = stamp(self.now)
        commit = {
            "__typename": "Commit", "oid": oid, "authoredDate": at, "committedDate": at,
            "messageHeadline": f"Work on {pull['number']}", "message": f"Work on {pull['number']}",
            "author": {
                "__typename": "GitActor", "name": who and who["login"], "email": f"{who and who['login']}@example.org",
                "user": who if who and who["__typename"] == "User" else None,
            },
            "parents": [], "url": f"https://github.test/commit/{oid}",
        }  # fmt: skip
        if forces:
            before = pull["commits"][-1]["commit"] if pull["commits"] else None
            pull["commits"].clear()
            self.event(pull, "HeadRefForcePushedEvent", beforeCommit=before, afterCommit=commit)
        pull["commits"].append({"__typename": "PullRequestCommit", "id": f"PRC_{oid}", "commit": commit})
        pull["headRefOid"] = oid
        self.touch(pull)
        return commit

    def review(self, pull: Node, reviewer: str, state: str = "APPROVED", comments: int = 0) -> Node:
        """A submitted review."""
        made = self.node(
            "PullRequestReview", "PRR", state=state, submittedAt=stamp(self.now), author=self.user(reviewer),
            comments=[{"__typename": "PullRequestReviewComment"}] * comments, body="", url=pull["url"],
            commit=pull["commits"][-1]["commit"] if pull["commits"] else None, createdAt=stamp(self.now),
        )  # fmt: skip
        made["fullDatabaseId"] = str(made["databaseId"])
        pull["reviews"].append(made)
        self.touch(pull)
        return made

    def event(self, pull: Node, kind: str, **fields: Any) -> Node:
        """An item of its timeline."""
        made = self.node(kind, "EV", createdAt=stamp(self.now), actor=pull["author"], **fields)
        pull["timelineItems"].append(made)
        self.touch(pull)
        return made

    def label(self, node: Node, *names: str) -> None:
        """Set its labels."""
        node["labels"] = [{"__typename": "Label", "id": f"L_{name}", "name": name} for name in names]
        self.touch(node)

    def merge(self, pull: Node, by: str = "bob", method: str = "squash") -> str:
        """Merge it; the commit that carries it on the base branch."""
        oid = f"{self.next_id():040x}"
        base = {"__typename": "Commit", "oid": "f" * 40}
        parents = [base, pull["commits"][-1]["commit"]] if method == "merge" else [base]
        headline = pull["commits"][-1]["commit"]["messageHeadline"]
        pull["mergeCommit"] = {
            "__typename": "Commit", "oid": oid, "committedDate": stamp(self.now), "parents": parents,
            "messageHeadline": headline if method == "rebase" else f"{pull['title']} (#{pull['number']})",
        }  # fmt: skip
        pull |= {"state": "MERGED", "merged": True, "mergedBy": self.user(by)}
        pull["mergedAt"] = pull["closedAt"] = stamp(self.now)
        pull["repository"]["pushedAt"] = stamp(self.now)
        self.touch(pull)
        return oid

    def close(self, node: Node) -> None:
        """Close it without merging."""
        node |= {"state": "CLOSED", "closedAt": stamp(self.now)}
        self.touch(node)

    def delete(self, node: Node) -> None:
        """It is gone: from its repository, and from what ids find."""
        self.nodes.pop(node["id"], None)
        for repo in self.repositories.values():
            for name in ("pullRequests", "issues", "deployments", "releases"):
                repo[name] = [one for one in repo[name] if one is not node]

    def _file(self, path: str, additions: int = 1, deletions: int = 0) -> Node:
        return {
            "__typename": "PullRequestChangedFile", "path": path, "additions": additions, "deletions": deletions,
            "changeType": "MODIFIED",
        }  # fmt: skip

    # -- issues, deployments, releases, runs --------------------------------------------------------------------------

    def issue(self, repo: Node, author: str = "ada", labels: Sequence[str] = (), **fields: Any) -> Node:
        """A new issue."""
        number = len(repo["pullRequests"]) + len(repo["issues"]) + 1
        at = stamp(self.now)
        made = self.node(
            "Issue", "I", number=number, title=f"Issue {number}", url=f"{repo['url']}/issues/{number}", state="OPEN",
            stateReason=None, createdAt=at, updatedAt=at, closedAt=None, author=self.user(author), labels=[],
            assignees=[], timelineItems=[], issueType=None, repository=repo, comments=[], **fields,
        )  # fmt: skip
        made["fullDatabaseId"] = str(made["databaseId"])
        self.label(made, *labels)
        repo["issues"].append(made)
        return made

    def deploy(
        self, repo: Node, sha: str, environment: str = "production", states: Sequence[str] = ("IN_PROGRESS", "SUCCESS")
    ) -> Node:
        """A new deployment; the one before it in the same environment becomes inactive when this one succeeds."""
        at = stamp(self.now)
        made = self.node(
            "Deployment", "DE", createdAt=at, updatedAt=at, environment=environment, originalEnvironment=environment,
            latestEnvironment=environment, task="deploy", state="PENDING", commitOid=sha, description="", payload=None,
            ref={"__typename": "Ref", "name": "main"}, creator=self.user("ada"), statuses=[], repository=repo,
            commit={"__typename": "Commit", "oid": sha},
        )  # fmt: skip
        repo["deployments"].append(made)
        for state in states:
            self.status(made, state)
        return made

    def status(self, deployment: Node, state: str) -> None:
        """The next status of a deployment, a minute after the last event."""
        self.wait(minutes=1)
        made = self.node(
            "DeploymentStatus", "DS", state=state, createdAt=stamp(self.now), environment=deployment["environment"],
            logUrl=None, environmentUrl=None, updatedAt=stamp(self.now),
        )  # fmt: skip
        deployment["statuses"].insert(0, made)
        deployment["state"] = {"SUCCESS": "ACTIVE"}.get(state, state)
        self.touch(deployment)
        if state == "SUCCESS":
            for other in deployment["repository"]["deployments"]:
                if other is not deployment and other["state"] == "ACTIVE" and _same_place(other, deployment):
                    other["statuses"].insert(0, {**made, "state": "INACTIVE", "id": f"{made['id']}x"})
                    other["state"] = "INACTIVE"
                    self.touch(other)

    def release(
        self, repo: Node, tag: str, *, is_draft: bool = False, is_prerelease: bool = False, is_latest: bool = True
    ) -> Node:
        """A new release; one of an older line is not the latest."""
        at = stamp(self.now)
        made = self.node(
            "Release", "RE", tagName=tag, name=tag, isDraft=is_draft, isPrerelease=is_prerelease, isLatest=is_latest,
            createdAt=at, updatedAt=at, publishedAt=None if is_draft else at, author=self.user("ada"),
            url=f"{repo['url']}/releases/tag/{tag}",
            tagCommit={"__typename": "Commit", "oid": f"{self.next_id():040x}"},
        )  # fmt: skip
        repo["releases"].append(made)
        if is_latest and not (is_draft or is_prerelease):
            repo["latestRelease"] = made
        return made

    def run(
        self,
        repo: Node,
        name: str = "CI",
        jobs: Sequence[str] = ("build", "test"),
        *,
        conclusion: str | None = "success",
    ) -> Node:
        """A new workflow run with its check suite; it began a minute after it was queued. None: it still runs."""
        number = self.next_id()
        suite = self.node("CheckSuite", "CS", checkRuns=[], workflowRun=None)
        made: Node = {
            "id": number, "node_id": f"WFR_{number}", "name": name, "display_title": name, "run_number": number,
            "run_attempt": 1, "event": "push", "status": "queued", "conclusion": None, "workflow_id": 7,
            "head_branch": "main", "head_sha": f"{number:040x}", "path": ".github/workflows/ci.yml",
            "created_at": stamp(self.now), "run_started_at": stamp(self.now), "updated_at": stamp(self.now),
            "html_url": f"{repo['url']}/actions/runs/{number}", "check_suite_id": suite["databaseId"],
            "check_suite_node_id": suite["id"], "pull_requests": [], "actor": _actor(self.user("ada")),
            "triggering_actor": _actor(self.user("ada")), "repository": {"id": repo["databaseId"]},
        }  # fmt: skip
        made["#repository"], made["#jobs"], made["#attempts"] = repo["databaseId"], list(jobs), []
        self.runs[number] = made
        self.wait(minutes=1)
        self._start(made)
        if conclusion:
            self.finish(made, conclusion)
        return made

    def finish(self, run: Node, conclusion: str = "success") -> None:
        """Its jobs end five minutes later."""
        self.wait(minutes=5)
        for check in self._checks(run):
            check |= {"status": "COMPLETED", "conclusion": conclusion.upper(), "completedAt": stamp(self.now)}
        run |= {"status": "completed", "conclusion": conclusion, "updated_at": stamp(self.now)}

    def rerun(self, run: Node, conclusion: str | None = "success") -> None:
        """Run it again: the same run changes, its former attempt can be asked for by number."""
        past = {key: value for key, value in run.items() if not key.startswith("#")}
        run["#attempts"].append({**past, "#checks": list(self._checks(run))})
        run |= {"run_attempt": run["run_attempt"] + 1, "status": "queued", "conclusion": None}
        run["run_started_at"] = run["updated_at"] = stamp(self.now)
        self.wait(minutes=1)
        self._start(run)
        if conclusion:
            self.finish(run, conclusion)

    def _start(self, run: Node) -> None:
        run["status"] = "in_progress"
        checks = self.nodes[run["check_suite_node_id"]]["checkRuns"] = []
        for name in run["#jobs"]:
            made = self.node(
                "CheckRun", "CR", name=name, status="IN_PROGRESS", conclusion=None, startedAt=stamp(self.now),
                completedAt=None, detailsUrl=f"{run['html_url']}/job/{name}", url=f"{run['html_url']}/job/{name}",
            )  # fmt: skip
            checks.append(made)

    def _checks(self, run: Node) -> list[Node]:
        found: list[Node] = self.nodes[run["check_suite_node_id"]]["checkRuns"]
        return found

    # -- organisations ------------------------------------------------------------------------------------------------

    def team(self, owner: str, slug: str, members: Sequence[str], parent: Node | None = None) -> Node:
        """A new team."""
        made = self.node(
            "Team", "T", slug=slug, name=slug.title(), combinedSlug=f"{owner}/{slug}", parentTeam=parent,
            members=[self.user(login) for login in members], url=f"https://github.test/orgs/{owner}/teams/{slug}",
        )  # fmt: skip
        self.organisation(owner)["teams"].append(made)
        return made

    def hook(self, place: str, url: str, **fields: Any) -> Node:
        """A webhook of an organisation or repository, without deliveries; `#answer` is what its receiver answers."""
        made = {
            "id": self.next_id(), "type": "Organization", "name": "web", "active": True, "events": ["push"],
            "config": {"url": url, "content_type": "json", "insecure_ssl": "0", "secret": "********"}, "#answer": 202,
            "#deliveries": [], **fields,
        }  # fmt: skip
        self.hooks.setdefault(place, []).append(made)
        return made

    def deliver(self, hook: Node, guid: str, *, again: bool = False) -> Node:
        """Send an event to a webhook: the newest of its deliveries."""
        code = hook["#answer"]
        made = {
            "id": self.next_id(), "guid": guid, "delivered_at": stamp(self.now), "redelivery": again, "duration": 0.1,
            "status": "OK" if code == 202 else "Invalid HTTP Response", "status_code": code, "event": "push",
            "action": None, "installation_id": None, "repository_id": None,
        }  # fmt: skip
        hook["#deliveries"].insert(0, made)
        return made

    def rename(self, repo: Node, name: str) -> None:
        """Give a repository another name; the old one leads to it."""
        owner = repo["owner"]["login"]
        self.moved[repo["nameWithOwner"]] = repo["databaseId"]
        repo |= {"name": name, "nameWithOwner": f"{owner}/{name}", "url": f"https://github.test/{owner}/{name}"}
        self.touch(repo)

    def vanish(self, repo: Node) -> None:
        """Delete a repository."""
        repo["owner"]["repositories"].remove(repo)
        del self.repositories[repo["databaseId"]]
        del self.nodes[repo["id"]]

    def find(self, full_name: str) -> Node | None:
        """The repository of a present or former `owner/name`."""
        for repo in self.repositories.values():
            if repo["nameWithOwner"].lower() == full_name.lower():
                return repo
        return self.repositories.get(self.moved.get(full_name, -1))

    def runs_of(self, repo: Node) -> Iterator[Node]:
        """Its runs, newest first."""
        return (run for run in reversed(self.runs.values()) if run["#repository"] == repo["databaseId"])


def _same_place(one: Node, other: Node) -> bool:
    return bool(one["environment"] == other["environment"])


def _actor(user: Node) -> Node:
    kind = {"User": "User", "Bot": "Bot"}.get(user["__typename"], "User")
    return {"login": user["login"], "id": user["databaseId"], "node_id": user["id"], "type": kind}
