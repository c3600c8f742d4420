"""How the API is asked, how a token is got, and what a refusal tells."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest
from duckdb import DuckDBPyConnection

from dxmetrics.collectors import CollectError
from dxmetrics.records import Service
from tests.collectors.contract import contract
from tests.fakes.port import Port

from .support import ACTIONS, CATALOG, HOUR, NOW, collect, rows, source


def refused(account: Port, **settings: Any) -> str:
    """What a collection fails with."""
    with closing(source(account, **settings)) as one, pytest.raises(CollectError) as told:
        _ = [list(one.collect(scope, None)) for scope in one.scopes()]
    return f"{type(told.value).__name__}: {told.value}"


def test_every_request_is_described() -> None:
    account = Port(NOW)
    account.person("ada")
    for number in range(501):
        account.service(f"service-{number}", "team-a")
    slow = account.begin("scaffold")
    described = contract("port/openapi.json")
    with closing(source(account, described.transport(account))) as one:
        cursors: dict[str, Any] = {}
        for _ in range(2):
            for scope in one.scopes():
                for page in one.collect(scope, cursors.get(scope.id)):
                    cursors[scope.id] = page.cursor or cursors.get(scope.id)
            account.hidden = {slow}  # what goes on and is not listed any more is asked for by its id
    search = "/v1/blueprints/{blueprint_identifier}/entities/search"
    assert {described.template(request) for request in account.requests} == {
        "/v1/auth/access_token", "/v1/blueprints/{identifier}", search, "/v1/users", "/v1/actions/runs",
        "/v1/actions/runs/{run_id}",
    }  # fmt: skip


@pytest.mark.parametrize("url", [None, "https://api.us.port.io", "https://api.us.port.io/v1/", "https://port.test/"])
def test_the_address_is_that_of_a_region(connection: DuckDBPyConnection, url: str | None) -> None:
    account = Port(NOW)
    account.service("pay/api", "team-a")
    collect(account, connection, url=url, **CATALOG)
    asked = {(request.url.host, request.url.path.split("/")[1]) for request in account.requests}
    host = url.split("/")[2] if url else "api.port.io"
    assert asked == {(host, "v1")}
    page = f"https://{host.replace('api', 'app')}/serviceEntity?identifier=pay%2Fapi"
    assert rows(connection, Service)["pay/api"]["url"] == (None if host == "port.test" else page)


def test_a_token_serves_until_shortly_before_its_end() -> None:
    account = Port(NOW)
    with closing(source(account, **ACTIONS)) as one:
        (scope,) = one.scopes()
        for hours in (0, 1, 1.5, 1):
            account.now += hours * HOUR
            list(one.collect(scope, None))
    asked = ["auth/access_token" if path.startswith("auth") else "runs" for path in account.asked()]
    assert asked == ["auth/access_token", "runs", "runs", "runs", "auth/access_token", "runs"]


def test_a_token_that_is_withdrawn_is_asked_for_again() -> None:
    account = Port(NOW)
    with closing(source(account, **ACTIONS)) as one:
        (scope,) = one.scopes()
        list(one.collect(scope, None))
        account.tokens.clear()
        list(one.collect(scope, None))
    assert account.asked().count("auth/access_token") == 2


def test_wrong_credentials_are_told_with_where_right_ones_are() -> None:
    told = refused(Port(NOW, secret="another"))  # noqa: S106 - the fake's
    assert told == (
        "AuthError: port: https://api.port.io refuses the credentials of client 'client-1'; Port shows them"
        " at `...`, Credentials: set `client_id` and, in DX_PORT__TOKEN, the secret, or correct `url`: one region does"
        " not know those of another"
    )
    assert "there is no client secret; Port shows them" in refused(Port(NOW), token=None)


def test_credentials_that_may_not_read_something_are_told_what(connection: DuckDBPyConnection) -> None:
    assert "403 on /v1/users: the token may not read this" in refused(Port(NOW, refusals={"users": 403}))
    told = refused(Port(NOW, refusals={"actions": 404}))
    assert 'without actions leave them out: reads = ["catalog"] in [sources.port]' in told
    collect(Port(NOW, refusals={"users": 403, "actions": 403}), connection, **CATALOG)


@pytest.mark.parametrize("part", ["entities", "blueprint", "runs"])
def test_an_answer_of_another_form_is_told(part: str) -> None:
    account = Port(NOW)
    account.renamed = part
    assert f"answers without '{part}': its form has changed" in refused(account)
