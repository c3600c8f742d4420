"""Every request is one that Bitbucket's own description of its API knows, and so is every field that is asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cache
from typing import Any

import httpx2
import pytest

from tests.fakes.bitbucket import Bitbucket

from .support import NOW, ROOT, Store, collect

DESCRIPTION = ROOT.parent / "shared" / "data" / "contracts" / "bitbucket" / "swagger2.json"
# Of all lists, by the introduction to the API: filtering, sorting, paging and partial answers.
GENERAL = frozenset({"q", "sort", "fields", "pagelen", "page", "ctx"})
# Answered, as Atlassian's own issues and tools show, but not described.
UNDESCRIBED = {
    "/deployments": frozenset({"state.name"}),  # BCLOUD-18729
}
UNDESCRIBED_FIELDS = frozenset(
    {
        "values.description", "values.draft", "values.closed_on",  # of pull requests; BCLOUD-22709
        "values.merge_commit.date", "values.merge_commit.parents.hash",  # the described endpoint holds a hash only
        "values.deployable.commit.hash", "run_number", "run_creation_date",
        "values.run_number", "values.run_creation_date", "values.name", "values.build_seconds_used",
        "values.runner.name",
    }
)  # fmt: skip
VARIANTS = {"account": "user", "pipeline_target": "pipeline_ref_target"}


@cache
def description() -> Mapping[str, Any]:
    if not DESCRIPTION.exists():
        pytest.skip(f"{DESCRIPTION} is not there: the vendor's description of its API is kept beside the repository")
    found: Mapping[str, Any] = json.loads(DESCRIPTION.read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def requests() -> list[httpx2.Request]:
    """Every kind of request this source sends: the first collection, a later one, runs by id, steps and commits."""
    server = Bitbucket(NOW - timedelta(days=40))
    shop = server.add()
    stuck = shop.run()
    for _ in range(160):
        number = shop.open()
        shop.comment(number)
        shop.finish(shop.run())
        shop.deploy()
        shop.report()
        server.now += timedelta(hours=6)
    store, choices = Store(), {"commits": True, "steps": True, "repositories": ("acme/shop",)}
    for _ in range(4):
        collect(server, store, **choices)
        server.now += timedelta(hours=2)
    assert f"repositories/acme/shop/pipelines/{stuck}" in server.asked()
    return server.requests


def operation(request: httpx2.Request) -> tuple[str, Mapping[str, Any]]:
    """The path and the operation of the description that a request is for; literal parts count more than any."""
    parts = request.url.path.removeprefix(description()["basePath"]).split("/")

    def fits(path: str) -> bool:
        wanted = path.split("/")
        return len(wanted) == len(parts) and all(
            one.startswith("{") or one == part for one, part in zip(wanted, parts, strict=True)
        )

    paths = sorted((path for path in description()["paths"] if fits(path)), key=lambda path: path.count("{"))
    assert paths, f"{request.url.path} is not described"
    return paths[0], description()["paths"][paths[0]]


def test_every_request_is_described(requests: list[httpx2.Request]) -> None:
    for request in requests:
        path, described = operation(request)
        assert request.method.lower() in described, f"{request.method} {path} is not described"
        parameters = {
            one["name"]: one
            for one in [*described.get("parameters", ()), *described["get"].get("parameters", ())]
            if one["in"] == "query"
        }
        undescribed = next((names for end, names in UNDESCRIBED.items() if path.endswith(end)), frozenset())
        for name, value in request.url.params.multi_items():
            assert name in parameters.keys() | GENERAL | undescribed, f"{path} has no parameter {name!r}"
            assert value in parameters.get(name, {}).get("enum", [value]), f"{path} has no {name}={value}"
        assert int(request.url.params.get("pagelen", "10")) <= (50 if "pullrequests" in path[-25:] else 100)


def test_all_lists_and_objects_of_the_source_are_among_them(requests: list[httpx2.Request]) -> None:
    asked = {operation(request)[0].removeprefix("/repositories/{workspace}") for request in requests}
    assert asked == {
        "", "/{repo_slug}", "/{repo_slug}/pullrequests", "/{repo_slug}/pullrequests/activity",
        "/{repo_slug}/pullrequests/{pull_request_id}/commits", "/{repo_slug}/pipelines",
        "/{repo_slug}/pipelines/{pipeline_uuid}", "/{repo_slug}/pipelines/{pipeline_uuid}/steps",
        "/{repo_slug}/deployments", "/{repo_slug}/issues",
    }  # fmt: skip


def test_every_field_asked_for_is_described_or_known(requests: list[httpx2.Request]) -> None:
    unknown = set()
    for request in requests:
        path, described = operation(request)
        schema = described["get"]["responses"]["200"].get("schema")
        if schema is None:
            continue  # activity and commits are described by examples only
        for name in request.url.params["fields"].split(","):
            if name not in UNDESCRIBED_FIELDS and not any(True for _ in places([schema], name.split("."))):
                unknown.add((path, name))
    assert unknown == set()


def places(schemas: list[Mapping[str, Any]], path: list[str]) -> Iterator[Mapping[str, Any]]:
    """The schemas that a path of fields leads to; where a schema says nothing of its fields, all are there."""
    for schema in schemas:
        for one in flat(schema):
            if one.get("type") == "array":
                yield from places([one["items"]], path)
            elif not path:
                yield one
            elif path[0] in one.get("properties", {}):
                yield from places([one["properties"][path[0]]], path[1:])
            elif one.get("properties") == {}:
                yield one


def flat(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """A schema without references: itself, or the parts it is made of, with those of its most usual variant."""
    if "$ref" in schema:
        definitions, name = description()["definitions"], schema["$ref"].rpartition("/")[2]
        yield from flat(definitions[name])
        if name in VARIANTS:
            yield from flat(definitions[VARIANTS[name]]["allOf"][-1])
    elif "allOf" in schema:
        for part in schema["allOf"]:
            yield from flat(part)
    else:
        yield schema
