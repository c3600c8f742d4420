"""What is sent: every request is one of the vendor's description, and every query scores less than servers allow."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from dxmetrics.collectors.hosts import KINDS
from tests.collectors.contract import contract
from tests.fakes.gitlab import Server, World
from tests.fakes.gitlab.graphql import LONGEST_QUERY, fields_of, score

from .harness import TOKEN, collect, gitlab, source

queries = importlib.import_module(f"{gitlab.__name__}.queries")
ALLOWED = 250
MOST_RESTS = importlib.import_module(f"{gitlab.__name__}.api").RESTS_AT_ONCE


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (queries.CHANGES, 50),
        (queries.ISSUES, 100),
        (queries.PIPELINES, 50),
        (queries.RELEASES, 100),
        (queries.RELEASE, 1),
        (queries.USERS, 100),
        (queries.TEAMS, 100),
        (queries.MEMBERS, 100),
        (queries.probe(KINDS), 50),
        (queries.ids("mergeRequests"), 100),
        (queries.ids("issues"), 100),
        (queries.oldest(KINDS), 1),
        (queries.rest("MergeRequest", [queries.COMMITS, queries.NOTES] * (MOST_RESTS // 2)), 1),
        (queries.rest("Pipeline", [queries.JOBS] * MOST_RESTS), 1),
    ],
    ids=lambda value: None if isinstance(value, int) else value.split("(")[0].split()[-1],
)
def test_a_query_is_of_the_schema_and_scores_less_than_servers_allow(text: str, size: int) -> None:
    assert fields_of(text)  # validated against what is known of the schema
    assert score(text, {"n": size}) <= ALLOWED
    assert len(text) < LONGEST_QUERY


def test_what_an_older_version_may_lack_stands_in_lines_of_its_own() -> None:
    asked = {
        field for text in (queries.CHANGES, queries.PIPELINES) for field in fields_of(text) if field in queries.OPTIONAL
    }
    assert asked == set(queries.OPTIONAL)
    api = importlib.import_module(f"{gitlab.__name__}.api")
    for text in (queries.CHANGES, queries.PIPELINES):
        left = fields_of(api._without(text, queries.OPTIONAL))
        assert left & queries.OPTIONAL.keys() == set()
        below = {("MergeRequest", "id")}  # of the request that a pipeline is for
        lost = fields_of(text) - left - queries.OPTIONAL.keys() - below
        assert {on for on, _ in lost} <= {"DiffStatsSummary", "DiffStats", "CiRunner"}


def test_nothing_is_asked_of_a_project_that_is_not_read() -> None:
    asked = queries.probe(("changes", "releases"))
    assert "mergeRequests" in asked
    assert not any(word in asked for word in ("issues", "pipelines", "step0"))
    assert "pipelines" in queries.probe(("deployments",))
    assert queries.probe(("teams",)) == ""


@pytest.fixture
def busy() -> World:
    """A world in which everything is asked for that can be."""
    world = World()
    world.join("acme", "ada", "bob")
    project = world.project("acme/shop", import_status="finished")
    world.project("acme/pay/core")
    world.wait(days=-60)
    for _ in range(110):
        request = world.open(project)
        world.merge(request, method="squash_forward")
        world.child(project, world.run(project))
        world.deploy(project, "customers", shipped=[request])
        world.report(project, shipped=[request])
        world.issue(project)
        world.wait(hours=10)
    world.release(project, "v1")
    return world


def test_every_request_is_described(busy: World) -> None:
    description = contract("gitlab/rest-v4-swagger2.json")
    server = Server(busy, token=TOKEN)
    asked: set[str] = set()

    class Checked(Server):
        def handle_request(self, request: Any) -> Any:
            if not request.url.path.endswith("/graphql"):
                description.check(request)
                asked.add(description.template(request))
            return super().handle_request(request)

    server = Checked(busy, token=TOKEN)
    found = collect(server, repositories=("acme/shop",))
    busy.wait(hours=2)
    busy.open(busy.find("acme/shop") or {})
    assert collect(server, found).failures == []
    assert asked == {
        "/api/v4/groups/{id}/projects",
        "/api/v4/projects/{id}",
        "/api/v4/projects/{id}/merge_requests",
        "/api/v4/projects/{id}/pipelines",
        "/api/v4/projects/{id}/deployments",
        "/api/v4/projects/{id}/deployments/{deployment_id}/merge_requests",
        "/api/v4/projects/{id}/environments/{environment_id}",
    }


def test_the_token_goes_in_a_header_of_its_own_and_in_no_address(busy: World) -> None:
    sent: list[Any] = []

    class Kept(Server):
        def handle_request(self, request: Any) -> Any:
            sent.append(request)
            return super().handle_request(request)

    list(source(Kept(busy, token=TOKEN)).scopes())
    assert {request.headers["private-token"] for request in sent} == {TOKEN}
    assert not any(TOKEN in str(request.url) or "authorization" in request.headers for request in sent)
