"""Collecting from Azure DevOps: which requests go out, and what a warehouse holds afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from duckdb import DuckDBPyConnection
from pydantic import ValidationError

from dxmetrics.errors import AuthError, LimitedError, NotFoundError
from dxmetrics.records import Change
from tests.fakes.azure_devops import AzureDevOps, Project, Refused, Repository

from .contract import check
from .harness import CREDENTIAL, azure, collected, pages, rows, source

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def server() -> AzureDevOps:
    """A server whose clock stands 60 days before NOW."""
    return AzureDevOps(NOW - 60 * DAY)


@pytest.fixture
def shop(server: AzureDevOps) -> Project:
    """An empty project."""
    return server.project("acme/Shop")


@pytest.fixture
def api(shop: Project) -> Repository:
    """A repository in it."""
    return shop.repository("api")


def again(server: AzureDevOps, connection: DuckDBPyConnection, **settings: Any) -> list[str]:
    """What another collection asks for."""
    before = len(server.requests)
    assert collected(server, connection, **settings) == []
    return [request.url.path.rpartition("_apis/")[2] for request in server.requests[before:]]


def a_lot_of_everything(server: AzureDevOps, shop: Project, api: Repository, days: int) -> None:
    """The days before NOW, on each of which something of each kind happens."""
    server.now = NOW - days * DAY
    for day in range(days):
        number = api.open(f"Change {day}")
        server.now += 2 * HOUR
        api.vote(number)
        if day % 3:
            api.complete(number)
        build = shop.run(api)
        server.now += 10 * MINUTE
        shop.finish(build, "failed" if day % 7 == 0 else "succeeded")
        shop.deploy("production", build)
        shop.release_ends(shop.release(api))
        shop.close_item(shop.item())
        server.now += 22 * HOUR - 10 * MINUTE


# -- everything -------------------------------------------------------------------------------------------------------


def test_everything_of_an_organisation_lands_once_and_is_covered(
    server: AzureDevOps, shop: Project, api: Repository, connection: DuckDBPyConnection
) -> None:
    a_lot_of_everything(server, shop, api, days=60)
    assert collected(server, connection) == []
    tables = ("repositories", "changes", "reviews", "change_commits", "pipeline_runs", "jobs", "deployments", "issues")
    counts = {table: rows(connection, f"select count(*) from landing.{table}")[0][0] for table in tables}
    assert counts == dict.fromkeys(tables, 60) | {"repositories": 1, "deployments": 120}
    assert rows(connection, "select state, count(*) from landing.changes group by 1 order by 1") == [
        ("merged", 40), ("open", 20),
    ]  # fmt: skip
    covered = rows(connection, "select distinct stream from meta.coverage order by 1")
    assert [stream for (stream,) in covered] == [
        "change_commits", "changes", "deployments", "issues", "jobs", "pipeline_runs", "reviews",
    ]  # fmt: skip
    low, high = rows(connection, "select min(covered_from), max(covered_to) from meta.coverage")[0]
    assert NOW <= low + 90 * DAY < server.now  # where the oldest window ends in which there was something
    assert high <= server.now

    server.now += HOUR
    before = rows(connection, "select max(batch_id) from landing.changes")
    asked = again(server, connection)
    assert rows(connection, "select max(batch_id) from landing.changes") == before
    assert not [path for path in asked if "threads" in path or "timeline" in path]


def test_idle_repositories_cost_no_request_of_their_own(
    server: AzureDevOps, shop: Project, connection: DuckDBPyConnection
) -> None:
    for number in range(4):
        repository = shop.repository(f"r{number}")
        repository.complete(repository.open())
    server.now += 10 * DAY
    collected(server, connection)
    collected(server, connection)
    server.now += 15 * MINUTE
    assert sorted(again(server, connection)) == [
        "build/builds",  # in progress
        "build/builds",  # finished of late
        "git/pullrequests",  # active
        "git/pullrequests",  # closed of late
        "git/repositories",
        "release/deployments",
        "wit/wiql",
    ]


def test_a_thousand_changes_take_two_requests_each_and_few_more(server: AzureDevOps, api: Repository) -> None:
    server.seconds_per_request = 0
    for _ in range(1_000):
        api.complete(api.open())
        server.now += 80 * MINUTE
    read = [payload for _, page in pages(server, reads=("changes",)) for payload in page.rows.get(Change, ())]
    assert len({payload["pull_request"]["pullRequestId"] for payload in read}) == len(read) == 1_000
    assert len(server.asked("/pullRequests/")) == 2_000
    assert len(server.requests) <= 2_035


def test_every_request_is_as_the_vendor_describes_it(
    server: AzureDevOps, shop: Project, api: Repository, connection: DuckDBPyConnection
) -> None:
    for number in range(60):
        api.complete(api.open())
        shop.finish(shop.run({"type": "GitHub", "id": "acme/site"}))
        shop.release(api)
        if number % 2:
            shop.deploy("production", shop.run(api))
        server.now += 6 * HOUR
    for _ in range(210):
        shop.item()
    shop.run_again(next(iter(shop.builds)))
    for _ in range(3):
        collected(server, connection, repositories=("acme/Shop/api",))
        server.now += 8 * DAY
        api.open()
        shop.run(api)
    for request in server.requests:
        check(request)
    assert {request.url.host for request in server.requests} == {"dev.azure.com", "vsrm.dev.azure.com"}


# -- which repositories -----------------------------------------------------------------------------------------------


def titles(server: AzureDevOps, **settings: Any) -> list[str]:
    return [scope.title for scope in source(server, **settings).scopes()]


def test_repositories_parts_of_projects_and_mirrors_are_scopes_each_once(server: AzureDevOps, api: Repository) -> None:
    server.project("acme/Back Office").repository("web", defaultBranch=None)
    found = titles(server, organisations=("acme", "acme/Back Office"), repositories=("acme/Shop/api",), mirror=True)
    assert found == [
        "acme/Shop/api",
        "acme/Back Office/web",
        *(
            f"acme/{project} ({part})"
            for project in ("Shop", "Back Office")
            for part in ("environments", "classic releases", "pipelines of other repositories", "work items")
        ),
        "acme/Shop/api (git)",
    ]


def test_of_a_project_that_is_not_named_only_what_belongs_to_repositories_is_read(
    server: AzureDevOps, api: Repository
) -> None:
    assert titles(server, organisations=(), repositories=("acme/Shop/api",)) == [
        "acme/Shop/api", "acme/Shop (environments)", "acme/Shop (classic releases)",
    ]  # fmt: skip


def test_what_is_left_out_of_reads_is_no_scope_and_not_asked_for(
    server: AzureDevOps, api: Repository, connection: DuckDBPyConnection
) -> None:
    api.open()
    assert titles(server, reads=("issues", "teams")) == ["acme/Shop/api", "acme/Shop (work items)"]
    assert set(again(server, connection, reads=("issues",))) == {"git/repositories", "wit/wiql"}


def test_excluded_ones_and_forks_are_left_out(server: AzureDevOps, shop: Project, api: Repository) -> None:
    shop.repository("fork", isFork=True)
    shop.repository("sandbox-1")
    assert titles(server, reads=("teams",), excluded=("acme/shop/sandbox-*",)) == ["acme/Shop/api"]
    assert titles(server, reads=("teams",), excluded=("acme/Shop/sandbox-*",), forks=True) == [
        "acme/Shop/api", "acme/Shop/fork",
    ]  # fmt: skip


def test_an_organisation_that_is_not_there_fails_the_source_and_a_repository_alone(
    server: AzureDevOps, api: Repository, connection: DuckDBPyConnection
) -> None:
    with pytest.raises(NotFoundError, match=r"404 on /globex/_apis/git/repositories: it is not there, or the token"):
        titles(server, organisations=("globex",))
    (failure,) = collected(server, connection, repositories=("acme/Shop/gone",))
    assert "404 on /acme/Shop/_apis/git/repositories/gone" in failure


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "names nothing to read"),
        ({"organisations": ("acme/Shop/api",)}, "is neither `organisation` nor `organisation/project`"),
        ({"organisations": ("acme/",)}, "is neither `organisation` nor `organisation/project`"),
        ({"repositories": ("acme/api",)}, "is not `organisation/project/repository`"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        azure.AzureDevOpsSettings.model_validate({"kind": "azure_devops", **settings})


def test_a_renamed_repository_stays_one_with_the_names_it_had(
    server: AzureDevOps, api: Repository, connection: DuckDBPyConnection
) -> None:
    api.open()
    collected(server, connection)
    api.name = "store"
    server.now += HOUR
    collected(server, connection)
    assert rows(connection, "select name, aliases from landing.repositories") == [
        (
            "dev.azure.com/acme/Shop/store",
            [
                "dev.azure.com/acme/Shop/api",
                "dev.azure.com/acme/Shop/_git/store",
                "ssh.dev.azure.com/v3/acme/Shop/store",
            ],
        )
    ]
    assert rows(connection, "select count(*) from landing.changes") == [(1,)]


def test_a_disabled_repository_is_told_and_not_read(
    server: AzureDevOps, api: Repository, connection: DuckDBPyConnection
) -> None:
    api.about["isDisabled"] = True
    assert not [
        path for path in again(server, connection, reads=("changes", "pipelines")) if "/pullrequests" in path[4:]
    ]
    assert rows(connection, "select is_archived from landing.repositories") == [(True,)]


def test_the_mirror_is_cloned_with_the_same_token_and_no_address_holds_it_or_a_user(
    server: AzureDevOps, api: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Any] = []

    def history(hosted: Any, cursor: Any, _context: Any, **options: Any) -> list[Any]:
        given.append((hosted, cursor, options))
        return []

    one = source(server, mirror=True, line_counts=True)
    monkeypatch.setitem(type(one)._mirrored.__globals__, "history", history)
    mirror = list(one.scopes())[-1]
    assert list(one.collect(mirror, {"known": "before"})) == []
    ((hosted, cursor, options),) = given
    assert (hosted.repository, hosted.name) == (api.id, "dev.azure.com/acme/Shop/api")
    assert (hosted.address, hosted.default_branch) == ("https://dev.azure.com/acme/Shop/_git/api", "main")
    assert (cursor, options["token"], options["line_counts"]) == ({"known": "before"}, "pat-of-the-test", True)


def test_several_organisations_may_count_alike(server: AzureDevOps, connection: DuckDBPyConnection) -> None:
    for name in ("acme/Shop", "globex/Shop"):
        server._numbers = iter(range(100, 200))
        repository = server.project(name).repository("api")
        repository.complete(repository.open())
        server.project(name).finish(server.project(name).run(repository))
        server.project(name).item()
    collected(server, connection, organisations=("acme", "globex"))
    for table in ("changes", "pipeline_runs", "issues"):
        assert rows(connection, f"select count(*) from landing.{table}") == [(2,)]


def test_more_closed_of_late_than_one_answer_holds_leave_no_repository_out(
    server: AzureDevOps, shop: Project, api: Repository, connection: DuckDBPyConnection
) -> None:
    collected(server, connection, reads=("changes",))
    web = shop.repository("web")
    for _ in range(500):
        web.abandon(web.open())
    api.complete(api.open())
    server.seconds_per_request = 0
    server.now += HOUR
    collected(server, connection, reads=("changes",), excluded=("*/web",))
    assert rows(connection, "select state from landing.changes") == [("merged",)]


# -- credentials, limits and refusals ---------------------------------------------------------------------------------


def test_a_token_is_sent_without_a_user(server: AzureDevOps, api: Repository) -> None:
    server.credential = CREDENTIAL
    assert titles(server, reads=("teams",)) == ["acme/Shop/api"]


@pytest.mark.parametrize("token", ["another", None])
def test_a_page_to_log_in_is_a_bad_token_and_names_the_variable(
    server: AzureDevOps, api: Repository, token: str | None
) -> None:
    server.credential = CREDENTIAL
    with pytest.raises(
        AuthError, match=r"answers 203 with a web page where data was asked for: .* set DX_AZURE__TOKEN"
    ):
        titles(server, token=token)


def test_a_token_that_may_not_even_list_says_what_it_needs(server: AzureDevOps, api: Repository) -> None:
    server.lacks = {"code"}
    with pytest.raises(AuthError, match=r"401 on /acme/_apis/.*; it needs the permission 'Code \(read\)' in 'acme'"):
        titles(server)


def test_a_missing_permission_fails_its_lists_alone_and_is_named(
    server: AzureDevOps, shop: Project, api: Repository, connection: DuckDBPyConnection
) -> None:
    a_lot_of_everything(server, shop, api, days=10)
    server.lacks = {"build", "environment"}
    failures = collected(server, connection)
    assert len(failures) == 3
    assert (
        sum("'Build (read)': create one that has it, or leave 'pipelines' out of `reads`" in one for one in failures)
        == 2
    )
    assert sum("'Environment (read & manage)'" in one for one in failures) == 1
    assert all("401 on /acme/" in one and "pat-of-the-test" not in one for one in failures)
    assert rows(connection, "select count(*) from landing.changes") == [(10,)]
    assert rows(connection, "select count(*) from landing.issues") == [(10,)]
    server.lacks = set()
    assert collected(server, connection) == []
    assert rows(connection, "select count(*) from landing.pipeline_runs") == [(10,)]
    assert rows(connection, "select count(*) from landing.deployments") == [(20,)]


def test_a_list_that_all_repositories_share_is_refused_once(
    server: AzureDevOps, shop: Project, connection: DuckDBPyConnection
) -> None:
    for number in range(5):
        shop.repository(f"r{number}")
    server.lacks = {"build"}
    failures = collected(server, connection, reads=("changes", "pipelines"))
    assert len(failures) == 6
    asked = [path for path in server.asked("/build/") if path.endswith("builds")]
    assert len(asked) == 2 + 6


def test_a_wait_that_a_good_answer_asks_for_is_kept(server: AzureDevOps, api: Repository) -> None:
    slept: list[float] = []
    one = source(server)
    object.__setattr__(one.context, "sleep", slept.append)
    server.headers = {"retry-after": "7", "x-ratelimit-delay": "1.2"}
    one._api = type(one._api)("azure", one.settings, one.context)
    list(one.scopes())
    list(one._api.all("acme/_apis/git/repositories"))
    assert [round(seconds) for seconds in slept] == [7]


def test_a_long_refusal_ends_the_source_and_the_next_collection_goes_on(
    server: AzureDevOps, shop: Project, api: Repository, connection: DuckDBPyConnection
) -> None:
    a_lot_of_everything(server, shop, api, days=20)

    def refuse(request: httpx2.Request) -> None:
        if "threads" in request.url.path and len(server.requests) > 20:
            raise Refused(429, "Request was blocked due to exceeding usage", {"retry-after": "900"})

    server.before = refuse
    (failure, *_) = collected(server, connection, reads=("changes",))
    assert "dev.azure.com refuses more requests until" in failure
    server.before = lambda _: None
    server.now += HOUR
    assert collected(server, connection, reads=("changes",)) == []
    assert rows(connection, "select count(*) from landing.changes") == [(20,)]
    server.before = refuse
    with pytest.raises(LimitedError):
        pages(server, reads=("changes",))


def test_a_server_of_ones_own_has_everything_at_its_own_address(server: AzureDevOps) -> None:
    one = source(server, url="https://tfs.example.org/tfs", organisations=("DefaultCollection",))
    with pytest.raises(NotFoundError):
        list(one.scopes())
    (request,) = server.requests
    assert str(request.url.copy_with(query=None)) == (
        "https://tfs.example.org/tfs/DefaultCollection/_apis/git/repositories"
    )
    assert one._api.releases is one._api.client
