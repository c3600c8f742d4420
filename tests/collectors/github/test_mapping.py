"""From GitHub's objects to records, quirk by quirk."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from .harness import github

RECORDED = Path(__file__).parents[4] / "shared/data/recorded/github"
ADA = {"__typename": "User", "login": "ada", "databaseId": 1}
PULL: dict[str, Any] = {
    "fullDatabaseId": "77", "number": 12, "title": "Add a basket", "bodyText": "", "state": "MERGED", "author": ADA,
    "createdAt": "2026-03-02T10:00:00Z", "updatedAt": "2026-03-03T10:00:00Z", "mergedAt": "2026-03-03T10:00:00Z",
    "labels": {"nodes": [{"name": "shop"}]}, "additions": 3, "deletions": 1,
    "mergeCommit": {"oid": "m", "messageHeadline": "Add a basket (#12)", "parents": {"totalCount": 1}},
    "files": {"totalCount": 1, "nodes": [{"path": "src/basket.py"}]},
    "commits": {"totalCount": 1, "nodes": [{"commit": {"oid": "c", "authoredDate": "2026-03-01T10:00:00Z"}}]},
}  # fmt: skip


def change(**fields: Any) -> Any:
    return github.change({"repository": "5", "pull": {**PULL, **fields}})


def commits(*headlines: str) -> dict[str, Any]:
    made = [
        {"commit": {"oid": one, "messageHeadline": one, "authoredDate": "2026-03-01T10:00:00Z"}} for one in headlines
    ]
    return {"totalCount": len(made), "nodes": made}


def merged_as(headline: str, parents: int = 1) -> dict[str, Any]:
    return {"oid": "m", "messageHeadline": headline, "parents": {"totalCount": parents}}


def test_a_request_has_its_times_people_and_paths() -> None:
    made = change()
    assert (made.ext_id, made.number, made.repository, made.author, made.state) == ("77", 12, "5", "1", "merged")
    assert made.first_commit_at == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert (made.paths, made.labels, made.lines_added, made.commits_count) == (("src/basket.py",), ("shop",), 3, 1)
    assert made.ready_at is None


def test_the_last_time_it_left_draft_counts() -> None:
    events = [
        {"__typename": "ReadyForReviewEvent", "createdAt": "2026-03-02T11:00:00Z"},
        {"__typename": "ConvertToDraftEvent", "createdAt": "2026-03-02T12:00:00Z"},
        {"__typename": "ReadyForReviewEvent", "createdAt": "2026-03-02T13:00:00Z"},
    ]
    assert change(timelineItems={"nodes": events}).ready_at == datetime(2026, 3, 2, 13, tzinfo=UTC)


def test_a_commit_dated_after_the_opening_does_not_start_the_clock_later() -> None:
    late = {"totalCount": 1, "nodes": [{"commit": {"oid": "c", "authoredDate": "2026-03-05T10:00:00Z"}}]}
    assert change(commits=late).first_commit_at == datetime(2026, 3, 2, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("merge", "listed", "method"),
    [
        (merged_as("Merge pull request #12", parents=2), commits("a"), "merge"),
        (merged_as("Add a basket (#12)"), commits("a"), "squash"),
        (merged_as("second"), commits("first", "second"), "rebase"),
        (merged_as("only"), commits("only"), "unknown"),
        (merged_as("Rewritten subject"), commits("a", "b"), "squash"),
        (None, commits("a"), "unknown"),
    ],
)
def test_the_way_it_was_merged_is_told_from_the_merge_commit(merge: Any, listed: Any, method: str) -> None:
    assert change(mergeCommit=merge, commits=listed).merge_method == method


@pytest.mark.parametrize(
    ("body", "reverts"),
    [("Reverts acme/shop#9", "#9"), ("This reverts commit 0123abcd.", "0123abcd"), ("It broke checkout.", None)],
)
def test_a_revert_names_the_commit_or_the_request(body: str, reverts: str | None) -> None:
    made = change(title='Revert "Add a basket"', bodyText=body)
    assert (made.is_revert, made.reverts) == (True, reverts)


def test_paths_that_are_not_all_listed_are_unknown() -> None:
    assert change(files={"totalCount": 3001, "nodes": [{"path": "a"}]}).paths is None


def test_a_deleted_account_and_an_unknown_state_are_no_crash() -> None:
    made = change(author=None, state="ARCHIVED")
    assert (made.author, made.state) == (None, "unknown")


def test_a_bot_is_called_as_in_its_commits() -> None:
    made = github.identity({"__typename": "Bot", "login": "renovate", "databaseId": 9})
    assert (made.ext_id, made.login, made.kind) == ("9", "renovate[bot]", "bot")


def deployed(*states: tuple[str, int], state: str = "ACTIVE") -> Any:
    statuses = [{"state": name, "createdAt": f"2026-03-02T10:{minute:02}:00Z"} for name, minute in states]
    node = {"databaseId": 3, "createdAt": "2026-03-02T10:00:00Z", "environment": "production", "commitOid": "s",
            "state": state, "statuses": {"nodes": statuses}}  # fmt: skip
    return github.deployment({"repository": "5", "deployment": node})


def test_a_superseded_deployment_keeps_its_first_success() -> None:
    made = deployed(("INACTIVE", 50), ("SUCCESS", 9), ("SUCCESS", 5), ("IN_PROGRESS", 1), state="INACTIVE")
    assert (made.status, made.finished_at.minute, made.started_at.minute) == ("success", 5, 1)


@pytest.mark.parametrize(
    ("states", "state", "status"),
    [
        ((("IN_PROGRESS", 1),), "IN_PROGRESS", "running"),
        ((("ERROR", 2),), "ERROR", "failure"),
        ((("FAILURE", 2), ("SUCCESS", 9)), "ACTIVE", "success"),
        ((("IN_PROGRESS", 1), ("INACTIVE", 7)), "INACTIVE", "superseded"),
    ],
)
def test_a_deployment_is_what_came_of_it(states: Any, state: str, status: str) -> None:
    assert deployed(*states, state=state).status == status


def test_a_release_stands_for_a_deployment() -> None:
    node = {"databaseId": 8, "tagName": "v1.2.0", "publishedAt": "2026-03-02T10:00:00Z", "tagCommit": {"oid": "t"}}
    made = github.deployment({"repository": "5", "release": node})
    assert (made.ext_id, made.version, made.sha, made.via) == ("release:8", "v1.2.0", "t", "release")


@pytest.mark.parametrize(
    ("status", "conclusion", "result"),
    [
        ("completed", "success", "success"), ("completed", "neutral", "success"), ("completed", "failure", "failure"),
        ("completed", "startup_failure", "error"), ("completed", "timed_out", "timeout"),
        ("completed", "cancelled", "cancellation"), ("completed", "stale", "cancellation"),
        ("completed", "skipped", "skip"), ("completed", "action_required", "failure"),
        ("completed", "never_heard_of", "unknown"), ("in_progress", None, None),
    ],
)  # fmt: skip
def test_every_conclusion_has_a_result(status: str, conclusion: str | None, result: str | None) -> None:
    run = {"id": 4, "run_attempt": 2, "status": status, "conclusion": conclusion, "name": "CI", "event": "push",
           "created_at": "2026-03-02T10:00:00Z", "run_started_at": "2026-03-02T11:00:00Z",
           "updated_at": "2026-03-02T11:09:00Z"}  # fmt: skip
    made = github.pipeline_run({"repository": "5", "run": run, "started_at": "2026-03-02T11:01:00Z"})
    assert (made.ext_id, made.attempt, made.result, made.trigger) == ("4/2", 2, result, "push")
    assert made.queued_at == datetime(2026, 3, 2, 11, tzinfo=UTC)
    assert (made.finished_at is None) == (result is None)


@pytest.mark.parametrize(
    ("text", "team"),
    [
        ("* @acme/payments\n/docs @ada\n", "acme/payments"),
        ("* @acme/first\n* @acme/last # the last counts\n", "acme/last"),
        ("* @ada\n", None),
        ("/src @acme/payments\n", None),
        (None, None),
    ],
)
def test_the_team_that_owns_everything_owns_the_repository(text: str | None, team: str | None) -> None:
    from dxmetrics.collectors.github.mapping import owner_of_everything

    assert owner_of_everything(text) == team


@pytest.mark.skipif(not RECORDED.exists(), reason="the recorded responses are not beside this checkout")
def test_recorded_runs_are_mapped() -> None:
    csv.field_size_limit(10**8)
    with (RECORDED / "_raw_github_api_runs.csv").open(encoding="utf-8", newline="") as file:
        runs = [json.loads(row["data"]) for row in csv.DictReader(file)]
    made = [github.pipeline_run({"repository": "5", "run": run, "started_at": None}) for run in runs]
    assert len(made) > 20
    assert {one.result for one in made} <= {"success", "failure", "cancellation", "skip", "timeout", None}
    ended = [one for one in made if one.result]
    assert len(ended) > 15
    assert all(one.finished_at and one.queued_at and one.finished_at >= one.queued_at for one in ended)
