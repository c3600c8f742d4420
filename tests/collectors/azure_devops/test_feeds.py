"""The lists of Azure DevOps: what each collection asks of them, and what it must not lose."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx2
import pytest
from duckdb import DuckDBPyConnection

from tests.fakes.azure_devops import ADA, BOB, AzureDevOps, Project, Refused, Repository

from .harness import collected, rows

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
CHANGES, PIPELINES, ISSUES = ("changes",), ("pipelines",), ("issues",)
DEPLOYMENTS = ("deployments", "releases")
SITE = {"type": "GitHub", "id": "acme/site", "url": "https://github.com/acme/site.git"}


@pytest.fixture
def server() -> AzureDevOps:
    """A server whose clock stands still at NOW unless it is set."""
    return AzureDevOps(NOW, seconds_per_request=0)


@pytest.fixture
def shop(server: AzureDevOps) -> Project:
    """An empty project."""
    return server.project("acme/Shop")


@pytest.fixture
def api(shop: Project) -> Repository:
    """A repository in it."""
    return shop.repository("api")


def again(server: AzureDevOps, connection: DuckDBPyConnection, part: str, **settings: Any) -> list[str]:
    """What another collection asks for, of the paths that have `part` in them."""
    before = len(server.requests)
    assert collected(server, connection, **settings) == []
    return [path for request in server.requests[before:] if part in (path := request.url.path)]


def column(connection: DuckDBPyConnection, query: str) -> list[Any]:
    return [value for (value,) in rows(connection, query)]


# -- changes ----------------------------------------------------------------------------------------------------------


def test_years_in_which_nothing_happened_cost_a_few_requests(
    server: AzureDevOps, api: Repository, connection: DuckDBPyConnection
) -> None:
    server.now = NOW - 2_000 * DAY
    for _ in range(120):
        api.complete(api.open())
        server.now += HOUR
    server.now = NOW
    api.complete(api.open())
    asked = again(server, connection, "/pullrequests", reads=CHANGES)
    assert column(connection, "select count(*) from landing.changes") == [121]
    assert len(asked) < 10
    covered = rows(connection, "select covered_from, covered_to from meta.coverage where stream = 'changes'")
    assert covered == [(NOW - 2_000 * DAY, NOW)]


def test_a_new_repository_is_covered_no_longer_than_two_weeks(
    server: AzureDevOps, api: Repository, connection: DuckDBPyConnection
) -> None:
    api.complete(api.open())
    collected(server, connection, reads=CHANGES)
    assert rows(connection, "select covered_from, covered_to from meta.coverage where stream = 'changes'") == [
        (NOW - 14 * DAY, NOW)
    ]


def test_nothing_is_read_from_before_the_day_that_is_set(
    server: AzureDevOps, shop: Project, api: Repository, connection: DuckDBPyConnection
) -> None:
    for days in (400, 100, 1):
        server.now = NOW - days * DAY
        api.complete(api.open())
        shop.finish(shop.run(api))
        shop.item()
        shop.release(api)
    server.now = NOW
    collected(server, connection, since=date(2025, 9, 1))
    for table in ("changes", "pipeline_runs", "issues", "deployments"):
        assert column(connection, f"select count(*) from landing.{table}") == [2], table
    assert column(connection, "select distinct covered_from from meta.coverage where stream = 'changes'") == [
        datetime(2025, 9, 1, tzinfo=UTC)
    ]


def test_a_day_that_is_set_before_anything_happened_is_where_coverage_begins(
    server: AzureDevOps, api: Repository, connection: DuckDBPyConnection
) -> None:
    assert collected(server, connection, reads=CHANGES, since=date(2025, 9, 1)) == []
    assert column(connection, "select covered_from from meta.coverage where stream = 'changes'") == [
        datetime(2025, 9, 1, tzinfo=UTC)
    ]
    server.now += DAY
    assert collected(server, connection, reads=CHANGES, since=date(2025, 9, 1)) == []


def test_an_open_request_is_read_when_its_list_shows_a_change(
    server: AzureDevOps, api: Repository, connection: DuckDBPyConnection
) -> None:
    number = api.open()
    assert len(again(server, connection, "pullRequests/", reads=CHANGES)) == 2
    server.now += HOUR
    assert again(server, connection, "pullRequests/", reads=CHANGES) == []
    api.vote(number, BOB, -5)
    assert len(again(server, connection, "pullRequests/", reads=CHANGES)) == 2
    assert column(connection, "select verdict from landing.reviews") == ["changes_requested"]
    api.push(number)
    assert len(again(server, connection, "pullRequests/", reads=CHANGES)) == 2
    assert column(connection, "select commits_count from landing.changes") == [2]
    api.draft(number)
    assert again(server, connection, "pullRequests/", reads=CHANGES) == []
    api.pulls[number]["title"] = "Add a bag"
    assert len(again(server, connection, "pullRequests/", reads=CHANGES)) == 2
    assert rows(connection, "select title, ready_at from landing.changes") == [("Add a bag", NOW + HOUR)]


def test_a_comment_on_an_open_request_is_found_within_half_a_day_and_when_it_is_closed(
    server: AzureDevOps, api: Repository, connection: DuckDBPyConnection
) -> None:
    first, second = api.open(), api.open()
    collected(server, connection, reads=CHANGES)
    api.comment(first)
    api.comment(second)
    server.now += HOUR
    api.complete(second)
    assert len(again(server, connection, "pullRequests/", reads=CHANGES)) == 2
    assert column(connection, "select count(*) from landing.reviews") == [1]
    server.now += 11 * HOUR
    collected(server, connection, reads=CHANGES)
    assert column(connection, "select count(*) from landing.reviews") == [2]


def test_what_was_abandoned_and_is_open_again_is_open(
    server: AzureDevOps, api: Repository, connection: DuckDBPyConnection
) -> None:
    number = api.open()
    api.abandon(number)
    collected(server, connection, reads=CHANGES)
    assert column(connection, "select state from landing.changes") == ["closed"]
    server.now += HOUR
    api.reactivate(number)
    collected(server, connection, reads=CHANGES)
    assert rows(connection, "select state, closed_at from landing.changes") == [("open", None)]
    server.now += HOUR
    api.complete(number)
    collected(server, connection, reads=CHANGES)
    assert rows(connection, "select state, merged_at from landing.changes") == [("merged", NOW + 2 * HOUR)]


def test_a_force_push_and_a_deleted_comment_leave_nothing_behind(
    server: AzureDevOps, api: Repository, connection: DuckDBPyConnection
) -> None:
    number = api.open()
    api.push(number)
    api.comment(number)
    collected(server, connection, reads=CHANGES)
    server.now += HOUR
    kept = api.push(number, forces=True)
    api.threads[number][0]["isDeleted"] = True
    collected(server, connection, reads=CHANGES)
    assert column(connection, "select sha from landing.change_commits where deleted_at is null") == [kept]
    assert column(connection, "select count(*) from landing.reviews where deleted_at is null") == [0]


def test_commits_of_a_fork_that_is_gone_leave_those_known_before(
    server: AzureDevOps, api: Repository, connection: DuckDBPyConnection
) -> None:
    number = api.open()
    collected(server, connection, reads=CHANGES)
    del api.commits[number]
    server.now += HOUR
    api.abandon(number)
    collected(server, connection, reads=CHANGES)
    assert column(connection, "select state from landing.changes") == ["closed"]
    assert column(connection, "select count(*) from landing.change_commits where deleted_at is null") == [1]


def test_more_commits_than_a_page_holds_are_all_read(
    server: AzureDevOps, api: Repository, connection: DuckDBPyConnection
) -> None:
    number = api.open()
    for _ in range(1_200):
        api.push(number)
    collected(server, connection, reads=CHANGES)
    assert column(connection, "select count(*) from landing.change_commits") == [1_201]


# -- pipelines --------------------------------------------------------------------------------------------------------


def test_a_run_is_there_while_it_goes_on_and_then_as_it_ended(
    server: AzureDevOps, shop: Project, api: Repository, connection: DuckDBPyConnection
) -> None:
    number = shop.run(api, jobs=("Build", "Production"))
    collected(server, connection, reads=PIPELINES)
    running = "select result, finished_at from landing.pipeline_runs"
    assert rows(connection, running) == [(None, None)]
    server.now += 5 * MINUTE
    shop.finish(number)
    collected(server, connection, reads=PIPELINES)
    assert rows(connection, running) == [("success", NOW + 5 * MINUTE)]
    assert rows(connection, "select name, result from landing.jobs order by 1") == [
        ("Build / Build it", "success"), ("Production / Production it", "success"),
    ]  # fmt: skip
    server.now += HOUR
    collected(server, connection, reads=PIPELINES)
    server.now += HOUR
    assert again(server, connection, "timeline", reads=PIPELINES) == []


def test_a_run_that_is_run_again_keeps_what_became_of_it_before(
    server: AzureDevOps, shop: Project, api: Repository, connection: DuckDBPyConnection
) -> None:
    number = shop.run(api, jobs=("Build", "Production"))
    server.now += 5 * MINUTE
    shop.finish(number, "failed")
    server.now += DAY
    shop.run_again(number, "Production")
    collected(server, connection, reads=PIPELINES)
    attempts = (
        "select attempt, result, queued_at is null, started_at, finished_at from landing.pipeline_runs order by 1"
    )
    first = (1, "failure", False, NOW, NOW + 5 * MINUTE)
    again_at = NOW + DAY + 5 * MINUTE
    assert rows(connection, attempts) == [first, (2, None, True, again_at, None)]
    server.now += HOUR
    shop.finish(number)
    collected(server, connection, reads=PIPELINES)
    assert rows(connection, attempts) == [first, (2, "success", True, again_at, again_at + HOUR)]
    jobs = "select name, attempt, result, pipeline_run[-2:] from landing.jobs order by name, attempt"
    assert rows(connection, jobs) == [
        ("Build / Build it", 1, "failure", "/1"),
        ("Production / Production it", 1, "failure", "/1"),
        ("Production / Production it", 2, "success", "/2"),
    ]


def test_a_run_begun_again_after_it_was_listed_has_not_ended(
    server: AzureDevOps, shop: Project, api: Repository, connection: DuckDBPyConnection
) -> None:
    number = shop.run(api)
    shop.finish(number, "failed")

    def run_again(request: httpx2.Request) -> None:
        if request.url.path.endswith("timeline") and shop.builds[number]["status"] == "completed":
            shop.run_again(number)

    server.before = run_again
    collected(server, connection, reads=PIPELINES)
    assert rows(connection, "select attempt, result from landing.pipeline_runs order by 1") == [
        (1, "failure"),
        (2, None),
    ]


def test_more_runs_finished_at_one_instant_than_a_page_holds_are_all_read(
    server: AzureDevOps, shop: Project, api: Repository, connection: DuckDBPyConnection
) -> None:
    for _ in range(250):
        shop.finish(shop.run(api))
    asked = again(server, connection, "timeline", reads=PIPELINES, jobs=False)
    assert column(connection, "select count(*) from landing.pipeline_runs") == [250]
    assert asked == []
    assert column(connection, "select distinct stream from meta.coverage") == ["pipeline_runs"]


def test_a_token_the_server_has_forgotten_begins_the_walk_anew(
    server: AzureDevOps, shop: Project, api: Repository, connection: DuckDBPyConnection
) -> None:
    server.now = NOW - 60 * DAY
    for _ in range(250):
        shop.finish(shop.run(api))
    server.now = NOW
    refused: list[str] = []

    def forget(request: httpx2.Request) -> None:
        token = request.url.params.get("continuationToken")
        if token and not refused and "repositoryId" in request.url.params:
            refused.append(token)
            raise Refused(400, "The continuation token is invalid")

    server.before = forget
    collected(server, connection, reads=PIPELINES, jobs=False)
    assert len(refused) == 1
    assert column(connection, "select count(*) from landing.pipeline_runs") == [250]


def test_runs_of_repositories_elsewhere_are_read_with_the_project(
    server: AzureDevOps, shop: Project, api: Repository, connection: DuckDBPyConnection
) -> None:
    other = server.project("acme/Other").repository("lib")
    excluded = shop.repository("sandbox")
    tfvc = {"type": "TfsVersionControl", "id": "$/"}
    for one in (api, SITE, other, excluded, tfvc):
        shop.finish(shop.run(one))
    shop.run(SITE)
    collected(server, connection, reads=PIPELINES, excluded=("acme/Shop/sandbox",))
    assert column(connection, "select repository from landing.pipeline_runs where result = 'success' order by 1") == [
        *sorted([api.id, "github.com/acme/site", other.id]),
        None,
    ]
    assert column(connection, "select repository from landing.pipeline_runs where result is null") == [
        "github.com/acme/site"
    ]


def test_a_run_without_a_timeline_is_a_run_without_jobs(
    server: AzureDevOps, shop: Project, api: Repository, connection: DuckDBPyConnection
) -> None:
    number = shop.run(api, jobs=())
    shop.finish(number)
    collected(server, connection, reads=PIPELINES)
    assert rows(connection, "select attempt, result from landing.pipeline_runs") == [(1, "success")]


# -- deployments ------------------------------------------------------------------------------------------------------


def deployed(connection: DuckDBPyConnection) -> Sequence[tuple[Any, ...]]:
    return rows(connection, "select environment, status, count(*) from landing.deployments group by all order by all")


def test_deployments_of_all_environments_are_read_whoever_has_more(
    server: AzureDevOps, shop: Project, api: Repository, connection: DuckDBPyConnection
) -> None:
    server.now = NOW - 100 * DAY
    for number in range(350):
        build = shop.run(api)
        shop.finish(build)
        shop.deploy("staging", build)
        if number % 10 == 0:
            shop.deploy("production", build, "failed")
        server.now += 6 * HOUR
    server.now = NOW
    asked = again(server, connection, "/environmentdeploymentrecords", reads=DEPLOYMENTS)
    assert deployed(connection) == [("production", "failure", 35), ("staging", "success", 350)]
    assert len(asked) == 5
    found = rows(connection, "select distinct d.repository, d.sha is null, d.actor from landing.deployments as d")
    assert found == [(api.id, False, str(ADA["id"]))]
    server.now += HOUR
    assert again(server, connection, "/environmentdeploymentrecords", reads=DEPLOYMENTS) == []


def test_a_deployment_that_goes_on_is_known_as_it_ends(
    server: AzureDevOps, shop: Project, api: Repository, connection: DuckDBPyConnection
) -> None:
    build = shop.run(api)
    number = shop.deploy("production", build, None)
    collected(server, connection, reads=DEPLOYMENTS)
    assert deployed(connection) == [("production", "running", 1)]
    server.now += 2 * HOUR
    shop.deploy_ends(number)
    shop.finish(build)
    collected(server, connection, reads=DEPLOYMENTS)
    assert deployed(connection) == [("production", "success", 1)]


def test_a_deployment_whose_run_is_gone_is_told_without_commit(
    server: AzureDevOps, shop: Project, api: Repository, connection: DuckDBPyConnection
) -> None:
    build = shop.run(api)
    shop.deploy("production", build)
    del shop.builds[build]
    collected(server, connection, reads=DEPLOYMENTS)
    assert rows(connection, "select repository, sha, status from landing.deployments") == [(None, None, "success")]


def test_deployments_in_another_order_are_an_error_and_no_coverage(
    server: AzureDevOps, shop: Project, api: Repository, connection: DuckDBPyConnection
) -> None:
    build = shop.run(api)
    for _ in range(3):
        shop.deploy("production", build)
        server.now += DAY
    (records,) = shop.records.values()
    for record in records:
        record["id"] = -record["id"]
    (failure,) = collected(server, connection, reads=DEPLOYMENTS)
    assert "deployments come oldest first, from 2026-01-05 on: the API's order has changed" in failure
    assert column(
        connection, "select count(*) from meta.coverage where stream = 'deployments' and scope like '%env%'"
    ) == [0]


def test_a_classic_release_is_read_again_when_it_was_modified(
    server: AzureDevOps, shop: Project, api: Repository, connection: DuckDBPyConnection
) -> None:
    for _ in range(120):
        shop.release_ends(shop.release(api, "Staging"))
    waiting = shop.release(api)
    collected(server, connection, reads=DEPLOYMENTS)
    assert deployed(connection) == [("Production", "running", 1), ("Staging", "success", 120)]
    server.now += 30 * DAY
    shop.release_ends(waiting, "notDeployed", "rejected")
    collected(server, connection, reads=DEPLOYMENTS)
    assert deployed(connection) == [("Production", "cancelled", 1), ("Staging", "success", 120)]


def test_deployments_of_repositories_that_are_not_wanted_are_left_out(
    server: AzureDevOps, shop: Project, api: Repository, connection: DuckDBPyConnection
) -> None:
    web = shop.repository("web")
    for one in (api, web):
        shop.release(one)
        shop.deploy("production", shop.run(one))
    collected(server, connection, reads=DEPLOYMENTS, organisations=(), repositories=("acme/Shop/web",))
    assert column(connection, "select distinct repository from landing.deployments") == [web.id]
    assert column(connection, "select count(*) from landing.deployments") == [2]


# -- work items -------------------------------------------------------------------------------------------------------


def test_work_items_are_read_by_their_last_change_and_those_that_are_gone_found_in_a_week(
    server: AzureDevOps, shop: Project, api: Repository, connection: DuckDBPyConnection
) -> None:
    numbers = [shop.item() for _ in range(450)]
    server.now += HOUR
    asked = again(server, connection, "wit/", reads=ISSUES)
    assert column(connection, "select count(*) from landing.issues") == [450]
    assert len(asked) <= 9
    server.now += DAY
    shop.close_item(numbers[3])
    del shop.items[numbers[4]]
    assert len(again(server, connection, "wit/", reads=ISSUES)) == 2
    closed = "select status_category, done_at from landing.issues where ext_id = ?"
    assert connection.execute(closed, [f"acme/{numbers[3]}"]).fetchall() == [("done", NOW + DAY + HOUR)]
    server.now += 8 * DAY
    collected(server, connection, reads=ISSUES)
    assert column(connection, "select count(*) from landing.issues where deleted_at is null") == [449]


def test_a_work_item_that_moves_to_another_project_stays_one(
    server: AzureDevOps, shop: Project, api: Repository, connection: DuckDBPyConnection
) -> None:
    other = server.project("acme/Other")
    other.repository("lib")
    number = shop.item()
    collected(server, connection, reads=ISSUES)
    other.items[number] = shop.items.pop(number)
    server.now += HOUR
    other.change_item(number)
    collected(server, connection, reads=ISSUES)
    server.now += 8 * DAY
    collected(server, connection, reads=ISSUES)
    assert rows(connection, "select key, deleted_at from landing.issues") == [(f"acme/Other#{number}", None)]
