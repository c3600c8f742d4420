"""Every request is one that Forgejo's own description of its API knows."""

from __future__ import annotations

import importlib
import json
from collections.abc import Collection
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dxmetrics.collectors import Cursor
from dxmetrics.errors import NotFoundError
from tests.collectors.contract import FOLDER, contract
from tests.fakes.forgejo import Forgejo

from .support import TOKEN, forgejo, source

NOW = datetime(2025, 3, 5, 12, tzinfo=UTC)
DESCRIPTION = "forgejo/swagger2.json"


def world(*, is_gitea: bool) -> Forgejo:
    """A server with so much of everything that each list has a second page."""
    server = Forgejo(NOW, token=TOKEN, is_gitea=is_gitea)
    shop, notes = server.add("acme/shop", days_old=100), server.add("ada/notes", days_old=100)
    shop.files[".forgejo/CODEOWNERS"] = ".* @acme/payments"
    server.team("payments", "ada", "bob")
    for place in range(60):
        number = shop.open()
        shop.review(number)
        shop.merge(number)
        shop.release(f"v{place}")
        run = shop.run()
        shop.start(run)
        shop.finish(run)
        shop.report()
        server.now += timedelta(hours=15)
    notes.issues[notes.open()]["pull"]["is_damaged"] = True
    return server


@pytest.mark.parametrize("is_gitea", [False, True], ids=["forgejo", "gitea"])
def test_every_request_is_described(is_gitea: bool) -> None:
    described, server = contract(DESCRIPTION), world(is_gitea=is_gitea)
    named = {"organisations": ("acme", "ada"), "repositories": ("acme/shop", "acme/gone")}
    cursors: dict[str, Cursor] = {}
    for days in (0, 1, 9):
        server.now += timedelta(days=days)
        with closing(source(server, described.transport(server), **named)) as one:
            for scope in one.scopes():
                with suppress(NotFoundError):  # of the one that is gone
                    for page in one.collect(scope, cursors.get(scope.id)):
                        cursors[scope.id] = page.cursor or cursors.get(scope.id, {})
    asked = {described.template(request) for request in server.requests}
    repository = {
        "", "/issues", "/issues/{index}", "/issues/{index}/timeline", "/pulls", "/pulls/{index}",
        "/pulls/{index}/commits", "/pulls/{index}/reviews", "/actions/runs", "/actions/tasks", "/releases", "/tags",
        "/contents", "/raw/{filepath}",
    }  # fmt: skip
    beside = {
        "/orgs/{org}/repos", "/orgs/{org}/teams", "/teams/{id}/members", "/users/{username}/repos",
        "/repos/issues/search",
    }  # fmt: skip
    optional = {"/users/{username}"}
    assert asked - optional == {f"/repos/{{owner}}/{{repo}}{part}" for part in repository} | beside


def part(name: str) -> Any:
    """A module of the source."""
    return importlib.import_module(f"{forgejo.__name__}.{name}")


ONLY_GITEA = {
    "run_number", "run_attempt", "path", "head_branch", "head_sha", "conclusion", "created_at", "started_at",
    "completed_at",
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("Issue", {*part("changes").ISSUE_FIELDS, *part("issues").FIELDS, "user", "assignees", "labels", "body"}),
        ("PullRequestMeta", {"draft", "merged", "merged_at"}),
        ("PullRequest", {*part("changes").PULL_FIELDS, "review_comments", "merged_by", "base", "head", "user"}),
        ("PRBranchInfo", {"label", "ref", "sha", "repo"}),
        ("PullReview", {*part("changes").REVIEW_FIELDS, "user"}),
        ("TimelineComment", {"type", "created_at", "old_title", "new_title"}),
        ("Commit", {"sha", "author", "commit"}),
        ("ActionRun", {*part("runs").RUN_FIELDS} - ONLY_GITEA),
        ("ActionTask", {*part("runs").TASK_FIELDS, "run_number"}),
        ("Release", {*part("releases").FIELDS, "author", "draft", "prerelease"}),
        ("Tag", {"name", "commit"}),
        (
            "Repository",
            {
                *part("repositories").FIELDS, "empty", "updated_at", "original_url", "mirror", "release_counter",
                "has_issues", "external_tracker", "has_releases", "has_pull_requests", "has_actions",
            },
        ),
        ("User", set(part("people").FIELDS)),
        ("Team", {"id", "name"}),
    ],
)  # fmt: skip
def test_every_field_that_is_read_is_described(kind: str, fields: Collection[str]) -> None:
    contract(DESCRIPTION)  # or the test is skipped
    described = json.loads((FOLDER / DESCRIPTION).read_text())["definitions"][kind]["properties"]
    assert set(fields) <= described.keys()
