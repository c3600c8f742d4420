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
    "fullDatabaseId": "77", "number": 12, "title": "Add a basket", "body": "", "state": "MERGED", "author": ADA,
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
        ({**merged_as("pushed"), "oid": "h"}, commits("pushed"), "fast_forward"),
        (None, commits("a"), "unknown"),
    ],
)
def test_the_way_it_was_merged_is_told_from_the_merge_commit(merge: Any, listed: Any, method: str) -> None:
    assert change(mergeCommit=merge, commits=listed, headRefOid="h").merge_method == method


@pytest.mark.parametrize(
    ("body", "reverts"),
    [("Reverts acme/shop#9", "#9"), ("This reverts commit 0123abcd.", "0123abcd"), ("It broke checkout.", None)],
)
def test_a_revert_names_the_commit_or_the_request(body: str, reverts: str | None) -> None:
    made = change(title='Revert "Add a basket"', body=body)
    assert (made.is_revert, made.reverts) == (True, reverts)


@pytest.mark.parametrize(
    ("title", "body", "is_revert", "reverts"),
    [
        ("Back out the basket", "Reverts acme/shop#9\r\n\r\nIt broke.", True, "#9"),
        ('Revert "Add a basket (#9)"', "", True, "#9"),
        ('Reapply "Add a basket"', "Reverts acme/shop#10", True, None),
        ("Follow the shop", "Reverts acme/other#9", False, None),
        ("Explain how", "A request that says Reverts acme/shop#9 takes it back.", False, None),
    ],
)
def test_a_revert_is_one_by_its_title_or_its_text(title: str, body: str, is_revert: bool, reverts: str | None) -> None:
    made = change(title=title, body=body, url="https://github.test/acme/Shop/pull/12")
    assert (made.is_revert, made.reverts) == (is_revert, reverts)


def test_paths_that_are_not_all_listed_are_unknown() -> None:
    assert change(files={"totalCount": 3001, "nodes": [{"path": "a"}]}).paths is None


def test_a_deleted_account_and_an_unknown_state_are_no_crash() -> None:
    made = change(author=None, state="ARCHIVED")
    assert (made.author, made.state) == (None, "unknown")


def test_a_bot_is_called_as_in_its_commits() -> None:
    made = github.identity({"__typename": "Bot", "login": "renovate", "databaseId": 9})
    assert (made.ext_id, made.login, made.kind) == ("9", "renovate[bot]", "bot")


@pytest.mark.parametrize("login", ["copilot-swe-agent", "Copilot", "google-labs-jules"])
def test_a_coding_assistant_is_an_agent(login: str) -> None:
    assert github.identity({"__typename": "Bot", "login": login, "databaseId": 9}).kind == "agent"


def test_people_and_accounts_of_other_kinds_are_told_apart() -> None:
    kinds = {kind: github.identity({"__typename": kind, "login": "a"}).kind for kind in ("User", "Mannequin", "Newer")}
    assert kinds == {"User": "human", "Mannequin": "human", "Newer": "unknown"}


def test_the_author_of_a_commit_without_an_account_is_the_one_the_mirror_has() -> None:
    commit = {"oid": "c", "author": {"name": "Ada", "email": "Ada@Example.org", "user": None}}
    assert github.change_commit({"change": "77", "commit": commit}).author == "ada@example.org"


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
        ((), "WAITING", "running"),
        ((), "ABANDONED", "cancelled"),
        ((), "NEVER_HEARD_OF", "unknown"),
    ],
)
def test_a_deployment_is_what_came_of_it(states: Any, state: str, status: str) -> None:
    assert deployed(*states, state=state).status == status


def test_a_number_that_32_bits_do_not_hold_is_no_reason_to_mix_things_up() -> None:
    node = {"id": "DE_x", "databaseId": None, "createdAt": "2026-03-02T10:00:00Z", "state": "PENDING"}
    check = {"id": "CR_y", "databaseId": None, "name": "build"}
    assert github.deployment({"repository": "5", "deployment": node}).ext_id == "DE_x"
    assert github.job({"run": "4/1", "check": check}).ext_id == "CR_y"


def test_an_attempt_has_a_page_of_its_own() -> None:
    run = {"id": 4, "status": "completed", "conclusion": "success", "name": "CI", "html_url": "https://github.test/4"}
    pages = [github.pipeline_run({"repository": "5", "run": {**run, "run_attempt": number}}).url for number in (1, 2)]
    assert pages == ["https://github.test/4", "https://github.test/4/attempts/2"]


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
        ("completed", "skipped", "skip"), ("completed", "action_required", "skip"),
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
    from dxmetrics.collectors.github.owners import owner_of_everything

    assert owner_of_everything(text) == team


@pytest.mark.skipif(not RECORDED.exists(), reason="the recorded responses are not beside this checkout")
def test_recorded_runs_are_mapped() -> None:
    usual = csv.field_size_limit(10**8)
    try:
        with (RECORDED / "_raw_github_api_runs.csv").open(encoding="utf-8", newline="") as file:
            runs = [json.loads(row["data"]) for row in csv.DictReader(file)]
    finally:
        csv.field_size_limit(usual)
    made = [github.pipeline_run({"repository": "5", "run": run, "started_at": None}) for run in runs]
    assert len(made) > 20
    assert {one.result for one in made} <= {"success", "failure", "cancellation", "skip", "timeout", None}
    ended = [one for one in made if one.result]
    assert len(ended) > 15
    assert all(one.finished_at and one.queued_at and one.finished_at >= one.queued_at for one in ended)
