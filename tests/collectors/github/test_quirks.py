"""What GitHub does that a reader of its documentation would not expect, and what is asked for no more than it must."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from duckdb import DuckDBPyConnection

from dxmetrics.errors import AuthError, CollectError, SettingsError
from tests.collectors.gitrepo import Repo
from tests.fakes.github import Fault, Server, World

from .harness import TOKEN, collected, source


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def server(world: World) -> Iterator[Server]:
    with Server(world, token=TOKEN) as made:
        yield made


def ask(connection: DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query).fetchall()


def spent(server: Server) -> dict[str, int]:
    """Requests since the last time."""
    found = dict(server.requests)
    server.reset_counts()
    return found


# -- nothing is asked in vain ------------------------------------------------------------------------------------------


def test_repositories_without_anything_cost_one_request_each(
    world: World, server: Server, tmp_path: Path, connection: DuckDBPyConnection
) -> None:
    for number in range(12):
        world.repository("acme", f"empty-{number}")
    settings = {"reads": ("changes", "pipelines", "deployments", "releases", "issues")}
    assert collected(source(server, tmp_path, **settings), connection) == []
    assert spent(server) == {"graphql": 2, "rest": 12}  # the listing, CODEOWNERS; whether Actions ever ran
    world.wait(hours=1)
    assert collected(source(server, tmp_path, **settings), connection) == []
    assert spent(server) == {"graphql": 1}


def test_an_archived_repository_is_read_to_its_end_and_never_again(
    world: World, server: Server, tmp_path: Path, connection: DuckDBPyConnection
) -> None:
    repo = world.repository("acme", "shop")
    for _ in range(130):
        world.run(repo)
        world.wait(days=2)
    world.pull(repo)
    world.deploy(repo, "a" * 40)
    repo["isArchived"] = True
    world.touch(repo)
    world.wait(days=40)
    collected(source(server, tmp_path, reads=("changes", "pipelines", "deployments")), connection, stop_after=3)
    assert collected(source(server, tmp_path), connection) == []
    assert ask(connection, "select count(*) from landing.pipeline_runs") == [(130,)]
    world.wait(days=30)
    server.reset_counts()
    assert collected(source(server, tmp_path, reads=("changes", "pipelines", "deployments")), connection) == []
    assert spent(server) == {"graphql": 1}


def test_timelines_full_of_other_events_are_no_reason_to_ask_again(
    world: World, server: Server, tmp_path: Path, connection: DuckDBPyConnection
) -> None:
    pull = world.pull(world.repository("acme", "shop"), isDraft=True)
    for _ in range(40):
        world.event(pull, "LabeledEvent")
    ready = world.event(pull, "ReadyForReviewEvent")
    assert collected(source(server, tmp_path, reads=("changes",)), connection) == []
    assert spent(server) == {"graphql": 3}
    assert ask(connection, "select ready_at from landing.changes")[0][0].isoformat().startswith(ready["createdAt"][:19])


def test_an_answer_that_is_too_much_for_the_server_is_asked_for_in_parts(
    world: World, server: Server, tmp_path: Path, connection: DuckDBPyConnection
) -> None:
    repo = world.repository("acme", "shop")
    for _ in range(9):
        world.run(repo)
    server.faults.add(Fault("query Checks", 2, status=502))
    assert collected(source(server, tmp_path, reads=("pipelines",)), connection) == []
    assert ask(connection, "select count(*) from landing.jobs") == [(18,)]


# -- people and names --------------------------------------------------------------------------------------------------


def test_a_persons_account_has_repositories_and_no_teams(world: World, server: Server, tmp_path: Path) -> None:
    world.repository("acme", "shop")["owner"]["__typename"] = "User"
    with closing(source(server, tmp_path)) as one:
        assert [scope.title for scope in one.scopes()] == ["acme/shop"]


def test_teams_are_read_with_all_their_members_and_remember_who_left(
    world: World, server: Server, tmp_path: Path, connection: DuckDBPyConnection
) -> None:
    world.repository("acme", "shop")
    parent = world.team("acme", "engineering", [])
    people = [f"dev{number}" for number in range(130)]
    team = world.team("acme", "payments", people, parent)
    assert collected(source(server, tmp_path), connection) == []
    assert ask(connection, "select ext_id, name, parent from landing.teams order by 1") == [
        ("acme/engineering", "Engineering", None),
        ("acme/payments", "Payments", "acme/engineering"),
    ]
    assert ask(connection, "select count(*) from landing.memberships where team = 'acme/payments'") == [(130,)]
    team["members"] = team["members"][1:]
    world.wait(days=1)
    assert collected(source(server, tmp_path), connection) == []
    gone = str(world.users["dev0"]["databaseId"])
    left = ask(connection, f"select valid_from, valid_to from landing.memberships where person = '{gone}'")
    assert left == [(None, world.now.date())]


def test_codeowners_name_the_team_of_a_repository_and_are_read_again_after_a_push(
    world: World, server: Server, tmp_path: Path, connection: DuckDBPyConnection
) -> None:
    repo = world.repository("acme", "shop")
    repo["files"][".github/CODEOWNERS"] = "* @acme/payments\n"
    repo["files"]["CODEOWNERS"] = "* @acme/others\n"
    collected(source(server, tmp_path), connection)
    assert ask(connection, "select team from landing.repositories") == [("acme/payments",)]
    world.wait(hours=1)
    repo["files"][".github/CODEOWNERS"] = "* @acme/search\n"
    repo["pushedAt"] = repo["updatedAt"] = world.now.strftime("%Y-%m-%dT%H:%M:%SZ")
    collected(source(server, tmp_path), connection)
    assert ask(connection, "select team from landing.repositories") == [("acme/search",)]


# -- runs --------------------------------------------------------------------------------------------------------------


def test_jobs_that_did_not_run_again_stay_with_the_attempt_they_ran_in(
    world: World, server: Server, tmp_path: Path, connection: DuckDBPyConnection
) -> None:
    run = world.run(world.repository("acme", "shop"), jobs=("build", "test"), conclusion="failure")
    collected(source(server, tmp_path), connection)
    suite = world.nodes[run["check_suite_node_id"]]
    carried = suite["checkRuns"][0]
    world.wait(hours=2)
    world.rerun(run)
    suite["checkRuns"][0] = carried
    assert collected(source(server, tmp_path), connection) == []
    found = ask(connection, "select name, attempt from landing.jobs where deleted_at is null order by all")
    assert found == [("build", 1), ("test", 1), ("test", 2)]
    assert ask(connection, "select bool_and(started_at > queued_at) from landing.pipeline_runs") == [(True,)]


def test_a_run_that_was_deleted_while_it_ran_is_forgotten(
    world: World, server: Server, tmp_path: Path, connection: DuckDBPyConnection
) -> None:
    repo = world.repository("acme", "shop")
    run = world.run(repo, conclusion=None)
    collected(source(server, tmp_path), connection)
    del world.runs[run["id"]]
    for _ in range(2):
        world.wait(hours=1)
        server.reset_counts()
        assert collected(source(server, tmp_path), connection) == []
    assert f"GET /repos/acme/shop/actions/runs/{run['id']}" not in server.asked


# -- deployments -------------------------------------------------------------------------------------------------------


def test_all_statuses_of_a_deployment_are_read(
    world: World, server: Server, tmp_path: Path, connection: DuckDBPyConnection
) -> None:
    made = world.deploy(world.repository("acme", "shop"), "a" * 40, states=("IN_PROGRESS", "SUCCESS"))
    success = made["statuses"][0]["createdAt"]
    for _ in range(60):
        world.status(made, "IN_PROGRESS")
    assert collected(source(server, tmp_path), connection) == []
    ((status, finished_at),) = ask(connection, "select status, finished_at from landing.deployments")
    assert (status, finished_at.isoformat()[:19]) == ("success", success[:19])


def test_a_deployment_without_an_outcome_is_looked_at_for_five_weeks(
    world: World, server: Server, tmp_path: Path, connection: DuckDBPyConnection
) -> None:
    made = world.deploy(world.repository("acme", "shop"), "a" * 40, states=("IN_PROGRESS",))
    settings = {"reads": ("deployments",)}
    collected(source(server, tmp_path, **settings), connection)
    world.wait(days=20)
    world.status(made, "SUCCESS")
    collected(source(server, tmp_path, **settings), connection)
    assert ask(connection, "select status from landing.deployments") == [("success",)]
    world.deploy(made["repository"], "b" * 40, states=("QUEUED",))
    world.wait(minutes=5)
    collected(source(server, tmp_path, **settings), connection)
    world.wait(days=36)
    collected(source(server, tmp_path, **settings), connection)
    server.reset_counts()
    world.wait(hours=1)
    collected(source(server, tmp_path, **settings), connection)
    assert spent(server) == {"graphql": 1}


def test_a_release_of_an_older_line_is_found_within_a_day(
    world: World, server: Server, tmp_path: Path, connection: DuckDBPyConnection
) -> None:
    repo = world.repository("acme", "shop", pushedAt=world.now.strftime("%Y-%m-%dT%H:%M:%SZ"))
    world.release(repo, "v2.0.0")
    world.release(repo, "v3.0.0-rc1", is_prerelease=True)
    collected(source(server, tmp_path, reads=("releases",)), connection)
    world.wait(hours=25)
    world.release(repo, "v1.9.1", is_latest=False)
    world.release(repo, "v4.0.0", is_draft=True)
    assert collected(source(server, tmp_path, reads=("releases",)), connection) == []
    found = ask(connection, "select version, via, environment from landing.deployments order by 1")
    assert found == [("v1.9.1", "release", "production"), ("v2.0.0", "release", "production")]


# -- refusals ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            {"type": "FORBIDDEN", "path": ["repository"], "message": "Resource not accessible by integration"},
            r'give the token read access to pull requests, or leave "changes" out of `reads`',
        ),
        (
            {"type": "FORBIDDEN", "message": "Resource protected by organization SAML enforcement."},
            "authorise the token for the organisation's single sign-on",
        ),
        (
            {"type": "INSUFFICIENT_SCOPES", "message": "requires one of the following scopes: ['repo']"},
            r"\['repo'\]: give the token that scope",
        ),
        ({"message": "Field 'basket' doesn't exist"}, "the query was refused: Field 'basket'"),
    ],
)
def test_a_refusal_inside_an_answer_says_what_to_do(
    error: dict[str, Any],
    message: str,
    world: World,
    server: Server,
    tmp_path: Path,
    connection: DuckDBPyConnection,
) -> None:
    world.pull(world.repository("acme", "shop"))
    world.issue(world.find("acme/shop") or {})
    body = {"data": {"repository": None}, "errors": [error]}
    server.faults.add(Fault("query Changes", 9, status=200, body=body))
    (failure,) = collected(source(server, tmp_path), connection)
    with pytest.raises(CollectError, match=message):
        raise CollectError(failure)
    assert ask(connection, "select count(*) from landing.issues") == [(1,)]  # the other feeds go on


def test_a_part_that_could_not_be_read_takes_away_nothing(
    world: World, server: Server, tmp_path: Path, connection: DuckDBPyConnection
) -> None:
    pull = world.pull(world.repository("acme", "shop"))
    world.review(pull, "bob")
    collected(source(server, tmp_path), connection)
    world.wait(hours=1)
    world.label(pull, "bug")
    real = server.respond

    def without_reviews(*request: Any) -> Any:
        reply, fault = real(*request)
        found = ((reply.body.get("data") or {}).get("repository") or {}).get("pullRequests") if reply.body else None
        if found:
            found["nodes"][0]["reviews"] = None
            error = {"message": "Reviews are not to be had", "path": ["repository", "pullRequests", "nodes", 0]}
            reply.body["errors"] = [error]
        return reply, fault

    server.respond = without_reviews  # type: ignore[method-assign]
    with closing(source(server, tmp_path, reads=("changes",))) as one:
        (scope,) = one.scopes()
        pages = list(one.collect(scope, None))
    assert {note for page in pages for note in page.notes} == {"GitHub left something out: Reviews are not to be had"}
    whole = {record.__name__: list(said.of) for page in pages for record, said in page.whole.items()}
    assert whole == {"ChangeCommit": [pull["fullDatabaseId"]], "Review": [], "Link": [pull["fullDatabaseId"]]}


# -- credentials -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def key() -> str:
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return made.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


def test_a_signature_is_made_anew_by_the_clock_of_a_server_that_refuses_it(
    key: str, world: World, server: Server, tmp_path: Path, connection: DuckDBPyConnection
) -> None:
    world.pull(world.repository("acme", "shop"))
    (tmp_path / "app.pem").write_text(key)
    server.faults.add(Fault("/installation", status=401, body={"message": "'Expiration time' claim is too far"}))
    app = source(server, tmp_path, token=None, app_id="12", private_key_file="app.pem")
    assert collected(app, connection) == []
    assert server.asked.count("GET /users/acme/installation") == 2
    assert ask(connection, "select count(*) from landing.changes") == [(1,)]


def test_an_app_that_is_not_installed_or_whose_key_is_refused_says_so(
    key: str, world: World, server: Server, tmp_path: Path
) -> None:
    world.repository("acme", "shop")
    wrong = Fault("/installation", 2, status=401, body={"message": "A JSON web token could not be decoded"})
    cases: list[tuple[type[Exception], str, list[Fault], dict[str, Any]]] = [
        (AuthError, "App 12 is not installed at acne: install it there", [], {"organisations": ("acne",)}),
        (AuthError, "GitHub refuses the key of App 12: check `app_id`", [wrong], {}),
        (SettingsError, r"private_key_file = .*gone\.pem': No such file", [], {"private_key_file": "gone.pem"}),
    ]
    for error, message, faults, settings in cases:
        server.faults.add(*faults)
        given = {"token": None, "app_id": "12", **({} if "private_key_file" in settings else {"private_key": key})}
        with closing(source(server, tmp_path, **given, **settings)) as one, pytest.raises(error, match=message):
            list(one.scopes())


def test_an_installation_that_is_named_is_not_looked_up_and_its_token_serves_mirrors_too(
    key: str, world: World, server: Server, tmp_path: Path
) -> None:
    world.repository("acme", "shop")
    with closing(source(server, tmp_path, token=None, app_id="12", private_key=key, installation_id=21)) as one:
        list(one.scopes())
        assert one._access.token("acme") == one._access.token("acme") == "ghs_installation"
        assert server.asked == ["POST /app/installations/21/access_tokens", "POST /graphql"]
        world.wait(minutes=45)
        list(one.scopes())
        one._access.token("acme")
    assert server.asked.count("POST /app/installations/21/access_tokens") == 2


# -- mirrors -----------------------------------------------------------------------------------------------------------


def test_the_mirror_tells_of_commits_beside_what_the_api_tells(
    world: World, server: Server, tmp_path: Path, connection: DuckDBPyConnection
) -> None:
    origin = Repo(tmp_path / "origins" / "shop.git")
    origin.commit("First (#1)")
    repo = world.repository("acme", "shop", url=f"file://{tmp_path}/origins/shop")
    world.pull(repo)
    world.repository("acme", "empty", isEmpty=True)
    assert collected(source(server, tmp_path / "own", mirror=True), connection) == []
    assert ask(connection, "select count(*) from landing.commits") == [(1,)]
    assert ask(connection, "select distinct repository from landing.changes") == [(str(repo["databaseId"]),)]
    assert ask(connection, "select count(*) from meta.quarantine") == [(0,)]
