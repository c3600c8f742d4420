"""Mapping: what each payload of Azure DevOps means, quirk by quirk. The names in it are invented."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from .harness import azure

SHOP, API = "p-shop", "r-api"
ADA = {"id": "U-ADA", "displayName": "Ada L", "uniqueName": "ada@example.org", "descriptor": "aad.x"}
BOB = {"id": "u-bob", "displayName": "Bob", "uniqueName": "bob@example.org"}


def at(hour: int, minute: int = 0, day: int = 5) -> datetime:
    return datetime(2026, 1, day, hour, minute, tzinfo=UTC)


def noted(kind: str, when: str, **properties: Any) -> Mapping[str, Any]:
    stated = {"CodeReviewThreadType": kind, **properties}
    return {
        "id": 9, "publishedDate": when, "identities": {"1": BOB}, "comments": [{"author": ADA}],
        "properties": {name: {"$type": "System.String", "$value": value} for name, value in stated.items()},
    }  # fmt: skip


def pull(events: tuple[Any, ...] = (), commits: list[str] | None = None, **about: Any) -> Mapping[str, Any]:
    row = {
        "pullRequestId": 7, "status": "active", "title": "Add a basket", "description": "", "isDraft": False,
        "createdBy": ADA, "creationDate": "2026-01-05T09:00:00.1234567Z", "sourceRefName": "refs/heads/basket",
        "targetRefName": "refs/heads/main", "lastMergeSourceCommit": {"commitId": "a" * 40},
        "lastMergeCommit": {"commitId": "b" * 40}, "completionOptions": None, **about,
    }  # fmt: skip
    return {"repository": API, "web": "https://dev.azure.com/p/7", "pull_request": row, "events": list(events),
            "commits": commits}  # fmt: skip


def merged(**about: Any) -> Mapping[str, Any]:
    return pull(**{"status": "completed", "closedDate": "2026-01-05T10:30:00.5Z", **about})


# -- changes ----------------------------------------------------------------------------------------------------------


def test_an_open_request_is_a_change_and_the_merge_that_was_tried_is_none() -> None:
    change = azure.change(pull())
    assert (change.ext_id, change.number, change.repository, change.state) == ("r-api/7", 7, API, "open")
    assert (change.author, change.title, change.url) == ("u-ada", "Add a basket", "https://dev.azure.com/p/7")
    assert (change.base_branch, change.head_branch, change.head_sha) == ("main", "basket", "a" * 40)
    assert change.opened_at == at(9).replace(microsecond=123456)
    assert (change.merge_sha, change.merged_at, change.closed_at, change.merge_method) == (None, None, None, "unknown")
    assert (change.lines_added, change.first_commit_at, change.commits_count, change.ready_at) == (None,) * 4


def test_a_completed_request_is_merged_by_whom_its_thread_names() -> None:
    event = noted("StatusUpdate", "2026-01-05T10:30:00Z", CodeReviewStatus="Completed",
                  CodeReviewStatusUpdatedByIdentity="1")  # fmt: skip
    change = azure.change(merged(events=(event,)))
    assert (change.state, change.merged_by, change.merge_sha) == ("merged", "u-bob", "b" * 40)
    assert change.merged_at == change.closed_at == at(10, 30).replace(microsecond=500000)


def test_who_completed_it_is_taken_from_the_request_where_no_thread_tells() -> None:
    assert azure.change(merged(closedBy=ADA)).merged_by == "u-ada"
    assert azure.change(merged()).merged_by is None


def test_an_abandoned_request_is_closed_and_not_merged() -> None:
    change = azure.change(pull(status="abandoned", closedDate="2026-01-05T10:00:00Z"))
    assert (change.state, change.closed_at, change.merged_at, change.merge_sha) == ("closed", at(10), None, None)


def test_an_unknown_state_is_no_crash() -> None:
    assert azure.change(pull(status="queued")).state == "unknown"


@pytest.mark.parametrize(
    ("options", "method"),
    [
        (None, "unknown"),
        ({}, "merge"),
        ({"squashMerge": True}, "squash"),
        ({"squashMerge": True, "mergeStrategy": "noFastForward"}, "merge"),
        ({"mergeStrategy": "squash"}, "squash"),
        ({"mergeStrategy": "rebase"}, "rebase"),
        ({"mergeStrategy": "rebaseMerge"}, "merge"),
        ({"mergeStrategy": "octopus"}, "unknown"),
    ],
)
def test_the_method_is_the_strategy_it_was_completed_with(options: Any, method: str) -> None:
    assert azure.change(merged(completionOptions=options)).merge_method == method


def test_it_was_ready_when_it_left_draft_last() -> None:
    events = (
        noted("IsDraftUpdate", "2026-01-05T09:10:00Z", CodeReviewIsDraftNowSet="0"),
        noted("IsDraftUpdate", "2026-01-05T09:20:00Z", CodeReviewIsDraftNowSet="1"),
        noted("IsDraftUpdate", "2026-01-05T09:30:00Z", CodeReviewIsDraftNowSet="False"),
        noted("IsDraftUpdate", "2026-01-05T09:40:00Z", CodeReviewIsDraftNowSet="True"),
    )
    assert azure.change(pull(events=events, isDraft=True)).ready_at == at(9, 30)


def test_coding_began_with_the_earliest_commit_and_not_after_the_request() -> None:
    assert azure.change(pull(commits=["2026-01-04T10:00:00Z", "2026-01-03T08:00:00Z"])).first_commit_at == at(8, day=3)
    assert azure.change(pull(commits=["2026-01-06T10:00:00Z"])).first_commit_at == azure.change(pull()).opened_at
    assert azure.change(pull(commits=[])).first_commit_at is None


@pytest.mark.parametrize(
    ("title", "description", "reverts"),
    [
        ('Revert "Add a basket"', "Reverts !12", "r-api/12"),
        ("Revert 'Add a basket'", "", None),
        ("Undo", "This reverts commit 0123ABCDEF.", "0123abcdef"),
    ],
)
def test_a_revert_says_what_it_takes_back(title: str, description: str, reverts: str | None) -> None:
    change = azure.change(pull(title=title, description=description))
    assert (change.is_revert, change.reverts) == (True, reverts)
    assert not azure.change(pull(title="Reverting rows", description="reverts to the old look")).is_revert


def test_labels_are_those_in_use() -> None:
    labels = [{"name": "shop", "active": True}, {"name": "old", "active": False}, {"name": "web"}]
    assert azure.change(pull(labels=labels)).labels == ("shop", "web")


def test_an_account_that_is_gone_is_none() -> None:
    assert azure.change(pull(createdBy=None)).author is None


def test_a_change_of_the_mirror_passes_as_it_is() -> None:
    row = {"ext_id": "r-api@abc", "repository": API, "kind": "direct_push"}
    assert azure.change(row).kind == "direct_push"
    assert azure.change_commit({"ext_id": "r-api@abc/abc", "change": "r-api@abc", "sha": "abc"}).sha == "abc"


def test_a_commit_is_of_its_authors_address() -> None:
    signed = {"name": "Ada", "email": "Ada@Example.org ", "date": "2026-01-04T10:00:00Z"}
    commit = azure.change_commit({"change": "r-api/7", "commit": {"commitId": "c" * 40, "author": signed}})
    assert (commit.ext_id, commit.author, commit.authored_at) == (
        f"r-api/7/{'c' * 40}",
        "ada@example.org",
        at(10, day=4),
    )
    assert commit.committed_at is None


# -- reviews ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("vote", "verdict"),
    [("10", "approved"), ("5", "approved"), ("-5", "changes_requested"), ("-10", "changes_requested")],
)
def test_a_vote_is_of_whom_the_thread_names_and_at_its_time(vote: str, verdict: str) -> None:
    thread = noted("VoteUpdate", "2026-01-05T09:20:00Z", CodeReviewVoteResult=vote, CodeReviewVotedByIdentity="1")
    review = azure.review({"change": "r-api/7", "web": "https://dev.azure.com/p/7", "thread": thread})
    assert (review.ext_id, review.reviewer, review.verdict) == ("r-api/7/9", "u-bob", verdict)
    assert (review.submitted_at, review.url) == (at(9, 20), "https://dev.azure.com/p/7?discussionId=9")


def test_an_older_server_names_the_voter_by_id() -> None:
    thread = {**noted("VoteUpdate", "2026-01-05T09:20:00Z", CodeReviewVoteResult="10", CodeReviewVotedByTfId="U-CLEO"),
              "identities": None}  # fmt: skip
    assert azure.review({"change": "r-api/7", "web": "w", "thread": thread}).reviewer == "u-cleo"


def test_a_comment_is_a_review_of_its_own() -> None:
    comment = {"id": 2, "author": BOB, "publishedDate": "2026-01-05T09:25:00Z", "commentType": "text"}
    review = azure.review({"change": "r-api/7", "web": "w", "thread": {"id": 9}, "comment": comment})
    assert (review.ext_id, review.reviewer, review.verdict) == ("r-api/7/9/2", "u-bob", "commented")


def test_a_review_without_a_time_is_refused() -> None:
    comment = {"id": 2, "author": BOB, "commentType": "text"}
    with pytest.raises(KeyError):
        azure.review({"change": "r-api/7", "web": "w", "thread": {"id": 9}, "comment": comment})


# -- pipelines --------------------------------------------------------------------------------------------------------


def run(records: tuple[Any, ...] = (), attempt: int = 1, *, is_newest: bool = True, **about: Any) -> Mapping[str, Any]:
    build = {
        "id": 12, "status": "completed", "result": "succeeded", "reason": "individualCI",
        "queueTime": "2026-01-05T09:00:00Z", "startTime": "2026-01-05T09:01:00Z", "finishTime": "2026-01-05T09:10:00Z",
        "definition": {"id": 4, "name": "CI"}, "repository": {"type": "TfsGit", "id": "R-API"},
        "sourceBranch": "refs/heads/release/1.2", "sourceVersion": "c" * 40, "triggerInfo": {}, **about,
    }  # fmt: skip
    return {"project": SHOP, "web": "https://dev.azure.com/b/12", "build": build, "attempt": attempt,
            "is_newest": is_newest, "records": list(records)}  # fmt: skip


def record(result: str, start: str, finish: str | None) -> Mapping[str, Any]:
    state = "completed" if finish else "inProgress"
    return {"state": state, "result": result, "startTime": start, "finishTime": finish}


def test_a_run_has_its_times_name_and_commit() -> None:
    made = azure.pipeline_run(run())
    assert (made.ext_id, made.name, made.repository, made.url) == (
        "p-shop/12/1",
        "CI",
        API,
        "https://dev.azure.com/b/12",
    )
    assert (made.queued_at, made.started_at, made.finished_at) == (at(9), at(9, 1), at(9, 10))
    assert (made.result, made.trigger, made.branch, made.sha) == ("success", "push", "release/1.2", "c" * 40)
    assert made.change is None


@pytest.mark.parametrize(
    ("status", "result", "word"),
    [
        ("completed", "partiallySucceeded", "success"),
        ("completed", "failed", "failure"),
        ("completed", "canceled", "cancellation"),
        ("completed", "none", "unknown"),
        ("inProgress", None, None),
        ("cancelling", None, None),
    ],
)
def test_how_a_run_ended(status: str, result: str | None, word: str | None) -> None:
    assert azure.pipeline_run(run(status=status, result=result)).result == word


@pytest.mark.parametrize(
    ("reason", "trigger"),
    [
        ("batchedCI", "push"), ("pullRequest", "change"), ("schedule", "schedule"), ("manual", "manual"),
        ("resourceTrigger", "unknown"), ("somethingNew", "unknown"),
    ],
)  # fmt: skip
def test_what_triggered_a_run(reason: str, trigger: str) -> None:
    assert azure.pipeline_run(run(reason=reason)).trigger == trigger


def test_a_run_of_a_request_is_of_its_head_and_not_of_the_merge_that_was_tried() -> None:
    info = {"pr.number": "7", "pr.sourceSha": "d" * 40, "pr.sourceBranch": "refs/heads/basket"}
    made = azure.pipeline_run(run(reason="pullRequest", sourceBranch="refs/pull/7/merge", triggerInfo=info))
    assert (made.change, made.sha, made.branch) == ("r-api/7", "d" * 40, "basket")
    bare = azure.pipeline_run(run(reason="pullRequest", sourceBranch="refs/pull/7/merge"))
    assert (bare.change, bare.sha, bare.branch) == ("r-api/7", "c" * 40, "pull/7/merge")


@pytest.mark.parametrize(
    ("stated", "name"),
    [
        ({"type": "GitHub", "id": "acme/site", "url": "https://github.com/acme/site.git"}, "github.com/acme/site"),
        ({"type": "GitHub", "id": "acme/site"}, "github.com/acme/site"),
        ({"type": "GitHubEnterprise", "id": "a", "url": "https://git.acme.org/acme/a"}, "git.acme.org/acme/a"),
        ({"type": "Bitbucket", "id": "acme/b", "url": "https://bitbucket.org/acme/b.git"}, "bitbucket.org/acme/b"),
        ({"type": "TfsVersionControl", "id": "$/"}, None),
        (None, None),
    ],
)
def test_a_run_of_a_repository_elsewhere_names_it_as_its_host_does(stated: Any, name: str | None) -> None:
    info = {"pr.number": "7"}
    made = azure.pipeline_run(run(repository=stated, triggerInfo=info))
    assert (made.repository, made.change) == (name, None)


def test_an_earlier_attempt_ended_as_the_worst_of_what_was_run_again() -> None:
    records = (
        record("succeeded", "2026-01-05T09:01:00Z", "2026-01-05T09:04:00Z"),
        record("failed", "2026-01-05T09:02:00Z", "2026-01-05T09:06:00Z"),
    )
    first = azure.pipeline_run(run(records, is_newest=False, status="inProgress", result=None))
    assert (first.ext_id, first.result, first.finished_at) == ("p-shop/12/1", "failure", at(9, 6))
    assert (first.queued_at, first.started_at) == (at(9), at(9, 1))


def test_a_later_attempt_began_with_its_own_records() -> None:
    again = azure.pipeline_run(run((record("succeeded", "2026-01-05T09:08:00Z", "2026-01-05T09:10:00Z"),), attempt=2))
    assert (again.ext_id, again.queued_at, again.started_at, again.finished_at) == (
        "p-shop/12/2", None, at(9, 8), at(9, 10),
    )  # fmt: skip


def test_a_job_is_named_with_its_stage_and_its_id_is_of_its_run() -> None:
    row = {"id": "j-1", "name": "Deploy", "state": "completed", "result": "succeededWithIssues", "attempt": 2,
           "startTime": "2026-01-05T09:02:00Z", "finishTime": "2026-01-05T09:03:00Z",
           "workerName": "Agent 3"}  # fmt: skip
    about = {"project": SHOP, "web": "w", "build": 12, "attempt": 2}
    job = azure.job({**about, "stage": "Production", "record": row})
    assert (job.ext_id, job.pipeline_run, job.name) == ("p-shop/12/j-1/2", "p-shop/12/2", "Production / Deploy")
    assert (job.result, job.runner, job.queued_at, job.started_at) == ("success", "Agent 3", None, at(9, 2))
    assert azure.job({**about, "stage": None, "record": row}).name == "Deploy"
    assert azure.job({**about, "stage": None, "record": {**row, "state": "inProgress", "result": None}}).result is None
    assert azure.job({**about, "stage": None, "record": {**row, "result": "abandoned"}}).result == "error"


# -- deployments ------------------------------------------------------------------------------------------------------


def recorded(build: Mapping[str, Any] | None = None, **about: Any) -> Mapping[str, Any]:
    row = {
        "id": 31, "stageName": "Production", "jobName": "Deploy", "result": "succeeded",
        "queueTime": "2026-01-05T09:00:00Z", "startTime": "2026-01-05T09:01:00Z", "finishTime": "2026-01-05T09:05:00Z",
        "owner": {"id": 12, "name": "2026.12", "_links": {"web": {"href": "https://dev.azure.com/b/12"}}}, **about,
    }  # fmt: skip
    of_build = {"id": 12, "sourceVersion": "c" * 40, "repository": {"type": "TfsGit", "id": API}, "requestedFor": BOB}
    return {"project": SHOP, "environment": {"id": 3, "name": "prod-eu"}, "record": row,
            "build": of_build if build is None else build}  # fmt: skip


def test_an_environments_record_is_a_deployment_of_its_runs_commit() -> None:
    made = azure.deployment(recorded())
    assert (made.ext_id, made.environment, made.status, made.via) == (
        "p-shop/environment/3/31", "prod-eu", "success", "pipeline",
    )  # fmt: skip
    assert (made.repository, made.sha, made.version, made.actor) == (API, "c" * 40, "2026.12", "u-bob")
    assert (made.created_at, made.started_at, made.finished_at) == (at(9), at(9, 1), at(9, 5))
    assert (made.rollout, made.url, made.service) == ("p-shop/12/3", "https://dev.azure.com/b/12", None)


@pytest.mark.parametrize(
    ("result", "finish", "status"),
    [
        ("failed", "2026-01-05T09:05:00Z", "failure"),
        ("canceled", "2026-01-05T09:05:00Z", "cancelled"),
        ("abandoned", "2026-01-05T09:05:00Z", "failure"),
        ("somethingNew", "2026-01-05T09:05:00Z", "unknown"),
        (None, None, "running"),
    ],
)
def test_what_became_of_an_environments_record(result: str | None, finish: str | None, status: str) -> None:
    assert azure.deployment(recorded(result=result, finishTime=finish)).status == status


def test_a_record_whose_run_is_gone_knows_no_commit() -> None:
    made = azure.deployment(recorded(build={}))
    assert (made.repository, made.sha, made.actor) == (None, None, None)


def released(reference: Mapping[str, str] | None = None, kind: str = "Build", **about: Any) -> Mapping[str, Any]:
    told = {"repository": API, "repository.provider": "TfsGit", "sourceVersion": "e" * 40, "version": "12"}
    references = {name: {"id": value} for name, value in (reference or told).items()}
    artifact = {"type": kind, "isPrimary": True, "definitionReference": references}
    row = {
        "id": 41, "deploymentStatus": "succeeded", "operationStatus": "approved", "queuedOn": "2026-01-05T09:00:00Z",
        "startedOn": "2026-01-05T09:01:00Z", "completedOn": "2026-01-05T09:05:00Z",
        "lastModifiedOn": "2026-01-05T09:06:00Z", "requestedFor": BOB,
        "release": {"id": 5, "name": "Release-5", "artifacts": [{"type": "Nuget", "isPrimary": False}, artifact],
                    "_links": {"web": {"href": "https://dev.azure.com/r/5"}}},
        "releaseEnvironment": {"id": 7, "name": "Production"}, **about,
    }  # fmt: skip
    return {"project": SHOP, "deployment": row}


def test_a_classic_release_is_a_deployment_of_its_primary_artifact() -> None:
    made = azure.deployment(released())
    assert (made.ext_id, made.environment, made.status, made.via) == (
        "p-shop/release/41", "Production", "success", "pipeline",
    )  # fmt: skip
    assert (made.repository, made.sha, made.version, made.actor) == (API, "e" * 40, "Release-5", "u-bob")
    assert (made.created_at, made.started_at, made.finished_at) == (at(9), at(9, 1), at(9, 5))
    assert (made.updated_at, made.url) == (at(9, 6), "https://dev.azure.com/r/5")


@pytest.mark.parametrize(
    ("kind", "reference", "source"),
    [
        ("Git", {"definition": "R-API", "version": "f" * 40}, (API, "f" * 40)),
        ("GitHub", {"definition": "acme/site", "version": "f" * 40}, ("github.com/acme/site", "f" * 40)),
        ("Build", {"repository": "acme/site", "repository.provider": "GitHub"}, ("github.com/acme/site", None)),
        ("Jenkins", {"definition": "job"}, (None, None)),
    ],
)
def test_where_a_release_comes_from(kind: str, reference: Mapping[str, str], source: Any) -> None:
    made = azure.deployment(released(reference, kind))
    assert (made.repository, made.sha) == source


@pytest.mark.parametrize(
    ("deployment", "operation", "status"),
    [
        ("partiallySucceeded", "phasePartiallySucceeded", "success"),
        ("failed", "phaseFailed", "failure"),
        ("failed", "gateFailed", "failure"),
        ("failed", "canceled", "cancelled"),
        ("notDeployed", "pending", "running"),
        ("notDeployed", "rejected", "cancelled"),
        ("notDeployed", "gateFailed", "cancelled"),
        ("inProgress", "phaseInProgress", "running"),
        ("undefined", "undefined", "unknown"),
    ],
)
def test_what_became_of_a_release(deployment: str, operation: str, status: str) -> None:
    made = azure.deployment(released(deploymentStatus=deployment, operationStatus=operation))
    assert made.status == status
    assert (made.finished_at is None) == (status == "running")


def test_the_year_one_is_no_time() -> None:
    assert azure.deployment(released(completedOn="0001-01-01T00:00:00")).finished_at is None


# -- work items, people, repositories ---------------------------------------------------------------------------------


def item(**fields: Any) -> Mapping[str, Any]:
    known = {
        "System.Title": "It is broken", "System.WorkItemType": "Bug", "System.State": "New",
        "System.CreatedDate": "2026-01-05T09:00:00Z", "System.ChangedDate": "2026-01-05T10:00:00Z",
        "System.CreatedBy": ADA, "System.AssignedTo": None, **fields,
    }  # fmt: skip
    return {"organisation": "Acme", "project": "Acme/Shop", "web": "https://dev.azure.com/w/9",
            "item": {"System.Id": 9, **known}}  # fmt: skip


def test_a_work_item_is_an_issue_with_its_tags_and_severity_as_labels() -> None:
    tagged = {"System.Tags": "incident; web", "Microsoft.VSTS.Common.Severity": "2 - High"}
    issue = azure.issue(item(**tagged))
    assert (issue.ext_id, issue.key, issue.type, issue.title) == ("acme/9", "Acme/Shop#9", "Bug", "It is broken")
    assert (issue.created_at, issue.updated_at, issue.author, issue.assignee) == (at(9), at(10), "u-ada", None)
    assert (issue.labels, issue.status, issue.status_category) == (("incident", "web", "2 - High"), "New", "todo")
    assert (issue.repository, issue.done_at, issue.started_at) == (None, None, None)


@pytest.mark.parametrize(
    ("state", "closed", "category"),
    [
        ("In Progress", None, "doing"), ("Resolved", None, "doing"), ("Done", "2026-01-05T11:00:00Z", "done"),
        ("Verified", "2026-01-05T11:00:00Z", "done"), ("On ice", None, "unknown"),
    ],
)  # fmt: skip
def test_the_category_of_a_state_is_known_or_told_by_its_being_closed(
    state: str, closed: str | None, category: str
) -> None:
    fields = {"System.State": state, "Microsoft.VSTS.Common.ClosedDate": closed}
    issue = azure.issue(item(**fields))
    assert (issue.status_category, issue.done_at) == (category, at(11) if closed else None)


def test_a_work_item_without_a_beginning_is_refused() -> None:
    without = {"System.CreatedDate": None}
    with pytest.raises(KeyError):
        azure.issue(item(**without))


@pytest.mark.parametrize(
    ("account", "kind"),
    [
        (ADA, "human"),
        ({**ADA, "descriptor": "svc.abc"}, "service"),
        ({**ADA, "descriptor": "", "uniqueName": "Build\\1234"}, "service"),
        ({**ADA, "displayName": "[Shop]\\Reviewers", "descriptor": "vssgp.x", "isContainer": True}, "unknown"),
        ({**ADA, "displayName": "renovate[bot]"}, "bot"),
        ({**ADA, "displayName": "Copilot"}, "agent"),
        ({"id": "u", "displayName": "Someone"}, "unknown"),
    ],
)
def test_what_kind_of_account_it_is(account: Mapping[str, Any], kind: str) -> None:
    assert azure.identity(account).kind == kind


def test_an_accounts_sign_in_is_its_address_where_it_is_one() -> None:
    found = azure.identity(ADA)
    assert (found.ext_id, found.login, found.name, found.email) == (
        "u-ada", "ada@example.org", "Ada L", "ada@example.org",
    )  # fmt: skip
    assert azure.identity({**ADA, "uniqueName": "ACME\\ada"}).email is None


def test_the_author_of_a_commit_passes_as_it_is() -> None:
    assert azure.identity({"ext_id": "ada@example.org", "name": "Ada", "kind": "unknown"}).name == "Ada"


def test_a_repository_is_named_by_host_organisation_and_project() -> None:
    row = {"id": "R-API", "name": "api", "defaultBranch": "refs/heads/trunk", "webUrl": "https://dev.azure.com/a",
           "isDisabled": True}  # fmt: skip
    made = azure.repository({"repository": row, "name": "dev.azure.com/acme/Shop/api", "aliases": ["x/y"]})
    assert (made.ext_id, made.name, made.aliases) == ("r-api", "dev.azure.com/acme/Shop/api", ("x/y",))
    assert (made.default_branch, made.is_archived, made.created_at) == ("trunk", True, None)
