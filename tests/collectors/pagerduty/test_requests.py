"""Every request is one that PagerDuty's own description of its API knows, and so is every field that is read."""

from __future__ import annotations

import importlib
import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest

from dxmetrics.collectors import Cursor
from tests.collectors.contract import FOLDER, contract
from tests.fakes.pagerduty import Account, PagerDuty

from .support import DAY, NOW, pagerduty, source

DESCRIPTION = "pagerduty/rest-v2.json"


def server() -> PagerDuty:
    """An account with so much of everything that each list has a second page."""
    account = Account(NOW - 200 * DAY)
    shop = account.add_service("shop", account.add_team("Payments"))
    for number in range(120):
        account.add_service(f"service {number}", account.add_team(f"team {number}"))
        key = account.trigger(shop)
        account.now += timedelta(hours=30 if number % 9 else 1)
        account.acknowledge(key)
        account.resolve(key)
    return PagerDuty(account)


@pytest.mark.parametrize("settings", [{}, {"services": ("shop",), "teams": ("Payments", "team 1")}])
def test_every_request_is_described(settings: Mapping[str, Any]) -> None:
    described, asked = contract(DESCRIPTION), server()
    cursor: Cursor | None = None
    for days in (0, 1, 9):
        asked.account.now += timedelta(days=days)
        asked.account.acknowledge(next(iter(asked.account.incidents)))
        with closing(source(asked, described.transport(asked), **settings)) as one:
            for scope in one.scopes():
                for page in one.collect(scope, cursor):
                    cursor = page.cursor or cursor
    assert {described.template(request) for request in asked.requests} == {
        "/incidents", "/incidents/{id}/log_entries", "/log_entries", "/services", "/teams",
    }  # fmt: skip
    with_zone = [request for request in asked.requests if request.url.path != "/teams"]
    assert {request.url.params.get("time_zone") for request in with_zone} == {"UTC"}
    of_log = [request for request in asked.requests if request.url.path.endswith("/log_entries")]
    assert {request.url.params.get("is_overview") for request in of_log} == {"true"}
    assert {request.headers["content-type"] for request in asked.requests} == {"application/json"}


def part(name: str) -> Any:
    """A module of the source."""
    return importlib.import_module(f"{pagerduty.__name__}.{name}")


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("Incident", part("incidents").KEPT),
        ("LogEntry", ("id", "type", "created_at", "incident")),
        ("Service", part("services").KEPT),
        ("Team", ("id", "name", "html_url")),
        ("Priority", ("name", "summary")),
        ("ResolveReason", ("type", "incident")),
    ],
)
def test_every_field_that_is_read_is_described(kind: str, fields: Collection[str]) -> None:
    contract(DESCRIPTION)  # or the test is skipped
    schemas = json.loads((FOLDER / DESCRIPTION).read_text(encoding="utf-8"))["components"]["schemas"]
    assert set(fields) <= set(properties(schemas, schemas[kind]))


@pytest.mark.parametrize(("kind", "name"), [("Incident", "status"), ("LogEntry", "type"), ("ResolveReason", "type")])
def test_every_word_that_is_understood_is_described(kind: str, name: str) -> None:
    contract(DESCRIPTION)
    schemas = json.loads((FOLDER / DESCRIPTION).read_text(encoding="utf-8"))["components"]["schemas"]
    words = set(dict(described(schemas, schemas[kind]))[name]["enum"])
    own = part("incidents")
    known = {
        "Incident": set(own.STATUSES),
        "LogEntry": {own.TRIGGERED, own.ACKNOWLEDGED, own.RESOLVED},
        "ResolveReason": {own.MERGED},
    }
    assert known[kind] <= words
    assert kind == "LogEntry" or words <= known[kind]


def properties(schemas: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    return (name for name, _ in described(schemas, schema))


def described(schemas: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The properties of a schema, with those of the schemas it is made of."""
    yield from schema.get("properties", {}).items()
    for one in schema.get("allOf", ()):
        target: Any = {"components": {"schemas": schemas}}
        for key in one.get("$ref", "").removeprefix("#/").split("/") if "$ref" in one else ():
            target = target[int(key) if isinstance(target, list) else key]
        yield from described(schemas, target if "$ref" in one else one)
