"""From GitHub's objects to records: pure functions of the payloads that the feeds keep."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from dxmetrics.records import (
    Change,
    ChangeCommit,
    Deployment,
    Identity,
    Issue,
    Job,
    Link,
    PipelineRun,
    Repository,
    Review,
    Team,
)

Payload = Mapping[str, Any]

KINDS = {
    "User": "human",
    "Mannequin": "human",
    "Bot": "bot",
    "EnterpriseUserAccount": "human",
    "Organization": "service",
}
VERDICTS = {
    "APPROVED": "approved", "CHANGES_REQUESTED": "changes_requested", "COMMENTED": "commented",
    "DISMISSED": "dismissed",
}  # fmt: skip
RESULTS = {
    "success": "success", "neutral": "success", "failure": "failure", "startup_failure": "error",
    "action_required": "failure", "timed_out": "timeout", "cancelled": "cancellation", "stale": "cancellation",
    "skipped": "skip",
}  # fmt: skip
TRIGGERS = {
    "push": "push", "pull_request": "change", "pull_request_target": "change", "merge_group": "change",
    "pull_request_review": "change", "schedule": "schedule", "workflow_dispatch": "manual",
    "repository_dispatch": "api", "workflow_call": "api", "deployment": "api", "dynamic": "api",
}  # fmt: skip
ENDED = {"SUCCESS": "success", "FAILURE": "failure", "ERROR": "failure"}
REVERTED_SHA = re.compile(r"\bThis reverts commit ([0-9a-f]{7,40})\b")
REVERTED_REQUEST = re.compile(r"\bReverts (?:[\w.-]+/[\w.-]+)?#(\d+)\b")


def repository(payload: Payload) -> Repository:
    """A repository, with the names it had."""
    node = payload["node"]
    return Repository(
        ext_id=str(node["databaseId"]),
        url=node.get("url"),
        name=full_name(node),
        aliases=tuple(payload.get("aliases") or ()),
        default_branch=(node.get("defaultBranchRef") or {}).get("name"),
        team=payload.get("team"),
        is_archived=bool(node.get("isArchived")),
        is_fork=bool(node.get("isFork")),
        created_at=node.get("createdAt"),
        pushed_at=node.get("pushedAt"),
    )


def full_name(node: Payload) -> str:
    """`github.com/acme/shop`: the host and the path of the repository's page."""
    return re.sub(r"^\w+://", "", node["url"]).rstrip("/")


def identity(actor: Payload) -> Identity:
    """An account; GraphQL leaves out the [bot] that REST and commits show."""
    kind = KINDS.get(actor.get("__typename", "User"), "unknown")
    login = actor["login"]
    if kind == "bot" and not login.endswith("[bot]"):
        login = f"{login}[bot]"
    return Identity(ext_id=account(actor) or login, login=login, name=actor.get("name") or None, kind=kind)


def account(actor: Payload | None) -> str | None:
    """The account's id; None for an account that was deleted."""
    if not actor:
        return None
    return str(actor.get("databaseId") or actor["login"])


def change(payload: Payload) -> Change:
    """A pull request. Its first commit counts from when it was written, as its list of commits says."""
    node = payload["pull"]
    title, body = node.get("title") or "", node.get("bodyText") or ""
    is_revert = title.startswith('Revert "')
    return Change(
        ext_id=node["fullDatabaseId"],
        url=node.get("url"),
        updated_at=node.get("updatedAt"),
        repository=payload["repository"],
        number=node.get("number"),
        title=title,
        state={"OPEN": "open", "MERGED": "merged", "CLOSED": "closed"}.get(node.get("state"), "unknown"),
        is_draft=bool(node.get("isDraft")),
        author=account(node.get("author")),
        merged_by=account(node.get("mergedBy")),
        opened_at=node["createdAt"],
        ready_at=last_event(node, "ReadyForReviewEvent"),
        queued_at=last_event(node, "AddedToMergeQueueEvent"),
        merged_at=node.get("mergedAt"),
        closed_at=node.get("closedAt"),
        first_commit_at=first_commit(node),
        base_branch=node.get("baseRefName"),
        head_branch=node.get("headRefName"),
        head_sha=node.get("headRefOid"),
        merge_sha=(node.get("mergeCommit") or {}).get("oid"),
        merge_method=merge_method(node),
        is_revert=is_revert,
        reverts=reverted(body) if is_revert else None,
        lines_added=node.get("additions"),
        lines_deleted=node.get("deletions"),
        files_changed=node.get("changedFiles"),
        commits_count=(node.get("commits") or {}).get("totalCount"),
        labels=tuple(one["name"] for one in nodes(node, "labels")),
        paths=paths(node),
    )


def nodes(node: Payload, connection: str) -> list[Any]:
    """The rows of a connection; those that could not be read are left out."""
    return [one for one in (node.get(connection) or {}).get("nodes") or () if one]


def paths(node: Payload) -> tuple[str, ...] | None:
    """The files touched; None where they are not all known (GitHub lists 3,000 at most)."""
    files = node.get("files") or {}
    listed = tuple(one["path"] for one in nodes(node, "files"))
    return listed if files and len(listed) == files.get("totalCount") else None


def last_event(node: Payload, kind: str) -> str | None:
    """When something last happened to a request; None: never."""
    times = [one["createdAt"] for one in nodes(node, "timelineItems") if one.get("__typename") == kind]
    return max(times, default=None)


def first_commit(node: Payload) -> str | None:
    """The earliest author date of its commits, which a rebase keeps; none that is later than its opening."""
    times = [one["commit"]["authoredDate"] for one in nodes(node, "commits") if one["commit"].get("authoredDate")]
    return min([*times, node["createdAt"]], key=datetime.fromisoformat) if times else None


def merge_method(node: Payload) -> str:
    """How it was merged, from its merge commit; `unknown` where a squash and a rebase look alike."""
    merged = node.get("mergeCommit")
    if not merged:
        return "unknown"
    if ((merged.get("parents") or {}).get("totalCount") or 0) > 1:
        return "merge"
    headline = merged.get("messageHeadline") or ""
    if headline.endswith(f"(#{node.get('number')})"):
        return "squash"
    written = nodes(node, "commits")
    if written and headline == written[-1]["commit"].get("messageHeadline"):
        return "rebase" if len(written) > 1 else "unknown"
    return "squash" if len(written) > 1 else "unknown"


def reverted(body: str) -> str | None:
    """The commit, or `#number` of the request, that a revert names."""
    if found := REVERTED_SHA.search(body):
        return found[1]
    found = REVERTED_REQUEST.search(body)
    return f"#{found[1]}" if found else None


def change_commit(payload: Payload) -> ChangeCommit:
    """A commit of a request, as listed now."""
    commit = payload["commit"]
    author = commit.get("author") or {}
    return ChangeCommit(
        ext_id=f"{payload['change']}/{commit['oid']}",
        change=payload["change"],
        sha=commit["oid"],
        authored_at=commit.get("authoredDate"),
        committed_at=commit.get("committedDate"),
        author=account(author.get("user")) or author.get("email") or author.get("name"),
    )


def review(payload: Payload) -> Review:
    """A submitted review."""
    node = payload["review"]
    return Review(
        ext_id=node["fullDatabaseId"],
        url=node.get("url"),
        change=payload["change"],
        reviewer=account(node.get("author")),
        verdict=VERDICTS.get(node.get("state"), "unknown"),
        submitted_at=node["submittedAt"],
        comments=(node.get("comments") or {}).get("totalCount"),
    )


def link(payload: Payload) -> Link:
    """The issue a request closes."""
    return Link(
        ext_id=f"{payload['change']} closes {payload['issue']}",
        from_kind="change",
        from_id=payload["change"],
        relation="closes",
        to_kind="issue",
        to_id=payload["issue"],
        evidence="closing reference",
    )


def deployment(payload: Payload) -> Deployment:
    """A deployment by its first outcome: one that was replaced later keeps the success it had; or a release."""
    if "release" in payload:
        return released(payload)
    node = payload["deployment"]
    statuses = sorted(nodes(node, "statuses"), key=lambda one: one["createdAt"])
    ends = [one for one in statuses if one.get("state") in ENDED]
    success = next((one for one in ends if one["state"] == "SUCCESS"), None)
    end = success or (ends[-1] if ends else None)
    is_replaced = any(one.get("state") == "INACTIVE" for one in statuses) or node.get("state") == "INACTIVE"
    status = ENDED[end["state"]] if end else "superseded" if is_replaced else "running"
    began = next((one["createdAt"] for one in statuses if one.get("state") == "IN_PROGRESS"), None)
    return Deployment(
        ext_id=str(node["databaseId"]),
        url=next((one["logUrl"] for one in reversed(statuses) if one.get("logUrl")), payload.get("page")),
        repository=payload["repository"],
        environment=node.get("originalEnvironment") or node.get("environment") or "unknown",
        status=status,
        sha=node.get("commitOid"),
        created_at=node["createdAt"],
        started_at=began,
        finished_at=end["createdAt"] if end else None,
        actor=account(node.get("creator")),
        via="api",
    )


def released(payload: Payload) -> Deployment:
    """A release, as far as it stands for a deployment."""
    node = payload["release"]
    return Deployment(
        ext_id=f"release:{node['databaseId']}",
        url=node.get("url"),
        repository=payload["repository"],
        environment="production",
        status="success",
        sha=(node.get("tagCommit") or {}).get("oid"),
        version=node["tagName"],
        created_at=node.get("createdAt"),
        finished_at=node["publishedAt"],
        actor=account(node.get("author")),
        via="release",
    )


def result(status: str | None, conclusion: str | None) -> str | None:
    """OpenTelemetry's word for a conclusion; None while it is not finished."""
    if (status or "").lower() != "completed":
        return None
    return RESULTS.get((conclusion or "").lower(), "unknown")


def run_id(run: Payload) -> str:
    """The id of one attempt."""
    return f"{run['id']}/{run.get('run_attempt') or 1}"


def pipeline_run(payload: Payload) -> PipelineRun:
    """One attempt of a workflow run; it was queued when it, or its re-run, was asked for."""
    run = payload["run"]
    ended = result(run.get("status"), run.get("conclusion"))
    return PipelineRun(
        ext_id=run_id(run),
        url=run.get("html_url"),
        updated_at=run.get("updated_at"),
        repository=payload["repository"],
        name=run.get("name") or run.get("path") or str(run.get("workflow_id")),
        trigger=TRIGGERS.get(run.get("event"), "unknown"),
        branch=run.get("head_branch"),
        sha=run.get("head_sha"),
        attempt=run.get("run_attempt") or 1,
        result=ended,
        queued_at=run.get("run_started_at") or run.get("created_at"),
        started_at=payload.get("started_at"),
        finished_at=run.get("updated_at") if ended else None,
    )


def job(payload: Payload) -> Job:
    """A job of the newest attempt of a run."""
    check = payload["check"]
    return Job(
        ext_id=str(check["databaseId"]),
        url=check.get("url"),
        pipeline_run=payload["run"],
        name=check["name"],
        attempt=int(payload["run"].rpartition("/")[2]),
        result=result(check.get("status"), check.get("conclusion")),
        started_at=check.get("startedAt"),
        finished_at=check.get("completedAt"),
    )


def issue(payload: Payload) -> Issue:
    """An issue; closed is done, whatever the reason."""
    node = payload["issue"]
    assignees = nodes(node, "assignees")
    return Issue(
        ext_id=node["fullDatabaseId"],
        url=node.get("url"),
        updated_at=node.get("updatedAt"),
        key=f"#{node['number']}",
        repository=payload["repository"],
        title=node.get("title") or "",
        status=(node.get("state") or "").lower(),
        status_category={"OPEN": "todo", "CLOSED": "done"}.get(node.get("state"), "unknown"),
        author=account(node.get("author")),
        assignee=account(assignees[0]) if assignees else None,
        created_at=node["createdAt"],
        done_at=node.get("closedAt"),
        labels=tuple(one["name"] for one in nodes(node, "labels")),
    )


def team(node: Payload) -> Team:
    """A team; its id has the organisation in it, as CODEOWNERS names it."""
    return Team(
        ext_id=node["combinedSlug"],
        url=node.get("url"),
        name=node["name"],
        parent=(node.get("parentTeam") or {}).get("combinedSlug"),
    )


def owner_of_everything(codeowners: str | None) -> str | None:
    """The team that a CODEOWNERS file gives everything to, by its last rule for all files; None: none, or no team."""
    found = None
    for line in (codeowners or "").splitlines():
        words = line.partition("#")[0].split()
        if words and words[0] in {"*", "/**", "**", "/", "/*"}:
            teams = [word[1:] for word in words[1:] if word.startswith("@") and "/" in word]
            found = teams[0] if teams else None
    return found
