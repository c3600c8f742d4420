"""One quirk each: how payloads of Forgejo and Gitea become records."""

from __future__ import annotations

import importlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from .support import forgejo

actions = importlib.import_module(f"{forgejo.__name__}.runs")

ADA = {"id": 5, "login": "ada", "full_name": "Ada L.", "email": "ada@acme.test", "html_url": "https://git.test/ada"}
GHOST = {"id": -1, "login": "Ghost", "full_name": "", "email": ""}
OPENED = "2026-01-05T10:00:00+01:00"


def request(pull: dict[str, Any] | None = None, **about: Any) -> dict[str, Any]:
    """A Change payload with these differences from a plain request."""
    own = ("commits", "titles")
    issue = {
        "number": 12, "title": "Add carts", "state": "open", "user": ADA, "created_at": OPENED, "updated_at": OPENED,
        "html_url": "https://git.test/acme/shop/pulls/12", "body": "", "labels": [],
        "pull_request": {"merged": False, "merged_at": None, "draft": False},
        **{name: value for name, value in about.items() if name not in own},
    }  # fmt: skip
    given = {name: about[name] for name in own if name in about}
    return {"repository": "7", "issue": issue, "pull": pull, "commits": None, "titles": [], **given}


MERGED = {
    "merged": True, "merged_at": "2026-01-06T09:00:00Z", "closed_at": "2026-01-06T09:00:00Z", "state": "closed",
    "merged_by": {"id": 6, "login": "bob"}, "merge_commit_sha": "m" * 40, "additions": 10, "deletions": 0,
    "changed_files": 2, "base": {"ref": "main"},
    "head": {"label": "carts", "ref": "refs/pull/12/head", "sha": "h" * 40},
}  # fmt: skip


# -- changes ----------------------------------------------------------------------------------------------------------


def test_a_request_is_known_by_its_number_in_its_repository() -> None:
    change = forgejo.change(request())
    assert (change.ext_id, change.repository, change.number) == ("7/12", "7", 12)
    assert (change.state, change.author, change.opened_at) == ("open", "5", datetime(2026, 1, 5, 9, tzinfo=UTC))


def test_a_merged_request_has_its_commit_its_lines_and_the_branch_that_is_gone() -> None:
    change = forgejo.change(request(MERGED))
    assert (change.state, change.merge_sha, change.merged_by) == ("merged", "m" * 40, "6")
    assert (change.lines_added, change.lines_deleted, change.files_changed) == (10, 0, 2)
    assert (change.base_branch, change.head_branch, change.head_sha) == ("main", "carts", "h" * 40)
    assert change.merge_method == "unknown"


def test_a_request_whose_last_commit_is_on_the_branch_was_fast_forwarded() -> None:
    assert forgejo.change(request({**MERGED, "merge_commit_sha": "h" * 40})).merge_method == "fast_forward"


def test_a_request_that_cannot_be_told_whole_is_told_by_its_row_among_the_issues() -> None:
    told = {"merged": True, "merged_at": "2026-01-06T09:00:00Z", "draft": False}
    change = forgejo.change(request(None, pull_request=told, state="closed", labels=[{"name": "urgent"}]))
    assert (change.state, change.merged_at) == ("merged", datetime(2026, 1, 6, 9, tzinfo=UTC))
    assert (change.lines_added, change.merge_sha, change.commits_count) == (None, None, None)
    assert change.labels == ("urgent",)


def test_lines_that_are_not_told_are_unknown_and_not_none_at_all() -> None:
    assert forgejo.change(request({**MERGED, "additions": None})).lines_added is None


def test_a_state_that_is_new_is_unknown() -> None:
    assert forgejo.change(request(state="frozen")).state == "unknown"


def test_who_is_deleted_is_nobody_and_who_imported_it_is_not_its_author() -> None:
    assert forgejo.change(request(user=GHOST)).author is None
    assert forgejo.change(request(original_author="someone-elsewhere")).author is None


@pytest.mark.parametrize("title", ["WIP: Add carts", "[wip] Add carts", "Draft: Add carts", "wip:Add carts"])
def test_an_old_server_tells_a_draft_by_its_title(title: str) -> None:
    payload = request(title=title, pull_request={"merged": False, "merged_at": None})
    assert forgejo.change(payload).is_draft
    assert not forgejo.change(request(title="Add WIP: carts", pull_request={})).is_draft


def test_a_draft_became_ready_when_its_title_lost_the_word_the_last_time() -> None:
    titles = [
        {"at": "2026-01-05T11:00:00Z", "old": "WIP: Add carts", "new": "Add carts"},
        {"at": "2026-01-05T12:00:00Z", "old": "Add carts", "new": "WIP: Add carts"},
        {"at": "2026-01-05T13:00:00Z", "old": "WIP: Add carts", "new": "Add cart"},
        {"at": "2026-01-05T14:00:00Z", "old": "Add cart", "new": "Add carts"},
    ]
    assert forgejo.change(request(titles=titles)).ready_at == datetime(2026, 1, 5, 13, tzinfo=UTC)
    assert forgejo.change(request()).ready_at is None
    is_draft_again = request({**MERGED, "draft": True}, titles=titles[:1])
    assert forgejo.change(is_draft_again).ready_at is None


def test_coding_began_with_the_earliest_commit_but_not_after_the_opening() -> None:
    dates = ["2026-01-04T10:00:00Z", "2026-01-03T10:00:00Z", "2026-01-09T10:00:00Z"]
    change = forgejo.change(request(commits=[{"authored_at": date} for date in dates]))
    assert (change.first_commit_at, change.commits_count) == (datetime(2026, 1, 3, 10, tzinfo=UTC), 3)
    amended = forgejo.change(request(commits=[{"authored_at": dates[2]}]))
    assert amended.first_commit_at == amended.opened_at
    assert forgejo.change(request(commits=[])).first_commit_at is None


@pytest.mark.parametrize(
    ("title", "body", "reverts"),
    [
        ('Revert "Add carts"', "This reverts commit 0123abcd0123abcd0123abcd0123abcd0123abcd.", "0123abcd" * 5),
        ('Revert "Add carts (#7)"', "", "#7"),
        ("Take carts back", "Reverts acme/shop#7", "#7"),
        ("Take carts back", "Reverts other/shop#7", None),
    ],
)
def test_a_revert_names_what_it_takes_back(title: str, body: str, reverts: str | None) -> None:
    change = forgejo.change(request(title=title, body=body))
    assert (change.is_revert, change.reverts) == ("other/" not in body, reverts)


def test_a_request_without_a_time_is_refused() -> None:
    payload = request()
    del payload["issue"]["created_at"]
    with pytest.raises(KeyError, match="created_at"):
        forgejo.change(payload)


def test_a_commit_belongs_to_an_account_or_else_to_an_address() -> None:
    author = {"name": "Ada", "email": "Ada@Acme.test", "date": "2026-01-04T10:00:00+01:00"}
    row = {"sha": "a" * 40, "author": ADA, "commit": {"author": author, "committer": {**author, "date": OPENED}}}
    known = forgejo.change_commit({"change": "7/12", "commit": row})
    assert (known.ext_id, known.author) == (f"7/12/{'a' * 40}", "5")
    assert (known.authored_at, known.committed_at) == (
        datetime(2026, 1, 4, 9, tzinfo=UTC), datetime(2026, 1, 5, 9, tzinfo=UTC),
    )  # fmt: skip
    assert forgejo.change_commit({"change": "7/12", "commit": {**row, "author": None}}).author == "ada@acme.test"


@pytest.mark.parametrize(
    ("about", "verdict"),
    [
        ({"state": "APPROVED"}, "approved"),
        ({"state": "REQUEST_CHANGES"}, "changes_requested"),
        ({"state": "COMMENT"}, "commented"),
        ({"state": "APPROVED", "dismissed": True}, "dismissed"),
        ({"state": "APPLAUDED"}, "unknown"),
    ],
)
def test_a_review_says_what_it_said(about: dict[str, Any], verdict: str) -> None:
    row = {"id": 31, "user": ADA, "submitted_at": OPENED, "comments_count": 2, **about}
    review = forgejo.review({"change": "7/12", "review": row})
    assert (review.ext_id, review.reviewer, review.verdict, review.comments) == ("31", "5", verdict, 2)


# -- issues, releases, people, teams, repositories --------------------------------------------------------------------


def test_an_issue_is_done_when_it_is_closed() -> None:
    row = {
        "id": 901, "number": 4, "title": "It is broken", "state": "closed", "user": ADA, "created_at": OPENED,
        "updated_at": OPENED, "closed_at": "2026-01-07T10:00:00Z", "labels": [{"name": "incident"}], "assignees": None,
    }  # fmt: skip
    issue = forgejo.issue({"repository": "7", "name": "acme/shop", "issue": row})
    assert (issue.ext_id, issue.key, issue.repository) == ("901", "acme/shop#4", "7")
    assert (issue.status_category, issue.done_at) == ("done", datetime(2026, 1, 7, 10, tzinfo=UTC))
    assert (issue.labels, issue.assignee) == (("incident",), None)


def test_a_release_stands_for_a_deployment_of_its_tag() -> None:
    row = {
        "id": 3, "tag_name": "v1.0.0", "target_commitish": "main", "created_at": OPENED, "published_at": OPENED,
        "author": ADA,
    }  # fmt: skip
    deployment = forgejo.deployment({"repository": "7", "release": row, "sha": "a" * 40})
    assert (deployment.ext_id, deployment.via, deployment.environment) == ("release:3", "release", "production")
    assert (deployment.version, deployment.sha, deployment.status) == ("v1.0.0", "a" * 40, "success")
    assert deployment.finished_at == datetime(2026, 1, 5, 9, tzinfo=UTC)
    assert forgejo.deployment({"repository": "7", "release": row, "sha": None}).sha is None
    of_a_commit = {**row, "target_commitish": "c" * 40}
    assert forgejo.deployment({"repository": "7", "release": of_a_commit, "sha": None}).sha == "c" * 40


@pytest.mark.parametrize(
    ("about", "kind", "email"),
    [
        ({}, "unknown", "ada@acme.test"),
        ({"email": "ada@noreply.git.test"}, "unknown", None),
        ({"login": "renovate-bot", "email": ""}, "bot", None),
        ({"login": "claude", "full_name": "Claude"}, "agent", "ada@acme.test"),
        ({"id": -2, "login": "forgejo-actions", "email": "noreply@forgejo.org"}, "bot", "noreply@forgejo.org"),
    ],
)
def test_an_account_is_a_program_by_its_name_only(about: dict[str, Any], kind: str, email: str | None) -> None:
    identity = forgejo.identity({**ADA, **about})
    assert (identity.kind, identity.email) == (kind, email)


def test_a_team_is_called_as_codeowners_calls_it() -> None:
    team = forgejo.team({"organisation": "acme", "id": 3, "name": "Payments"})
    assert (team.ext_id, team.name) == ("acme/Payments", "Payments")


def test_a_repository_keeps_its_id_and_its_earlier_names() -> None:
    row = {"id": 7, "full_name": "acme/store", "default_branch": "main", "created_at": OPENED, "archived": True}
    repository = forgejo.repository({
        "repository": row, "name": "git.test/acme/store", "aliases": ["git.test/acme/shop"], "team": "acme/Payments",
    })  # fmt: skip
    assert (repository.ext_id, repository.name) == ("7", "git.test/acme/store")
    assert (repository.aliases, repository.team) == (("git.test/acme/shop",), "acme/Payments")
    assert repository.is_archived


# -- Actions ----------------------------------------------------------------------------------------------------------

NEVER = "1970-01-01T01:00:00+01:00"
RUN = {
    "id": 70, "index_in_repo": 3, "workflow_id": "ci.yml", "prettyref": "main", "commit_sha": "a" * 40, "event": "push",
    "trigger_event": "push", "status": "success", "created": "2026-01-05T10:00:00Z", "started": "2026-01-05T10:01:00Z",
    "stopped": "2026-01-05T10:05:00Z", "html_url": "https://git.test/acme/shop/actions/runs/3",
}  # fmt: skip
GITEA_RUN = {
    "id": 70, "run_number": 3, "run_attempt": 1, "path": "ci.yml@refs/heads/main", "head_sha": "a" * 40,
    "head_branch": "main", "event": "push", "status": "completed", "conclusion": "success",
    "created_at": "2026-01-05T10:00:00Z", "started_at": "2026-01-05T10:01:00Z", "completed_at": "2026-01-05T10:05:00Z",
    "html_url": "https://git.test/acme/shop/actions/runs/3", "pull_requests": [],
}  # fmt: skip


def task(
    number: int, name: str, minute: int, *, status: str = "success", minutes: int = 1, **about: Any
) -> dict[str, Any]:
    """A task that a runner took in that minute after ten."""
    began = datetime(2026, 1, 5, 10, tzinfo=UTC) + timedelta(minutes=minute)
    ended = began + timedelta(minutes=minutes)
    return {
        "id": number, "name": name, "status": status, "created_at": began.isoformat(),
        "run_started_at": began.isoformat(), "updated_at": ended.isoformat(), **about,
    }  # fmt: skip


def told(run: dict[str, Any], *tasks: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    """The attempts of a run and their jobs, as records, in their order."""
    runs, jobs = actions.attempts("7", run, tasks)
    attempts = sorted((forgejo.pipeline_run(row) for row in runs), key=lambda row: row.attempt)
    return attempts, sorted((forgejo.job(row) for row in jobs), key=lambda row: int(row.ext_id))


@pytest.mark.parametrize("run", [RUN, GITEA_RUN], ids=["forgejo", "gitea"])
def test_a_run_is_the_same_whichever_server_words_it(run: dict[str, Any]) -> None:
    (attempt,), _ = told(run)
    assert (attempt.ext_id, attempt.repository, attempt.name) == ("70/1", "7", "ci.yml")
    assert (attempt.trigger, attempt.branch, attempt.sha, attempt.change) == ("push", "main", "a" * 40, None)
    assert (attempt.result, attempt.attempt) == ("success", 1)
    assert attempt.queued_at == datetime(2026, 1, 5, 10, tzinfo=UTC)
    assert attempt.started_at == datetime(2026, 1, 5, 10, 1, tzinfo=UTC)
    assert attempt.finished_at == datetime(2026, 1, 5, 10, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "run",
    [
        {**RUN, "prettyref": "#12", "event": "pull_request", "trigger_event": "pull_request"},
        {**GITEA_RUN, "head_branch": "", "event": "pull_request", "pull_requests": [{"id": 1, "number": 12}]},
    ],
    ids=["forgejo", "gitea"],
)
def test_a_run_for_a_request_names_it(run: dict[str, Any]) -> None:
    (attempt,), _ = told(run)
    assert (attempt.change, attempt.trigger, attempt.branch) == ("7/12", "change", None)


def test_a_push_to_the_branch_of_a_request_is_a_run_of_its_own() -> None:
    (attempt,), _ = told({**GITEA_RUN, "pull_requests": [{"id": 1, "number": 12}]})
    assert (attempt.change, attempt.trigger) == (None, "push")


@pytest.mark.parametrize(
    ("status", "result"),
    [
        ("success", "success"), ("failure", "failure"), ("cancelled", "cancellation"), ("skipped", "skip"),
        ("waiting", None), ("running", None), ("blocked", None), ("unknown", "unknown"), ("melted", "unknown"),
    ],
)  # fmt: skip
def test_a_run_ended_as_its_status_says(status: str, result: str | None) -> None:
    (attempt,), _ = told({**RUN, "status": status})
    assert attempt.result == result
    assert (attempt.finished_at is None) == (result is None)


def test_what_never_happened_has_no_time() -> None:
    (attempt,), _ = told({**RUN, "status": "waiting", "started": NEVER, "stopped": "0001-01-01T00:00:00Z"})
    assert (attempt.started_at, attempt.finished_at) == (None, None)


def test_when_a_run_was_asked_for_an_older_gitea_does_not_tell() -> None:
    (attempt,), _ = told({name: value for name, value in GITEA_RUN.items() if name != "created_at"})
    assert (attempt.queued_at, attempt.started_at) == (None, datetime(2026, 1, 5, 10, 1, tzinfo=UTC))


def test_a_task_is_a_job_from_when_a_runner_took_it() -> None:
    _, (build, test) = told(RUN, task(91, "build", 1), task(92, "test", 3, status="failure"))
    assert (build.ext_id, build.pipeline_run, build.name, build.result) == ("91", "70/1", "build", "success")
    assert (build.started_at, build.finished_at) == (
        datetime(2026, 1, 5, 10, 1, tzinfo=UTC), datetime(2026, 1, 5, 10, 2, tzinfo=UTC),
    )  # fmt: skip
    assert (test.result, test.queued_at, test.task_type) == ("failure", None, "unknown")


def test_a_task_did_not_end_when_its_log_was_thrown_away() -> None:
    _, (build,) = told(RUN, task(91, "build", 1, updated_at="2027-01-05T10:00:00Z"))
    assert build.finished_at == datetime(2026, 1, 5, 10, 5, tzinfo=UTC)


def test_the_earlier_attempts_of_a_run_are_put_together_from_their_tasks() -> None:
    run = {**RUN, "started": "2026-01-05T11:00:00Z", "stopped": "2026-01-05T11:05:00Z"}
    tasks = [task(91, "build", 1), task(92, "test", 3, status="failure"), task(99, "test", 60)]
    (first, second), jobs = told(run, *tasks)
    assert (first.ext_id, first.result, first.queued_at) == ("70/1", "failure", datetime(2026, 1, 5, 10, tzinfo=UTC))
    assert (first.started_at, first.finished_at) == (
        datetime(2026, 1, 5, 10, 1, tzinfo=UTC), datetime(2026, 1, 5, 10, 4, tzinfo=UTC),
    )  # fmt: skip
    assert (second.ext_id, second.result, second.queued_at) == ("70/2", "success", None)
    assert [(job.ext_id, job.pipeline_run, job.attempt) for job in jobs] == [
        ("91", "70/1", 1), ("92", "70/1", 1), ("99", "70/2", 2),
    ]  # fmt: skip


def test_a_run_that_waits_to_be_started_again_does_not_undo_its_first_attempt() -> None:
    run = {**RUN, "status": "waiting", "started": NEVER, "stopped": NEVER}
    (first, second), _ = told(run, task(91, "build", 1, status="failure"))
    assert (first.result, second.result, second.started_at) == ("failure", None, None)


def test_a_server_that_counts_attempts_is_believed_where_tasks_are_missing() -> None:
    (attempt,), jobs = told({**GITEA_RUN, "run_attempt": 3})
    assert (attempt.ext_id, attempt.attempt, jobs) == ("70/3", 3, [])
