"""The GitHub source against the fake: what it asks for, what that costs, and how it takes refusals."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from duckdb import DuckDBPyConnection
from pydantic import ValidationError

from dxmetrics.errors import AuthError, CollectError
from dxmetrics.records import Change
from tests.fakes.github import Fault, Server, World, generate
from tests.fakes.github.faults import SECONDARY

from .harness import TOKEN, alive, collected, github, source


def rows(connection: DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query).fetchall()


@pytest.fixture
def world() -> World:
    return generate(repositories=2, pulls=50, runs=20, deployments=10, issues=10, days=100)


def test_everything_of_an_organisation_lands(world: World, tmp_path: Path, connection: DuckDBPyConnection) -> None:
    world.team("acme", "payments", ["dev1", "dev2"])
    with Server(world, token=TOKEN) as server:
        assert collected(source(server, tmp_path), connection) == []
    counts = {table: len(found) for table, found in alive(connection).items()}
    assert (counts["repositories"], counts["changes"], counts["deployments"], counts["issues"]) == (2, 50, 10, 10)
    assert counts["pipeline_runs"] == 20 + sum(len(run["#attempts"]) for run in world.runs.values())
    assert (counts["teams"], counts["memberships"]) == (1, 2)
    covered = rows(connection, "select distinct stream from meta.coverage order by 1")
    assert covered == [
        ("change_commits",), ("changes",), ("deployments",), ("issues",), ("jobs",), ("pipeline_runs",), ("reviews",),
    ]  # fmt: skip
    born = rows(connection, "select bool_and(covered_from = created_at) from meta.coverage, landing.repositories")
    assert born == [(True,)]


def test_a_thousand_requests_cost_fifty_questions(tmp_path: Path) -> None:
    world = generate(repositories=1, pulls=1_000, days=300)
    with Server(world, token=TOKEN) as server, closing(source(server, tmp_path, reads=("changes",))) as one:
        (scope,) = one.scopes()
        found = [row["pull"]["number"] for page in one.collect(scope, None) for row in page.rows.get(Change, ())]
    assert sorted(found) == list(range(1, 1_001))
    assert server.requests["graphql"] <= 50  # with the listing, and CODEOWNERS
    assert server.points["graphql"] <= 52


def test_idle_repositories_cost_three_points_a_hundred(tmp_path: Path, connection: DuckDBPyConnection) -> None:
    world = generate(repositories=6, pulls=18, runs=6, deployments=6, issues=6, days=300)
    with Server(world, token=TOKEN) as server:
        collected(source(server, tmp_path), connection)
        world.wait(days=1)
        collected(source(server, tmp_path), connection)
        server.reset_counts()
        world.wait(hours=1)
        assert collected(source(server, tmp_path), connection) == []
    assert dict(server.points) == {"graphql": 3}
    assert server.requests["graphql"] == 1


def test_what_does_not_fit_into_a_page_is_fetched(tmp_path: Path, connection: DuckDBPyConnection) -> None:
    world = World()
    repo = world.repository("acme", "shop")
    pull = world.pull(repo)
    for _ in range(240):
        world.push(pull)
    for number in range(60):
        world.review(pull, f"dev{number}", "COMMENTED")
    world.label(pull, *(f"label-{number}" for number in range(12)))
    with Server(world, token=TOKEN) as server:
        assert collected(source(server, tmp_path), connection) == []
    assert rows(connection, "select count(*) from landing.change_commits") == [(241,)]
    assert rows(connection, "select count(*) from landing.reviews") == [(60,)]
    assert rows(connection, "select len(labels), commits_count from landing.changes") == [(12, 241)]


def test_a_force_push_leaves_no_commit_behind(tmp_path: Path, connection: DuckDBPyConnection) -> None:
    world = World()
    pull = world.pull(world.repository("acme", "shop"))
    world.push(pull)
    with Server(world, token=TOKEN) as server:
        collected(source(server, tmp_path), connection)
        world.wait(hours=1)
        kept = world.push(pull, forces=True)
        collected(source(server, tmp_path), connection)
    live = rows(connection, "select sha from landing.change_commits where deleted_at is null")
    assert live == [(kept["oid"],)]


def test_a_renamed_repository_stays_one_with_both_names(tmp_path: Path, connection: DuckDBPyConnection) -> None:
    world = World()
    repo = world.repository("acme", "shop")
    world.pull(repo)
    with Server(world, token=TOKEN) as server:
        collected(source(server, tmp_path), connection)
        world.wait(hours=1)
        world.rename(repo, "store")
        world.pull(repo)
        assert collected(source(server, tmp_path), connection) == []
    assert rows(connection, "select name, aliases from landing.repositories") == [
        ("github.test/acme/store", ["github.test/acme/shop"])
    ]
    assert rows(connection, "select count(*) from landing.changes where deleted_at is null") == [(2,)]


def test_an_attempt_that_was_run_again_keeps_its_outcome_and_jobs(
    tmp_path: Path, connection: DuckDBPyConnection
) -> None:
    world = World()
    run = world.run(world.repository("acme", "shop"), conclusion="failure")
    world.rerun(run)
    with Server(world, token=TOKEN) as server:
        assert collected(source(server, tmp_path), connection) == []
    found = rows(connection, "select attempt, result, started_at > queued_at from landing.pipeline_runs order by 1")
    assert found == [(1, "failure", True), (2, "success", True)]
    assert rows(connection, "select pipeline_run, count(*) from landing.jobs group by 1 order by 1") == [
        (f"{run['id']}/1", 2),
        (f"{run['id']}/2", 2),
    ]


def test_a_running_workflow_is_looked_at_until_it_ends(tmp_path: Path, connection: DuckDBPyConnection) -> None:
    world = World()
    repo = world.repository("acme", "shop")
    slow = world.run(repo, conclusion=None)
    with Server(world, token=TOKEN) as server:
        collected(source(server, tmp_path), connection)
        for _ in range(120):
            world.run(repo)
        world.wait(days=4)
        world.finish(slow)
        collected(source(server, tmp_path), connection)
    assert rows(connection, f"select result from landing.pipeline_runs where ext_id = '{slow['id']}/1'") == [
        ("success",)
    ]


def test_a_missing_permission_fails_one_feed_and_names_it(
    world: World, tmp_path: Path, connection: DuckDBPyConnection
) -> None:
    refused = Fault(
        "/actions/runs", 99, status=403, headers={"x-accepted-github-permissions": "actions=read"},
        body={"message": "Resource not accessible by personal access token"},
    )  # fmt: skip
    with Server(world, token=TOKEN) as server:
        server.faults.add(refused)
        failures = collected(source(server, tmp_path), connection)
    assert len(failures) == 2
    assert "actions=read" in failures[0]
    assert rows(connection, "select count(*) from landing.changes") == [(50,)]
    assert rows(connection, "select count(*) from landing.pipeline_runs") == [(0,)]


def test_a_wrong_token_and_none_at_all_name_the_variable(world: World, tmp_path: Path) -> None:
    with Server(world, token=TOKEN) as server:
        wrong = source(server, tmp_path, token="another")  # noqa: S106
        with pytest.raises(AuthError, match="DX_GITHUB__TOKEN"):
            list(wrong.scopes())
        wrong.close()
        with pytest.raises(AuthError, match="there is no token: create one with read access and set DX_GITHUB__TOKEN"):
            list(source(server, tmp_path, token=None).scopes())


def test_an_organisation_that_is_not_there_is_named(world: World, tmp_path: Path) -> None:
    message = r"organisation 'acne': .* correct `organisations`"
    with (
        Server(world, token=TOKEN) as server,
        closing(source(server, tmp_path, organisations=("acne",))) as one,
        pytest.raises(CollectError, match=message),
    ):
        list(one.scopes())


def test_a_single_repository_that_is_not_there_fails_alone(
    world: World, tmp_path: Path, connection: DuckDBPyConnection
) -> None:
    with Server(world, token=TOKEN) as server:
        named = source(server, tmp_path, organisations=(), repositories=("acme/service-0", "acme/gone"))
        (failure,) = collected(named, connection)
    assert "acme/gone: it is not there, or the token may not see it: correct `repositories`" in failure
    assert rows(connection, "select count(*) from landing.changes") == [(22,)]


def test_single_repositories_are_read_once_however_they_are_named(world: World, tmp_path: Path) -> None:
    with Server(world, token=TOKEN) as server:
        both = source(server, tmp_path, repositories=("acme/service-0", "ACME/Service-1"), excluded=("acme/service-1",))
        assert [scope.title for scope in both.scopes()] == ["acme/service-0", "acme (teams)"]
        both.close()


def test_limits_are_waited_for_and_long_ones_end_the_source(
    world: World, tmp_path: Path, connection: DuckDBPyConnection
) -> None:
    with Server(world, token=TOKEN) as server:
        server.faults.add(Fault("graphql", status=403, headers={"retry-after": "7"}, body=SECONDARY))
        before = world.now
        assert collected(source(server, tmp_path, reads=("changes",)), connection) == []
        assert world.now - before == timedelta(seconds=7)
        server.faults.add(Fault("graphql", status=403, headers={"retry-after": "3600"}, body=SECONDARY))
        (failure,) = collected(source(server, tmp_path), connection)
    assert "the next collection goes on from here" in failure


def test_a_page_that_is_too_much_is_halved_and_remembered(
    world: World, tmp_path: Path, connection: DuckDBPyConnection
) -> None:
    with Server(world, token=TOKEN) as server:
        server.faults.add(Fault("pullRequests(first: $n", 99, status=502, larger_than=10))
        assert collected(source(server, tmp_path), connection) == []
    memos = rows(
        connection, """select "cursor"->'changes'->'memo'->>'size' from meta.cursors where scope not like 't%'"""
    )
    assert memos == [("10",), ("10",)]


def test_a_cursor_that_never_ends_is_a_loop(world: World, tmp_path: Path, connection: DuckDBPyConnection) -> None:
    with Server(world, token=TOKEN) as server:
        real = server.respond
        first: dict[str, str] = {}

        def endless(*request: Any) -> Any:
            reply, fault = real(*request)
            pulls = ((reply.body or {}).get("data") or {}).get("repository") or {}
            if "pullRequests" in pulls:
                page = pulls["pullRequests"]["pageInfo"]
                page |= {"hasNextPage": True, "endCursor": first.setdefault("cursor", page["endCursor"])}
            return reply, fault

        server.respond = endless  # type: ignore[method-assign]
        failures = collected(source(server, tmp_path), connection)
    assert all("paging is in a loop" in failure for failure in failures)
    assert len(failures) == 2


def test_an_app_reads_with_the_token_of_its_installation(
    world: World, tmp_path: Path, connection: DuckDBPyConnection
) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    with Server(world, token=TOKEN) as server:
        app = source(server, tmp_path, token=None, app_id="12", private_key=pem)
        assert collected(app, connection) == []
        assert server.asked.count("POST /app/installations/21/access_tokens") == 1
    assert rows(connection, "select count(*) from landing.changes") == [(50,)]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "names nothing to read"),
        ({"repositories": ("shop",)}, "is not `owner/name`"),
        ({"organisations": ("acme",), "app_id": "1"}, "an App needs `private_key`"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        github.GitHubSettings.model_validate({"kind": "github", **settings})


@pytest.mark.parametrize(
    ("url", "rest", "graphql"),
    [
        (None, "https://api.github.com", "https://api.github.com/graphql"),
        ("https://acme.ghe.com", "https://api.acme.ghe.com", "https://api.acme.ghe.com/graphql"),
        ("https://git.acme.com", "https://git.acme.com/api/v3", "https://git.acme.com/api/graphql"),
    ],
)
def test_every_kind_of_server_has_its_addresses(url: str | None, rest: str, graphql: str) -> None:
    from dxmetrics.collectors.github.api import Addresses

    assert Addresses.of(url) == Addresses(rest, graphql)
