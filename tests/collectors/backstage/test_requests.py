"""How the backend is asked, and what a refusal tells."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest

from dxmetrics.collectors import AuthError, CollectError
from tests.collectors.contract import contract
from tests.fakes.backstage import Backstage

from .support import NOW, URL, source

DESCRIPTION = "backstage/catalog-openapi.json"


def refused(portal: Backstage, **settings: Any) -> str:
    """What a collection fails with."""
    with closing(source(portal, **settings)) as one, pytest.raises(CollectError) as told:
        _ = [list(one.collect(scope, None)) for scope in one.scopes()]
    return f"{type(told.value).__name__}: {told.value}"


def test_every_request_to_the_catalogue_is_described() -> None:
    portal = Backstage(NOW)
    for number in range(501):
        portal.component(f"service-{number}")
    described = contract(DESCRIPTION, "/api/catalog")
    with closing(source(portal, described.transport(portal), reads=("catalog",))) as one:
        (scope,) = one.scopes()
        list(one.collect(scope, None))
    assert [described.template(request) for request in portal.requests] == ["/entities/by-query"] * 2


@pytest.mark.parametrize("url", [URL, f"{URL}/"])
def test_the_address_may_end_in_a_slash(url: str) -> None:
    portal = Backstage(NOW)
    with closing(source(portal, url=url, reads=("scaffolder",))) as one:
        (scope,) = one.scopes()
        list(one.collect(scope, None))
    assert portal.requests[0].url.path == "/api/scaffolder/v2/tasks"


@pytest.mark.parametrize("token", ["revoked", None])
def test_a_refused_token_is_told_with_the_line_that_makes_one(token: str | None) -> None:
    told = refused(Backstage(NOW), token=token)
    assert told.startswith(f"{AuthError.__name__}: backstage: 401 on /api/catalog/entities/by-query: ")
    assert "set DX_BACKSTAGE__TOKEN" in told
    assert "externalAccess: [{type: static, options: {token: SECRET, subject: dxmetrics}}]" in told


@pytest.mark.parametrize("part", ["catalog", "scaffolder"])
def test_a_token_of_another_plugin_is_told_which_it_needs(part: str) -> None:
    told = refused(Backstage(NOW, refusals={part: 403}), reads=(part,))
    assert f"`accessRestrictions` of the token name the plugin {part}" in told


def test_an_old_backend_is_told_to_be_brought_up_to_date() -> None:
    assert "none before Backstage 1.12" in refused(Backstage(NOW, refusals={"catalog/entities/by-query": 404}))


def test_a_portal_without_a_scaffolder_is_told_how_to_leave_it_out() -> None:
    told = refused(Backstage(NOW, refusals={"scaffolder": 404}))
    assert 'leave it out: reads = ["catalog"] in [sources.backstage]' in told
