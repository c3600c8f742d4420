"""Collecting from Bitbucket: which requests go out, and what a warehouse holds afterwards."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx2
import pytest

from dxmetrics.errors import AuthError, CollectError, LimitedError, NotFoundError, SettingsError
from dxmetrics.records import Change, Deployment, PipelineRun, Repository, Review
from tests.fakes.bitbucket import Bitbucket

from .support import NOW, Store, collect, collector

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def server() -> Bitbucket:
    """A server at NOW, with nothing on it."""
    return Bitbucket(NOW)


def titles(server: Bitbucket, **settings: Any) -> list[str]:
    return [scope.title for scope in collector(server, **settings).scopes()]


# -- which repositories -----------------------------------------------------------------------------------------------


def test_repositories_of_workspaces_come_last_pushed_first_and_each_once(server: Bitbucket) -> None:
    for number in range(120):
        server.add(f"acme/r{number:03}", days_old=number + 1)
    server.add("acme/fork", parent={"uuid": "{r}"})
    server.add("acme/sandbox-1")
    server.add("other/tool", days_old=300)
    found = titles(server, repositories=("other/tool", "acme/r007"), excluded=("acme/sandbox-*",))
    assert found == [*(f"acme/r{number:03}" for number in range(120)), "other/tool"]
    assert server.asked() == ["repositories/acme"] * 2 + ["repositories/other/tool", "repositories/acme/r007"]


def test_forks_are_read_where_they_are_wanted_or_named(server: Bitbucket) -> None:
    server.add("acme/fork", parent={"uuid": "{r}"})
    assert titles(server) == []
    assert titles(server, forks=True) == ["acme/fork"]
    assert titles(server, organisations=(), repositories=("acme/fork",)) == ["acme/fork"]


def test_a_mirror_is_a_scope_of_its_own_where_there_is_something_to_clone(server: Bitbucket) -> None:
    server.add("acme/shop")
    server.add("acme/empty", mainbranch=None)
    scopes = list(collector(server, mirror=True).scopes())
    assert [(scope.id, scope.title) for scope in scopes] == [
        ("{r-acme-shop}", "acme/shop"),
        ("{r-acme-empty}", "acme/empty"),
        ("{r-acme-shop}/git", "acme/shop (git)"),
    ]


@pytest.mark.parametrize(
    ("settings", "user_name"), [({"username": "ada@example.org"}, "x-bitbucket-api-token-auth"), ({}, None)]
)
def test_the_mirror_is_cloned_with_the_same_token_and_no_address_holds_it(
    server: Bitbucket, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], user_name: str | None
) -> None:
    server.add("acme/shop")
    given: list[Any] = []

    def history(hosted: Any, cursor: Any, _context: Any, **options: Any) -> list[Any]:
        given.append((hosted, cursor, options))
        return []

    one = collector(server, mirror=True, line_counts=True, **settings)
    monkeypatch.setitem(type(one)._mirrored.__globals__, "history", history)
    mirror = list(one.scopes())[-1]
    assert list(one.collect(mirror, {"known": "before"})) == []
    ((hosted, cursor, options),) = given
    assert (hosted.repository, hosted.name) == ("{r-acme-shop}", "bitbucket.org/acme/shop")
    assert (hosted.address, hosted.default_branch) == ("https://bitbucket.org/acme/shop.git", "main")
    assert (cursor, options["token"], options["username"]) == ({"known": "before"}, "secret-token", user_name)
    assert options["line_counts"] is True


def test_nothing_named_says_what_to_name(server: Bitbucket) -> None:
    with pytest.raises(SettingsError, match=r"set `organisations` .* in \[sources.bitbucket\]"):
        titles(server, organisations=())


def test_a_workspace_that_is_not_there_fails_the_source(server: Bitbucket) -> None:
    with pytest.raises(
        CollectError, match=r"404 on /2\.0/repositories/acme: it is not there, or the token may not see"
    ):
        titles(server)


def test_a_single_repository_that_is_not_there_fails_alone(server: Bitbucket) -> None:
    server.add("acme/shop")
    one = collector(server, repositories=("acme/gone",))
    shop, gone = one.scopes()
    assert list(one.collect(shop, None))
    with pytest.raises(NotFoundError, match=r"404 on /2\.0/repositories/acme/gone"):
        list(one.collect(gone, None))


def test_a_renamed_repository_keeps_its_rows_and_its_earlier_name(server: Bitbucket) -> None:
    shop = server.add("acme/shop")
    store = collect(server)
    shop.full_name = "acme/store"
    server.now += HOUR
    assert collect(server, store).one(Repository).aliases == ("bitbucket.org/acme/shop",)
    shop.full_name = "acme/market"
    server.now += HOUR
    repository = collect(server, store).one(Repository)
    assert (repository.ext_id, repository.name) == ("{r-acme-shop}", "bitbucket.org/acme/market")
    assert repository.aliases == ("bitbucket.org/acme/shop", "bitbucket.org/acme/store")
    assert [page for page in store.pages if Repository in page.rows] == [
        page for page in store.pages if page.rows.get(Repository)
    ]
    assert len([page for page in store.pages if Repository in page.rows]) == 3


# -- credentials and refusals -----------------------------------------------------------------------------------------


def test_an_api_token_goes_with_its_mail_address_and_an_access_token_alone(server: Bitbucket) -> None:
    server.add()
    server.credential = "Bearer secret-token"
    assert titles(server) == ["acme/shop"]
    server.credential = "Basic YWRhQGV4YW1wbGUub3JnOnNlY3JldC10b2tlbg=="
    assert titles(server, username="ada@example.org") == ["acme/shop"]


def test_a_refused_token_says_which_variable_to_set_and_that_the_address_may_be_missing(server: Bitbucket) -> None:
    server.add()
    server.credential = "Bearer another"
    with pytest.raises(AuthError, match="set DX_BITBUCKET__TOKEN; an API token goes with `username`") as caught:
        titles(server)
    assert "secret-token" not in str(caught.value)


def test_a_missing_scope_fails_its_lists_alone_and_names_itself(server: Bitbucket) -> None:
    shop = server.add()
    shop.approve(shop.open())
    shop.run()
    shop.deploy()
    server.lacks = {"pipelines", "deployments"}
    store = Store()
    with pytest.raises(CollectError) as caught:
        collect(server, store)
    assert "pipelines needs the scope 'read:pipeline:bitbucket': create a token that has it, or leave" in str(
        caught.value
    )
    assert "'deployments' out of `reads`" in str(caught.value)
    assert (len(store.of(Change)), len(store.of(Review))) == (1, 1)
    server.lacks = set()
    collect(server, store)
    assert (len(store.of(PipelineRun)), len(store.of(Deployment))) == (1, 1)


def test_what_is_left_out_of_reads_is_not_asked_for(server: Bitbucket) -> None:
    server.add().report()
    collect(server, reads=("deployments", "releases", "teams"))
    assert server.asked("/shop/") == ["repositories/acme/shop/deployments"]


def test_a_quota_that_is_used_up_stops_the_source_and_the_next_collection_goes_on(server: Bitbucket) -> None:
    shop = server.add()
    for _ in range(130):
        shop.comment(shop.open())
        server.now += timedelta(minutes=7)
    store, server.quota = Store(), 4
    with pytest.raises(LimitedError, match=r"api\.bitbucket\.org refuses more requests until"):
        collect(server, store)
    assert 0 < len(store.of(Change)) <= 130
    server.quota = None
    collect(server, store)
    assert (len(store.of(Change)), len(store.of(Review))) == (130, 130)


def test_switched_off_pipelines_are_none_at_all(server: Bitbucket) -> None:
    shop = server.add()
    shop.has_pipelines = False
    shop.open()
    store = collect(server)
    assert (len(store.of(Change)), store.of(PipelineRun), store.of(Deployment)) == (1, [], [])


def test_an_order_that_is_not_the_expected_one_is_an_error_and_no_coverage(server: Bitbucket) -> None:
    shop = server.add()
    for _ in range(110):
        shop.finish(shop.run())
        server.now += HOUR

    def ignore_the_order(request: httpx2.Request) -> None:
        request.url = request.url.copy_remove_param("sort")

    server.before = ignore_the_order
    store = Store()
    with pytest.raises(CollectError, match="pipelines do not come newest first: 2026-01-05 stands before 2026-01-09"):
        collect(server, store)
    assert PipelineRun not in {kind for page in store.pages for kind in page.covers}
