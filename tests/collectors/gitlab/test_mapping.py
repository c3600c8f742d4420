"""From GitLab's payloads to records, a quirk each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from dxmetrics.records import Change, Job, PipelineRun

from .harness import gitlab

ADA = {"id": "gid://gitlab/User/7", "username": "ada", "name": "Ada", "bot": False}
GHOST = {"id": "gid://gitlab/User/1", "username": "ghost", "name": "Ghost User", "bot": False}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def request(**fields: Any) -> dict[str, Any]:
    return {
        "id": "gid://gitlab/MergeRequest/31", "iid": "4", "title": "Sell tea", "state": "opened", "draft": False,
        "createdAt": "2026-01-05T10:00:00Z", "updatedAt": "2026-01-06T10:00:00Z", "author": ADA,
        "webUrl": "https://gitlab.com/acme/shop/-/merge_requests/4", "sourceBranch": "tea", "targetBranch": "main",
        "diffHeadSha": "aaa", **fields,
    }  # fmt: skip


def change(payload: Mapping[str, Any] | None = None, **fields: Any) -> Change:
    found: Change = gitlab.change({"repository": "9", "request": request(**fields), **(payload or {})})
    return found


def test_a_merge_request_is_a_change() -> None:
    found = change(
        {"commits": [{"authoredDate": "2026-01-04T09:00:00+01:00"}, {"authoredDate": "2026-01-05T09:00:00Z"}]},
        labels={"nodes": [{"title": "bug"}]},
        diffStatsSummary={"additions": 12, "deletions": 3, "fileCount": 2},
        diffStats=[{"path": "a.py"}, {"path": "b.py"}],
    )
    assert found == Change(
        ext_id="31",
        url="https://gitlab.com/acme/shop/-/merge_requests/4",
        updated_at=at("2026-01-06T10:00:00"),
        repository="9",
        number=4,
        title="Sell tea",
        state="open",
        author="7",
        opened_at=at("2026-01-05T10:00:00"),
        first_commit_at=at("2026-01-04T08:00:00"),
        base_branch="main",
        head_branch="tea",
        head_sha="aaa",
        lines_added=12,
        lines_deleted=3,
        files_changed=2,
        commits_count=2,
        labels=("bug",),
        paths=("a.py", "b.py"),
    )


def test_what_an_old_version_does_not_tell_is_unknown() -> None:
    found = change()
    assert (found.lines_added, found.files_changed, found.paths, found.commits_count) == (None, None, None, None)
    assert (found.first_commit_at, found.closed_at, found.merged_by) == (None, None, None)


@pytest.mark.parametrize(
    ("told", "state"),
    [("opened", "open"), ("locked", "open"), ("merged", "merged"), ("closed", "closed"), ("?", "unknown")],
)
def test_a_state_is_of_the_fields_words(told: str, state: str) -> None:
    assert change(state=told).state == state


@pytest.mark.parametrize(
    ("fields", "sha", "method"),
    [
        ({"mergeCommitSha": "mmm"}, "mmm", "merge"),
        ({"mergeCommitSha": "mmm", "squash": True}, "mmm", "squash"),
        ({"squashCommitSha": "sss", "squash": True}, "sss", "squash"),
        ({}, "aaa", "fast_forward"),
        ({"diffHeadSha": None}, None, "unknown"),
    ],
)
def test_the_commit_on_the_base_branch_is_that_of_the_merge_else_of_the_squash_else_the_head(
    fields: dict[str, Any], sha: str | None, method: str
) -> None:
    commits = [{"authoredDate": "2026-01-05T09:00:00Z"}] * 2
    found = change({"commits": commits}, state="merged", mergedAt="2026-01-06T10:00:00Z", mergeUser=ADA, **fields)
    assert (found.merge_sha, found.merge_method, found.merged_by) == (sha, method, "7")
    assert found.closed_at == found.merged_at == at("2026-01-06T10:00:00")


def test_squash_is_not_told_of_a_single_commit() -> None:
    commits = [{"authoredDate": "2026-01-05T09:00:00Z"}]
    assert change({"commits": commits}, state="merged", mergeCommitSha="mmm", squash=True).merge_method == "merge"


def test_an_open_request_has_no_merge_commit_whatever_its_head_is() -> None:
    found = change(mergeUser=ADA)  # who set it to be merged later
    assert (found.merge_sha, found.merge_method, found.merged_by) == (None, "unknown", None)


def test_a_request_that_was_opened_again_is_not_closed() -> None:
    assert change(closedAt="2026-01-05T12:00:00Z").closed_at is None
    assert change(closedAt="2026-01-05T12:00:00Z", state="closed").closed_at == at("2026-01-05T12:00:00")


@pytest.mark.parametrize("ready", ["marked this merge request as **ready**", "unmarked as a **Work In Progress**"])
def test_it_is_ready_since_it_last_left_draft(ready: str) -> None:
    events = [{"createdAt": f"2026-01-0{day}T10:00:00Z", "body": ready} for day in (5, 6)]
    assert change({"events": events}).ready_at == at("2026-01-06T10:00:00")


@pytest.mark.parametrize(
    "entered", ["started a merge train", "added this merge request to the merge train at position 2"]
)
def test_it_is_queued_since_it_last_entered_a_merge_train(entered: str) -> None:
    found = change({"events": [{"createdAt": "2026-01-06T10:00:00Z", "body": entered}]})
    assert (found.queued_at, found.ready_at) == (at("2026-01-06T10:00:00"), None)


def test_a_first_commit_is_not_later_than_the_opening_and_may_be_long_before() -> None:
    late, early = [{"authoredDate": "2026-02-01T09:00:00Z"}], [{"authoredDate": "2025-01-01T09:00:00Z"}]
    assert change({"commits": late}).first_commit_at == at("2026-01-05T10:00:00")
    assert change({"commits": early}).first_commit_at == at("2025-01-01T09:00:00")


@pytest.mark.parametrize(
    ("title", "body", "found"),
    [
        ('Revert "Sell tea"', "This reverts merge request !3", (True, "#3")),
        ('Revert "Sell tea"', "This reverts merge request acme/shop!3", (True, "#3")),
        ('Revert "Sell tea"', "This reverts merge request shop!3", (True, "#3")),
        ('Revert "Sell tea"', "This reverts merge request acme/workshop!3", (True, None)),
        ('Revert "Sell tea"', f"This reverts commit {'c' * 40}", (True, "c" * 40)),
        ("Take it back", "This reverts merge request !3\r\n", (True, "#3")),
        ('Revert "Sell tea"', "", (True, None)),
        ('Revert "Revert "Sell tea""', "This reverts merge request !3", (True, None)),
        ("Sell coffee", "As in !3", (False, None)),
    ],
)
def test_a_revert_names_what_it_takes_back(title: str, body: str, found: tuple[bool, str | None]) -> None:
    told = change(title=title, description=body)
    assert (told.is_revert, told.reverts) == found


def note(body: str = "Nice", *, system: bool = False, **fields: Any) -> dict[str, Any]:
    return {
        "id": "gid://gitlab/DiffNote/88", "system": system, "body": body, "createdAt": "2026-01-05T11:00:00Z",
        "url": "https://gitlab.com/n", "author": ADA, **fields,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        ({"note": note()}, "commented"),
        ({"note": note("approved this merge request", system=True)}, "approved"),
        ({"note": note("approved this merge request", system=True), "is_withdrawn": True}, "dismissed"),
        ({"note": note("requested changes", system=True)}, "changes_requested"),
        ({"note": note("approved this merge request")}, "commented"),  # somebody wrote that
    ],
)
def test_a_note_is_a_review_with_a_verdict(given: Mapping[str, Any], verdict: str) -> None:
    found = gitlab.review({"change": "31", **given})
    assert (found.ext_id, found.change, found.reviewer, found.verdict) == ("88", "31", "7", verdict)
    assert found.submitted_at == at("2026-01-05T11:00:00")


def test_what_a_deleted_account_wrote_has_no_reviewer() -> None:
    assert gitlab.review({"change": "31", "note": note(author=GHOST)}).reviewer is None
    assert gitlab.review({"change": "31", "note": note(author=None)}).reviewer is None


def test_a_commit_is_of_its_account_else_of_its_address() -> None:
    commit = {"sha": "abc", "authoredDate": "2026-01-05T09:00:00Z", "authorEmail": "Ada@Example.org", "author": None}
    found = gitlab.change_commit({"change": "31", "commit": commit})
    assert (found.ext_id, found.author) == ("31/abc", "ada@example.org")
    assert gitlab.change_commit({"change": "31", "commit": {**commit, "author": ADA}}).author == "7"


# -- pipelines --------------------------------------------------------------------------------------------------------


def run(status: str = "SUCCESS", *, ref: str = "main", source: str = "push", **fields: Any) -> PipelineRun:
    node = {
        "id": "gid://gitlab/Ci::Pipeline/5", "status": status, "createdAt": "2026-01-05T10:00:00Z",
        "updatedAt": "2026-01-05T10:09:00Z", "startedAt": "2026-01-05T10:01:00Z",
        "finishedAt": "2026-01-08T10:00:00Z", **fields,
    }  # fmt: skip
    payload = {
        "repository": "9", "config": ".gitlab-ci.yml", "finished_at": "2026-01-05T10:09:00Z", "node": node,
        "run": {"id": 5, "ref": ref, "sha": "abc", "source": source, "web_url": "https://gitlab.com/p/5"},
    }  # fmt: skip
    found: PipelineRun = gitlab.pipeline_run(payload)
    return found


def test_a_pipeline_ends_with_its_last_job_that_no_person_started() -> None:
    assert run() == PipelineRun(
        ext_id="5",
        url="https://gitlab.com/p/5",
        updated_at=at("2026-01-05T10:09:00"),
        repository="9",
        name=".gitlab-ci.yml",
        trigger="push",
        branch="main",
        sha="abc",
        result="success",
        queued_at=at("2026-01-05T10:00:00"),
        started_at=at("2026-01-05T10:01:00"),
        finished_at=at("2026-01-05T10:09:00"),
    )


@pytest.mark.parametrize(
    ("status", "result"),
    [
        ("SUCCESS", "success"), ("FAILED", "failure"), ("CANCELED", "cancellation"), ("SKIPPED", "skip"),
        ("CREATED", None), ("WAITING_FOR_RESOURCE", None), ("PREPARING", None), ("WAITING_FOR_CALLBACK", None),
        ("PENDING", None), ("RUNNING", None), ("CANCELING", None), ("MANUAL", None), ("SCHEDULED", None),
        ("NEW_WORD", "unknown"),
    ],
)  # fmt: skip
def test_every_status_has_a_result_or_is_not_finished(status: str, result: str | None) -> None:
    found = run(status)
    assert found.result == result
    assert (found.finished_at is None) == (result is None)


@pytest.mark.parametrize(
    ("source", "trigger"),
    [
        ("push", "push"), ("merge_request_event", "change"), ("schedule", "schedule"), ("web", "manual"),
        ("trigger", "api"), ("pipeline", "api"), ("api", "api"), ("parent_pipeline", "unknown"), ("odd", "unknown"),
    ],
)  # fmt: skip
def test_a_source_is_a_trigger(source: str, trigger: str) -> None:
    assert run(source=source).trigger == trigger


def test_a_pipeline_of_a_merge_request_names_it_and_no_branch() -> None:
    found = run(ref="refs/merge-requests/4/train", mergeRequest={"id": "gid://gitlab/MergeRequest/31"})
    assert (found.change, found.branch) == ("31", None)


def test_a_pipeline_goes_by_its_name_else_by_the_job_that_started_it_else_by_its_file() -> None:
    assert run(name="Nightly", sourceJob={"name": "frontend"}).name == "Nightly"
    assert run(name=None, sourceJob={"name": "frontend"}).name == "frontend"


def test_a_job_is_queued_since_it_could_run() -> None:
    node = {
        "id": "gid://gitlab/Ci::Build/6", "name": "test", "status": "FAILED", "createdAt": "2026-01-05T10:00:00Z",
        "queuedAt": "2026-01-05T10:01:00Z", "startedAt": "2026-01-05T10:02:00Z", "finishedAt": "2026-01-05T10:03:00Z",
        "runner": {"description": "big"},
    }  # fmt: skip
    assert gitlab.job({"pipeline_run": "5", "attempt": 2, "url": None, "job": node}) == Job(
        ext_id="6",
        pipeline_run="5",
        name="test",
        runner="big",
        attempt=2,
        result="failure",
        queued_at=at("2026-01-05T10:01:00"),
        started_at=at("2026-01-05T10:02:00"),
        finished_at=at("2026-01-05T10:03:00"),
    )


# -- deployments, issues, people --------------------------------------------------------------------------------------


def deployed(status: str = "success", **fields: Any) -> Any:
    row = {
        "id": 41, "ref": "v1.2", "sha": "abc", "status": status, "created_at": "2026-01-05T10:00:00.222Z",
        "updated_at": "2026-01-05T12:00:00.414Z", "user": {"id": 7, "username": "ada"},
        "environment": {"id": 3, "name": "production"},
        "deployable": {
            "id": 6, "tag": True, "started_at": "2026-01-05T10:01:00Z", "finished_at": "2026-01-05T10:05:00Z",
        }, **fields,
    }  # fmt: skip
    web = "https://gitlab.com/acme/shop"
    return gitlab.deployment({"repository": "9", "web": web, "deployment": row, "changes": ["31", "32"]})


def test_a_deployment_ends_with_its_job() -> None:
    found = deployed()
    assert (found.ext_id, found.status, found.via, found.version) == ("41", "success", "pipeline", "v1.2")
    assert (found.started_at, found.finished_at) == (at("2026-01-05T10:01:00"), at("2026-01-05T10:05:00"))
    assert (found.actor, found.changes, found.environment) == ("7", ("31", "32"), "production")
    assert found.url == "https://gitlab.com/acme/shop/-/environments/3"


def test_a_deployment_that_was_reported_ends_with_its_last_change() -> None:
    found = deployed(deployable=None)
    assert (found.via, found.version) == ("api", None)
    assert found.finished_at == datetime(2026, 1, 5, 12, 0, 0, 414_000, UTC)


@pytest.mark.parametrize(
    ("told", "status", "has_ended"),
    [
        ("failed", "failure", True), ("canceled", "cancelled", True), ("running", "running", False),
        ("odd", "unknown", False),
    ],
)  # fmt: skip
def test_a_status_of_a_deployment(told: str, status: str, has_ended: bool) -> None:
    found = deployed(told)
    assert (found.status, found.finished_at is not None) == (status, has_ended)


def test_a_release_stands_for_a_deployment() -> None:
    node = {
        "tagName": "v1.2", "createdAt": "2026-01-05T10:00:00Z", "releasedAt": "2026-01-06T10:00:00Z", "author": ADA,
        "commit": {"sha": "abc"}, "links": {"selfUrl": "https://gitlab.com/r"},
    }  # fmt: skip
    found = gitlab.deployment({"repository": "9", "release": node})
    assert (found.ext_id, found.via, found.environment) == ("release:9/v1.2", "release", "production")
    assert found.version == "v1.2"
    assert (found.finished_at, found.sha, found.actor) == (at("2026-01-06T10:00:00"), "abc", "7")


def test_an_incident_is_an_issue_of_that_type() -> None:
    node = {
        "id": "gid://gitlab/Issue/12", "iid": "3", "title": "Down", "type": "INCIDENT", "state": "closed",
        "createdAt": "2026-01-05T10:00:00Z", "updatedAt": "2026-01-05T11:00:00Z", "closedAt": "2026-01-05T11:00:00Z",
        "author": ADA, "assignees": {"nodes": [GHOST, ADA]}, "labels": {"nodes": [{"title": "sev2"}]},
    }  # fmt: skip
    found = gitlab.issue({"repository": "9", "path": "acme/shop", "issue": node})
    assert (found.ext_id, found.key, found.type, found.status_category) == ("12", "acme/shop#3", "incident", "done")
    assert (found.done_at, found.assignee, found.labels) == (at("2026-01-05T11:00:00"), "7", ("sev2",))
    assert gitlab.issue({"repository": "9", "path": "p", "issue": {**node, "state": "opened"}}).done_at is None


@pytest.mark.parametrize(
    ("user", "kind"),
    [
        (ADA, "human"),
        ({**ADA, "bot": True}, "bot"),
        ({"id": 8, "username": "project_9_bot_1a2b", "name": "****"}, "bot"),
        ({"id": 8, "username": "kim", "name": "Kim"}, "unknown"),
        ({**ADA, "username": "GitLabDuo", "bot": True}, "agent"),
        ({**ADA, "username": "claude-code", "bot": False}, "agent"),
    ],
)
def test_the_kind_of_an_account(user: Mapping[str, Any], kind: str) -> None:
    assert gitlab.identity(user).kind == kind


def test_a_name_that_is_hidden_is_unknown() -> None:
    assert gitlab.identity({"id": 8, "username": "project_9_bot", "name": "****"}).name is None


@pytest.mark.parametrize(
    ("page", "name"),
    [
        ("https://gitlab.com/acme/shop", "gitlab.com/acme/shop"),
        ("https://git.acme.example:8443/tools/gitlab/acme/pay/core", "git.acme.example/tools/gitlab/acme/pay/core"),
    ],
)
def test_a_repository_is_named_by_host_and_path(page: str, name: str) -> None:
    project = {"id": 9, "web_url": page, "default_branch": "main", "archived": True, "forked_from_project": {"id": 1}}
    found = gitlab.repository({"project": project, "aliases": ["gitlab.com/acme/old"]})
    assert (found.ext_id, found.name, found.aliases) == ("9", name, ("gitlab.com/acme/old",))
    assert (found.is_archived, found.is_fork, found.default_branch) == (True, True, "main")
