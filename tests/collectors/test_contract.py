"""What the contract checker lets through, and what it refuses with which words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest

from .contract import FOLDER, Contract, contract

SWAGGER = {
    "swagger": "2.0",
    "basePath": "/api/v1",
    "paths": {
        "/repos/{owner}/{repo}/issues": {
            "parameters": [{"name": "owner", "in": "path", "required": True, "type": "string"}],
            "get": {
                "parameters": [
                    {"name": "state", "in": "query", "type": "string", "enum": ["open", "closed"]},
                    {"name": "since", "in": "query", "type": "string", "format": "date-time"},
                    {"name": "limit", "in": "query", "type": "integer", "minimum": 1, "maximum": 50},
                    {"name": "full", "in": "query", "type": "boolean"},
                    {"name": "ids", "in": "query", "type": "array", "items": {"type": "integer"}},
                    {
                        "name": "label", "in": "query", "type": "array", "collectionFormat": "multi",
                        "items": {"type": "string", "enum": ["bug", "idea"]},
                    },
                ]
            },
            "post": {
                "parameters": [
                    {"name": "body", "in": "body", "required": True, "schema": {"$ref": "#/definitions/NewIssue"}}
                ]
            },
        },
        "/repos/{owner}/{repo}/issues/{index}": {
            "get": {"parameters": [{"name": "index", "in": "path", "type": "integer", "format": "int64"}]}
        },
        "/repos/{owner}/{repo}/issues/pinned": {"get": {"parameters": []}},
        "/repos/{owner}/{repo}/contents/{filepath}": {"get": {}},
        "/search": {"get": {"parameters": [{"name": "q", "in": "query", "required": True, "type": "string"}]}},
    },
    "definitions": {
        "NewIssue": {
            "type": "object",
            "required": ["title"],
            "additionalProperties": False,
            "properties": {"title": {"type": "string"}, "due": {"type": "string", "format": "date"}},
        }
    },
}  # fmt: skip
OPENAPI = {
    "openapi": "3.0.3",
    "servers": [{"url": "https://api.forge.test/v2"}],
    "paths": {
        "/projects/{id}": {
            "get": {
                "parameters": [
                    {"$ref": "#/components/parameters/id"},
                    {"name": "fields", "in": "query", "explode": False, "schema": {"type": "array", "items": {}}},
                    {"name": "status", "in": "query", "schema": {"type": "array", "items": {"type": "integer"}}},
                    {"name": "made", "in": "query", "style": "deepObject", "schema": {"type": "object"}},
                ]
            },
            "put": {
                "requestBody": {
                    "content": {
                        "application/json": {"schema": {"properties": {"team": {"$ref": "#/components/schemas/team"}}}}
                    }
                }
            },
        }
    },
    "components": {
        "parameters": {
            "id": {"name": "id", "in": "path", "schema": {"oneOf": [{"type": "integer"}, {"enum": ["mine"]}]}}
        },
        "schemas": {"team": {"type": "string", "nullable": True}},
    },
}


def described(folder: Path, description: Mapping[str, Any], base: str = "") -> Contract:
    path = folder / "api.json"
    path.write_text(json.dumps(description))
    return Contract(path, base)


@pytest.fixture
def swagger(tmp_path: Path) -> Contract:
    return described(tmp_path, SWAGGER)


@pytest.fixture
def openapi(tmp_path: Path) -> Contract:
    return described(tmp_path, OPENAPI)


def get(address: str) -> httpx2.Request:
    return httpx2.Request("GET", f"https://forge.test{address}")


@pytest.mark.parametrize(
    "query",
    [
        "", "state=open", "since=2026-01-05T10:00:00Z", "since=2026-01-05T10:00:00%2B01:00", "limit=50", "full=true",
        "ids=1,2", "ids[]=1&ids[]=2", "label=bug&label=idea",
    ],
)  # fmt: skip
def test_a_request_as_described_passes(swagger: Contract, query: str) -> None:
    swagger.check(get(f"/api/v1/repos/acme/shop/issues?{query}"))


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("sinse=2026", r"no parameter 'sinse' \(there are: full, ids, label, limit, since, state\)"),
        ("state=merged", r"'state': 'merged' is not one of \['open', 'closed'\]"),
        ("state=open&state=closed", "'state' is given 2 times and is no list"),
        ("since=yesterday", "'since': 'yesterday' is not a 'date-time'"),
        ("since=2026-01-05T10:00:00", "'since': '2026-01-05T10:00:00' is not a 'date-time'"),
        ("since=2026-01-05T10:00:00+01:00", "'since': '2026-01-05T10:00:00 01:00' is not a 'date-time'"),
        ("limit=51", "'limit': 51 is greater than the maximum of 50"),
        ("limit=0", "'limit': 0 is less than the minimum of 1"),
        ("limit=many", "'limit': 'many' is not of type integer"),
        ("full=1", "'full': '1' is not of type boolean"),
        ("ids=1,x", "'ids': 1: 'x' is not of type integer"),
        ("ids=1&ids=2", "'ids' is given 2 times, where its values are to be joined by ','"),
        ("label=bug,idea", "'label': 0: 'bug,idea' is not one of"),
    ],
)
def test_a_query_that_is_not_as_described_is_refused(swagger: Contract, query: str, told: str) -> None:
    with pytest.raises(AssertionError, match=told):
        swagger.check(get(f"/api/v1/repos/acme/shop/issues?{query}"))


def test_all_that_is_wrong_is_told_at_once(swagger: Contract) -> None:
    with pytest.raises(AssertionError, match=r"GET /api/v1/repos/acme/shop/issues: .*state.*; .*limit"):
        swagger.check(get("/api/v1/repos/acme/shop/issues?state=x&limit=0"))


def test_a_required_parameter_may_not_be_missing(swagger: Contract) -> None:
    with pytest.raises(AssertionError, match="lacks 'q'"):
        swagger.check(get("/api/v1/search"))


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        (get("/api/v1/repos/acme/shop/pulls"), "there is no GET of /repos/acme/shop/pulls$"),
        (get("/repos/acme/shop/issues"), "/repos/acme/shop/issues is not below /api/v1"),
        (httpx2.Request("DELETE", get("/api/v1/search").url), r"there is no DELETE of /search \(but GET\)"),
        (get("/api/v1/repos/acme/shop/issues/seven"), "'index': 'seven' is not of type integer"),
        (get("/api/v1/repos/acme/shop/issues/99999999999999999999"), "'index': .* is not a 'int64'"),
    ],
)
def test_a_path_that_is_not_described_is_refused(swagger: Contract, request_: httpx2.Request, told: str) -> None:
    with pytest.raises(AssertionError, match=told):
        swagger.check(request_)


def test_of_two_paths_the_more_literal_one_counts(swagger: Contract) -> None:
    assert swagger.template(get("/api/v1/repos/a/b/issues/pinned")) == "/repos/{owner}/{repo}/issues/pinned"
    assert swagger.template(get("/api/v1/repos/a/b/issues/7")) == "/repos/{owner}/{repo}/issues/{index}"


def test_one_part_of_a_path_holds_no_slash_but_an_encoded_one(swagger: Contract) -> None:
    swagger.check(get("/api/v1/repos/acme%2Fteam/shop/issues"))
    swagger.check(get("/api/v1/repos/acme/shop/contents/docs/CODEOWNERS"))
    with pytest.raises(AssertionError, match="there is no GET"):
        swagger.check(get("/api/v1/repos/acme/team/shop/issues"))


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "body: 'title' is a required property"),
        ({"title": "x", "tilte": "y"}, r"body: Additional properties are not allowed \('tilte' was unexpected\)"),
        ({"title": 7}, "body: title: 7 is not of type string"),
        ({"title": "x", "due": "soon"}, "body: due: 'soon' is not a 'date'"),
        (None, "lacks a body"),
    ],
)
def test_a_body_that_is_not_as_described_is_refused(swagger: Contract, body: Any, told: str) -> None:
    request = httpx2.Request("POST", "https://forge.test/api/v1/repos/acme/shop/issues", json=body)
    with pytest.raises(AssertionError, match=told):
        swagger.check(httpx2.Request("POST", request.url) if body is None else request)


def test_a_body_where_none_is_described_is_refused(swagger: Contract) -> None:
    with pytest.raises(AssertionError, match="has a body, and none is described"):
        swagger.check(httpx2.Request("GET", "https://forge.test/api/v1/search?q=x", json={}))


def test_openapi_3_is_read_with_its_server_styles_and_references(openapi: Contract) -> None:
    openapi.check(get("/v2/projects/7?fields=a,b&status=1&status=2&made[gte]=2026-01-01"))
    openapi.check(get("/v2/projects/mine"))
    openapi.check(httpx2.Request("PUT", "https://forge.test/v2/projects/7", json={"team": None}))
    for address in ("/v2/projects/yours", "/v2/projects/7?status=1,2", "/v2/projects/7?fields=a&fields=b"):
        with pytest.raises(AssertionError):
            openapi.check(get(address))
    with pytest.raises(AssertionError, match="body: team: 7 is not of type string"):
        openapi.check(httpx2.Request("PUT", "https://forge.test/v2/projects/7", json={"team": 7}))


def test_a_server_may_have_the_api_below_a_path_of_its_own(tmp_path: Path) -> None:
    described(tmp_path, SWAGGER, base="/forge").check(get("/forge/api/v1/search?q=x"))


def test_a_transport_checks_whatever_goes_through_it(swagger: Contract) -> None:
    inner = httpx2.MockTransport(lambda _: httpx2.Response(200, json=[]))
    with httpx2.Client(base_url="https://forge.test/api/v1/", transport=swagger.transport(inner)) as client:
        assert client.get("search", params={"q": "x"}).json() == []
        with pytest.raises(AssertionError, match="lacks 'q'"):
            client.get("search")


@pytest.mark.parametrize(
    ("path", "address"),
    [
        (
            "forgejo/swagger2.json",
            "/api/v1/repos/acme/shop/issues?type=pulls&state=all&sort=recentupdate&page=2&limit=50",
        ),
        ("github/rest.json", "/repos/acme/shop/actions/runs?created=%3E2026-01-01&per_page=100"),
        ("github/rest.json", "/orgs/acme/teams/payments/members?role=all&per_page=100"),
        (
            "gitlab/rest-v4-swagger2.json",
            "/api/v4/projects/acme%2Fshop/deployments?order_by=updated_at&sort=desc&updated_after=2026-01-05T10:00:00Z",
        ),
        ("bitbucket/swagger2.json", "/2.0/repositories/acme/shop/pullrequests?state=MERGED"),
        ("azure-devops/build-7.1.json", "/acme/shop/_apis/build/builds?queryOrder=finishTimeAscending&api-version=7.1"),
        ("azure-devops/git-7.1.json", "/acme/shop/_apis/git/repositories?api-version=7.1"),
    ],
)
def test_the_descriptions_of_the_hosts_can_be_read(path: str, address: str) -> None:
    contract(path).check(get(address))


def test_every_description_beside_the_repository_can_be_read() -> None:
    if not FOLDER.is_dir():
        pytest.skip(f"the vendors' descriptions are not in {FOLDER}, where they are kept beside the repository")
    paths = [path for path in sorted(FOLDER.glob("*/*.json")) if '"paths"' in path.read_text(encoding="utf-8-sig")]
    assert len(paths) > 15
    assert all(Contract(path).name for path in paths)


def test_a_description_that_is_not_there_skips_the_test() -> None:
    with pytest.raises(pytest.skip.Exception, match=r"nobody/api\.json"):
        contract("nobody/api.json")
