"""Mapping: what each payload of Bitbucket means, quirk by quirk. The names in it are invented."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from .support import source

SHOP = "{r-shop}"
ADA = {"uuid": "{u-ada}", "nickname": "ada", "display_name": "Ada L", "type": "user"}


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 1, 5, hour, minute, tzinfo=UTC)


def pull_request(commits: list[str] | None = None, **about: Any) -> Mapping[str, Any]:
    row = {
        "id": 7, "title": "Add a basket", "description": "", "state": "OPEN", "draft": False, "author": ADA,
        "created_on": "2026-01-05T09:00:00.123456+00:00", "updated_on": "2026-01-05T10:00:00+00:00",
        "links": {"html": {"href": "https://bitbucket.org/acme/shop/pull-requests/7"}},
        "source": {"branch": {"name": "basket"}, "commit": {"hash": "aaaaaaaaaaaa"}},
        "destination": {"branch": {"name": "main"}}, **about,
    }  # fmt: skip
    return {"repository": SHOP, "pull_request": row, "commits": commits}


def merged(**about: Any) -> Mapping[str, Any]:
    commit = {"hash": "bbbbbbbbbbbb", "date": "2026-01-05T10:30:00+00:00", "parents": [{"hash": "1"}, {"hash": "2"}]}
    return pull_request(**{"state": "MERGED", "merge_commit": commit, "closed_by": {**ADA, "uuid": "{u-bob}"}, **about})


def run(**about: Any) -> Mapping[str, Any]:
    row = {
        "uuid": "{p-1}", "build_number": 12, "run_number": 1, "created_on": "2026-01-05T09:00:00.123456789Z",
        "completed_on": "2026-01-05T09:10:00.5Z", "state": {"name": "COMPLETED", "result": {"name": "SUCCESSFUL"}},
        "target": {
            "type": "pipeline_ref_target", "ref_name": "main", "commit": {"hash": "c" * 40},
            "selector": {"type": "branches", "pattern": "main"},
        },
        "trigger": {"name": "PUSH", "type": "pipeline_trigger_push"}, **about,
    }  # fmt: skip
    return {"repository": SHOP, "web": "https://bitbucket.org/acme/shop", "run": row}


def deployed(state: Mapping[str, Any] | None = None, **about: Any) -> Mapping[str, Any]:
    row = {
        "uuid": "{d-1}", "environment": {"uuid": "{e-1}", "name": "Production EU"},
        "state": {
            "name": "COMPLETED", "status": {"name": "SUCCESSFUL"}, "deployer": ADA, "url": "https://bitbucket.org/d/1",
            "started_on": "2026-01-05T09:01:00Z", "completed_on": "2026-01-05T09:05:00.25Z", **(state or {}),
        },
        "release": {"name": "#12", "created_on": "2026-01-05T09:00:00Z", "commit": {"hash": "d" * 40}}, **about,
    }  # fmt: skip
    return {"repository": SHOP, "deployment": row}


# -- changes ----------------------------------------------------------------------------------------------------------


def test_an_open_pull_request_is_a_change_of_its_repository() -> None:
    change = source.change(pull_request())
    assert (change.ext_id, change.number, change.repository) == ("{r-shop}/7", 7, SHOP)
    assert (change.state, change.author, change.title) == ("open", "{u-ada}", "Add a basket")
    assert (change.base_branch, change.head_branch, change.head_sha) == ("main", "basket", "aaaaaaaaaaaa")
    assert change.opened_at == at(9).replace(microsecond=123456)
    assert (change.merged_at, change.closed_at, change.merge_sha, change.merged_by) == (None, None, None, None)
    assert (change.lines_added, change.first_commit_at, change.commits_count, change.ready_at) == (None,) * 4


def test_the_merge_commit_is_kept_abbreviated_as_it_comes() -> None:
    change = source.change(merged(closed_on="2026-01-05T10:29:59Z"))
    assert (change.state, change.merge_sha, change.merge_method) == ("merged", "bbbbbbbbbbbb", "merge")
    assert change.merged_at == change.closed_at == datetime(2026, 1, 5, 10, 29, 59, tzinfo=UTC)
    assert change.merged_by == "{u-bob}"


def test_a_merge_without_a_time_has_that_of_the_commit_it_made() -> None:
    assert source.change(merged()).merged_at == at(10, 30)


def test_a_fast_forward_made_no_commit_whose_time_would_be_the_merges() -> None:
    commit = {"hash": "aaaaaaaaaaaa" + "0" * 28, "date": "2026-01-04T08:00:00+00:00", "parents": [{"hash": "1"}]}
    change = source.change(merged(merge_commit=commit))
    assert (change.merge_method, change.merged_at, change.state) == ("fast_forward", None, "merged")


def test_one_parent_tells_no_squash_from_a_rebase() -> None:
    commit = {"hash": "bbbbbbbbbbbb", "parents": [{"hash": "1"}]}
    assert source.change(merged(merge_commit=commit)).merge_method == "unknown"


@pytest.mark.parametrize(
    ("word", "state"), [("DECLINED", "closed"), ("SUPERSEDED", "closed"), ("PARKED", "unknown"), (None, "unknown")]
)
def test_other_states_end_a_change_without_a_merge(word: str | None, state: str) -> None:
    change = source.change(pull_request(state=word, closed_on="2026-01-05T11:00:00Z", closed_by=ADA))
    assert (change.state, change.merged_at, change.merged_by) == (state, None, None)
    assert change.closed_at == (at(11) if state == "closed" else None)


def test_a_deleted_author_is_nobody() -> None:
    assert source.change(pull_request(author=None)).author is None


def test_a_draft_is_one() -> None:
    assert source.change(pull_request(draft=True)).is_draft is True


def test_work_began_with_the_earliest_commit_and_never_after_the_opening() -> None:
    early = source.change(pull_request(["2026-01-05T08:00:00+00:00", "2026-01-02T10:00:00+01:00"]))
    assert (early.first_commit_at, early.commits_count) == (datetime(2026, 1, 2, 9, tzinfo=UTC), 2)
    anew = source.change(pull_request(["2026-01-05T09:30:00+00:00"]))
    assert anew.first_commit_at == anew.opened_at


def test_no_commits_listed_is_unknown_and_not_zero() -> None:
    assert source.change(pull_request([])).commits_count is None


@pytest.mark.parametrize(
    ("about", "reverts"),
    [
        ({"title": "Revert \"Add\"", "description": "This reverts pull request #3.\n\n> Add"}, "{r-shop}/3"),
        ({"source": {"branch": {"name": "revert-pr-4"}}}, "{r-shop}/4"),
        ({"title": "Back out", "description": f"This reverts commit {'E' * 40}."}, "e" * 40),
        ({"title": 'Revert "Something"'}, None),
    ],
)  # fmt: skip
def test_a_revert_names_what_it_takes_back_where_it_does(about: Mapping[str, Any], reverts: str | None) -> None:
    change = source.change(pull_request(**about))
    assert (change.is_revert, change.reverts) == (True, reverts)


def test_a_branch_about_reverting_is_no_revert() -> None:
    change = source.change(pull_request(title="Revert to the old theme", source={"branch": {"name": "revert-theme"}}))
    assert (change.is_revert, change.reverts) == (False, None)


def test_a_pull_request_without_a_time_is_refused() -> None:
    payload = pull_request()
    row = {name: value for name, value in payload["pull_request"].items() if name != "created_on"}
    with pytest.raises(KeyError, match="created_on"):
        source.change({**payload, "pull_request": row})


def test_a_commit_of_a_change_has_its_whole_hash() -> None:
    commit = {
        "hash": "f" * 40,
        "date": "2026-01-05T08:00:00+00:00",
        "author": {"raw": "Ada <ada@example.org>", "user": ADA},
    }
    made = source.change_commit({"change": "{r-shop}/7", "commit": commit})
    assert (made.ext_id, made.sha, made.authored_at) == (f"{{r-shop}}/7/{'f' * 40}", "f" * 40, at(8))
    assert (made.author, made.committed_at) == ("{u-ada}", None)
    assert source.change_commit({"change": "x", "commit": {**commit, "author": {"raw": "?"}}}).author is None


# -- reviews ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "verdict"), [("approval", "approved"), ("changes_requested", "changes_requested")])
def test_a_verdict_is_a_review_of_its_instant(kind: str, verdict: str) -> None:
    said = {"date": "2026-01-05T09:30:00+00:00", "user": ADA}
    review = source.review({"repository": SHOP, "pull_request": {"id": 7}, kind: said})
    assert (review.change, review.verdict, review.reviewer) == ("{r-shop}/7", verdict, "{u-ada}")
    assert (review.ext_id, review.submitted_at) == (
        f"{{r-shop}}/7/{kind}/{{u-ada}}@2026-01-05T09:30:00+00:00",
        at(9, 30),
    )


def test_a_comment_is_a_review_too() -> None:
    said = {"id": 55, "created_on": "2026-01-05T09:30:00+00:00", "user": None, "links": {"html": {"href": "https://x"}}}
    review = source.review({"repository": SHOP, "pull_request": {"id": 7}, "comment": said})
    assert (review.ext_id, review.verdict) == ("{r-shop}/7/comment/55", "commented")
    assert (review.reviewer, review.url) == (None, "https://x")


# -- pipelines --------------------------------------------------------------------------------------------------------


def test_a_run_is_named_as_the_file_names_it() -> None:
    made = source.pipeline_run(run())
    assert (made.ext_id, made.name, made.attempt) == ("{p-1}/1", "branches: main", 1)
    assert (made.branch, made.sha, made.trigger, made.result) == ("main", "c" * 40, "push", "success")
    assert made.queued_at == at(9).replace(microsecond=123456)
    assert made.finished_at == at(9, 10).replace(microsecond=500000)
    assert (made.started_at, made.change) == (None, None)
    assert made.url == "https://bitbucket.org/acme/shop/pipelines/results/12"


@pytest.mark.parametrize(
    ("selector", "name"),
    [
        ({"type": "custom", "pattern": "deploy-to-production"}, "custom: deploy-to-production"),
        ({"type": "PULLREQUESTS", "pattern": "**"}, "pullrequests: **"),
        ({"type": "default"}, "default"),
        (None, "default"),
    ],
)
def test_pipelines_of_every_section_have_a_name(selector: Mapping[str, Any] | None, name: str) -> None:
    assert source.pipeline_run(run(target={"selector": selector})).name == name


def test_a_run_of_a_pull_request_belongs_to_its_change() -> None:
    target = {"type": "pipeline_pullrequest_target", "source": "basket", "pullrequest": {"id": 7}}
    made = source.pipeline_run(run(target=target))
    assert (made.change, made.trigger, made.branch, made.sha) == ("{r-shop}/7", "change", "basket", None)


@pytest.mark.parametrize(
    ("trigger", "word"),
    [
        ({"name": "MANUAL"}, "manual"),
        ({"type": "pipeline_trigger_schedule"}, "schedule"),
        ({"type": "pipeline_trigger_parent_step"}, "unknown"),
        (None, "unknown"),
    ],
)
def test_triggers_have_our_words(trigger: Mapping[str, Any] | None, word: str) -> None:
    assert source.pipeline_run(run(trigger=trigger)).trigger == word


@pytest.mark.parametrize(
    ("word", "result"),
    [
        ("SUCCESSFUL", "success"),
        ("FAILED", "failure"),
        ("ERROR", "error"),
        ("STOPPED", "cancellation"),
        ("EXPIRED", "timeout"),
        ("NOT_RUN", "skip"),
        ("SURPRISED", "unknown"),
    ],
)
def test_results_have_our_words(word: str, result: str) -> None:
    assert source.pipeline_run(run(state={"name": "COMPLETED", "result": {"name": word}})).result == result


@pytest.mark.parametrize("stage", ["RUNNING", "PAUSED", "HALTED"])
def test_a_run_that_has_not_ended_has_no_result(stage: str) -> None:
    made = source.pipeline_run(run(state={"name": "IN_PROGRESS", "stage": {"name": stage}}, completed_on=None))
    assert (made.result, made.finished_at) == (None, None)


def test_an_attempt_is_a_run_of_its_own_and_queued_when_it_was_asked_for() -> None:
    made = source.pipeline_run(run(run_number=2, run_creation_date="2026-01-05T11:00:00Z"))
    assert (made.ext_id, made.attempt, made.queued_at) == ("{p-1}/2", 2, at(11))
    assert source.pipeline_run(run(run_number=2)).queued_at is None


def test_a_run_started_with_the_first_of_its_steps() -> None:
    started = ["2026-01-05T09:03:00Z", "2026-01-05T09:01:00.123456789Z"]
    made = source.pipeline_run({**run(), "started": started})
    assert made.started_at == at(9, 1).replace(microsecond=123456)


def test_a_step_is_a_job() -> None:
    step = {
        "uuid": "{s-1}", "name": "Unit tests", "run_number": 2, "started_on": "2026-01-05T09:01:00Z",
        "completed_on": "2026-01-05T09:02:00Z", "state": {"name": "COMPLETED", "result": {"name": "FAILED"}},
        "build_seconds_used": 40, "runner": {"name": "linux-1"},
    }  # fmt: skip
    job = source.job({"pipeline_run": "{p-1}/2", "step": step})
    assert (job.ext_id, job.pipeline_run, job.name, job.attempt) == ("{s-1}/2", "{p-1}/2", "Unit tests", 2)
    assert (job.result, job.billable_seconds, job.runner) == ("failure", 40, "linux-1")
    assert (job.started_at, job.finished_at, job.queued_at) == (at(9, 1), at(9, 2), None)


def test_a_step_that_was_not_reached_has_no_times() -> None:
    job = source.job({"pipeline_run": "{p-1}/1", "step": {"uuid": "{s-2}", "state": {"name": "PENDING"}}})
    assert (job.name, job.result, job.started_at, job.billable_seconds) == ("step", None, None, None)


# -- deployments ------------------------------------------------------------------------------------------------------


def test_a_deployment_is_of_its_environment_and_commit() -> None:
    made = source.deployment(deployed())
    assert (made.ext_id, made.repository, made.environment) == ("{d-1}", SHOP, "Production EU")
    assert (made.status, made.sha, made.actor, made.via) == ("success", "d" * 40, "{u-ada}", "api")
    assert (made.created_at, made.started_at) == (at(9), at(9, 1))
    assert made.finished_at == at(9, 5).replace(microsecond=250000)
    assert (made.service, made.version, made.changes) == (None, None, ())


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ({"status": {"name": "FAILED"}}, "failure"),
        ({"status": {"name": "STOPPED"}}, "cancelled"),
        ({"status": {"name": "PUZZLED"}}, "unknown"),
        ({"status": None}, "unknown"),
        ({"name": "IN_PROGRESS", "status": None, "completed_on": None}, "running"),
    ],
)
def test_statuses_have_our_words(state: Mapping[str, Any], status: str) -> None:
    assert source.deployment(deployed(state)).status == status


def test_an_environment_without_a_name_goes_by_its_id_and_one_without_either_is_refused() -> None:
    assert source.deployment(deployed(environment={"uuid": "{e-1}"})).environment == "{e-1}"
    with pytest.raises(KeyError, match="uuid"):
        source.deployment(deployed(environment=None))


def test_the_commit_may_stand_beside_the_release() -> None:
    made = source.deployment(deployed(release=None, deployable={"commit": {"hash": "e" * 40}}))
    assert (made.sha, made.created_at) == ("e" * 40, None)


# -- people, repositories and issues ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("about", "kind"),
    [
        ({}, "human"),
        ({"type": "app_user"}, "bot"),
        ({"type": "AppUser"}, "bot"),
        ({"type": "team"}, "unknown"),
        ({"type": None}, "unknown"),
        ({"display_name": "renovate bot", "nickname": "renovate"}, "bot"),
        ({"display_name": "Claude Code", "nickname": "claude", "type": "app_user"}, "agent"),
    ],
)
def test_accounts_are_people_or_programs(about: Mapping[str, Any], kind: str) -> None:
    identity = source.identity({**ADA, **about})
    assert (identity.ext_id, identity.kind) == ("{u-ada}", kind)


def test_an_account_keeps_its_names_and_no_address() -> None:
    identity = source.identity(ADA)
    assert (identity.login, identity.name, identity.email) == ("ada", "Ada L", None)


def test_a_repository_is_named_by_its_host() -> None:
    row = {
        "uuid": SHOP, "full_name": "acme/shop", "links": {"html": {"href": "https://bitbucket.org/acme/shop"}},
        "mainbranch": {"name": "trunk"}, "parent": None, "created_on": "2020-01-01T00:00:00+00:00",
        "aliases": ["acme/store"],
    }  # fmt: skip
    made = source.repository(row)
    assert (made.ext_id, made.name, made.aliases) == (SHOP, "bitbucket.org/acme/shop", ("bitbucket.org/acme/store",))
    assert (made.default_branch, made.is_fork) == ("trunk", False)
    assert made.created_at == datetime(2020, 1, 1, tzinfo=UTC)
    assert source.repository({**row, "mainbranch": None, "parent": {"uuid": "{r}"}}).is_fork is True


def test_an_issue_is_kept_with_the_code() -> None:
    row = {
        "id": 3, "title": "Broken", "kind": "bug", "priority": "blocker", "state": "resolved", "reporter": ADA,
        "component": {"name": "checkout"}, "created_on": "2026-01-05T09:00:00+00:00",
        "updated_on": "2026-01-05T10:00:00+00:00",
    }  # fmt: skip
    issue = source.issue({"repository": SHOP, "name": "acme/shop", "issue": row})
    assert (issue.ext_id, issue.key, issue.repository) == ("{r-shop}/3", "acme/shop#3", SHOP)
    assert (issue.type, issue.status, issue.status_category) == ("bug", "resolved", "done")
    assert (issue.labels, issue.author, issue.assignee) == (("blocker", "checkout"), "{u-ada}", None)
    assert (issue.created_at, issue.done_at) == (at(9), None)
    strange = source.issue({"repository": SHOP, "name": "acme/shop", "issue": {**row, "state": "haunted"}})
    assert strange.status_category == "unknown"
