"""What is sent: every query is one of GitHub's schema and costs what it is meant to; every parameter is documented."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from duckdb import DuckDBPyConnection

from dxmetrics.collectors.hosts import KINDS
from tests.fakes.github import Server, World
from tests.fakes.github.graphql import Execution, compiled

from .harness import TOKEN, collected, github, source

queries = importlib.import_module(f"{github.__name__}.queries")
CONTRACT = Path(__file__).parents[4] / "shared/data/contracts/github/rest.json"
IDS = [str(number) for number in range(100)]


@pytest.mark.parametrize(
    ("text", "variables", "points"),
    [
        (queries.CHANGES, {"n": 21}, 1),
        (queries.CHANGES, {"n": 22}, 2),
        (queries.DEPLOYMENTS, {"n": 100}, 1),
        (queries.DEPLOYMENTS_BY_ID, {"ids": IDS}, 1),
        (queries.ISSUES, {"n": 74}, 1),
        (queries.RELEASES, {"n": 100}, 1),
        (queries.CHECKS, {"ids": IDS}, 1),
        (queries.ids("pullRequests"), {"n": 100}, 1),
        (queries.ids("issues"), {"n": 100}, 1),
        (queries.OWNERS, {"ids": IDS[:50]}, 1),
        (queries.TEAMS, {"n": 100}, 1),
        (queries.organisation(KINDS), {"n": 100}, 3),
        (queries.organisation(("changes",)), {"n": 100}, 1),
        (queries.named(49, KINDS), {}, 1),
        (queries.rest([*queries.PULL_PARTS, queries.STATUSES, queries.CHECK_RUNS, queries.MEMBERS] * 6), {}, 1),
    ],
    ids=lambda value: None if isinstance(value, int | dict) else re.sub(r"\W+", " ", value[:24]).strip(),
)
def test_a_query_is_of_the_schema_and_costs_what_it_is_meant_to(
    text: str, variables: dict[str, Any], points: int
) -> None:
    execution = Execution(World(), compiled(text), variables, 5_000)  # compiled against the schema, where it is at hand
    assert execution.cost == points
    assert execution.nodes() < 50_000


def test_nothing_is_asked_of_a_repository_that_is_not_read() -> None:
    asked = queries.organisation(("changes", "pipelines"))
    assert "pullRequests" in asked
    assert not any(word in asked for word in ("issues", "deployments", "latestRelease"))


@pytest.mark.skipif(not CONTRACT.exists(), reason="GitHub's API description is not beside this checkout")
def test_every_request_is_one_of_the_api_description(tmp_path: Path, connection: DuckDBPyConnection) -> None:
    described = json.loads(CONTRACT.read_text(encoding="utf-8"))
    world = World()
    repo = world.repository("acme", "shop")
    world.rerun(world.run(repo))
    world.run(repo, conclusion=None)
    for _ in range(101):
        world.run(repo)
    with Server(world, token=TOKEN) as server:
        collected(source(server, tmp_path), connection)
        world.wait(hours=1)
        collected(source(server, tmp_path), connection)
        sent = {one for one in server.targets if not one.startswith("POST /graphql")}
    assert len(sent) > 5
    for one in sent:
        method, _, target = one.partition(" ")
        path, _, query = target.partition("?")
        documented = [
            operations[method.lower()]
            for template, operations in described["paths"].items()
            if method.lower() in operations and re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), path)
        ]
        assert documented, one
        references = [parameter.get("$ref", "") for parameter in documented[0]["parameters"]]
        known = {described["components"]["parameters"][name.rpartition("/")[2]]["name"] for name in references if name}
        known |= {parameter["name"] for parameter in documented[0]["parameters"] if "name" in parameter}
        assert {pair.partition("=")[0] for pair in query.split("&") if pair} <= known, one
