"""A real Backstage catalogue: entities appear, change, vanish and come back, and the collector keeps up."""

from __future__ import annotations

import importlib
import json
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from duckdb import DuckDBPyConnection

from dxmetrics import warehouse
from dxmetrics.collectors import AuthError, CollectError, Context
from dxmetrics.records import Identity, Membership, Record, Service, Team
from tests.collectors import npm
from tests.collectors.contract import Contract
from tests.fakes.backstage import Backstage

from .portal import TOKEN, Portal, portal, until
from .support import NOW, backstage, rows, source

pytestmark = pytest.mark.real

MANY = 560  # more than a page has
COMPONENT = {"type": "service", "lifecycle": "production"}
PRINT_DESCRIPTION = """
const modules = require('module'), load = modules._load;
modules._load = (name, ...rest) => name.startsWith('@') ? {} : load(name, ...rest);
console.log(JSON.stringify(require(process.argv[1]).spec));
"""


def entities(made: Portal) -> None:
    """Two teams in a circle, somebody, and components with owners of every form."""
    made.add(
        "Group", "team-a", {"type": "team", "children": [], "profile": {"displayName": "Team A"}, "members": ["ada"]}
    )
    made.add("Group", "Team-B", {"type": "team", "children": ["team-c"]})
    made.add("Group", "team-c", {"type": "team", "children": ["team-b"]})
    made.add("User", "ada", {"profile": {"displayName": "Ada", "email": "ada@example.org"}, "memberOf": ["team-b"]})
    marks = {"github.com/project-slug": "acme/pay", "backstage.io/source-template": "template:default/service"}
    more = {"annotations": marks, "labels": {"tier": "1"}, "tags": ["money", "java"]}
    made.add("Component", "Pay", {**COMPONENT, "owner": "team-a", "system": "shop"}, **more)
    made.add("Component", "pay", {**COMPONENT, "owner": "group:default/team-a"}, namespace="shop")
    made.add("Component", "mine", {**COMPONENT, "owner": "user:ada"})
    made.add("Component", "lost", {**COMPONENT, "owner": "gone"})
    for number in range(MANY):
        made.add("Component", f"service-{number}", {**COMPONENT, "owner": "Team-B"})


@pytest.fixture(scope="module")
def running() -> Iterator[Portal]:
    with portal(entities) as made:
        yield made


class Reader:
    """A source that collects from the portal into a warehouse, with a clock that is a day further at each look."""

    def __init__(self, running: Portal, connection: DuckDBPyConnection) -> None:
        self.url = running.url
        self.connection = connection
        self.now = datetime(2026, 11, 23, 12, tzinfo=UTC)
        self.notes: tuple[str, ...] = ()
        self.requests = 0

    def source(self, **settings: Any) -> Any:
        chosen = {"kind": "backstage", "url": self.url, "token": TOKEN, "reads": ("catalog",), **settings}
        context = Context(now=lambda: self.now, folder=Path())
        return backstage.Backstage("backstage", backstage.BackstageSettings.model_validate(chosen), context)

    def collect(self) -> warehouse.Counts:
        """One look; what became of its rows."""
        self.now += timedelta(days=1)
        loader = warehouse.Loader(self.connection, "backstage", backstage, clock=lambda: self.now)
        counts = warehouse.Counts()
        with closing(self.source()) as one:
            for scope in one.scopes():
                for page in one.collect(scope, warehouse.read_cursor(self.connection, "backstage", scope.id)):
                    counts += loader.write(scope, page)
                    self.notes = page.notes or self.notes
            self.requests = one.context.budgets.requests
        return counts

    def has(self, record: type[Record], key: str, **values: Any) -> bool:
        """Whether a look now finds this row, with these values."""
        self.collect()
        row = rows(self.connection, record).get(key)
        return row is not None and all(row[name] == value for name, value in values.items())


def test_entities_appear_change_vanish_and_come_back(running: Portal, connection: DuckDBPyConnection) -> None:
    reader = Reader(running, connection)

    def is_whole() -> bool:
        reader.collect()
        return len(rows(connection, Service)) == MANY + 4 and len(rows(connection, Team)) == 3

    until(is_whole, "all entities are there")
    services = rows(connection, Service)
    told = services["pay"]
    assert {name: told[name] for name in told if told[name] not in (None, [])} == {
        "ext_id": "pay", "name": "Pay", "type": "service", "lifecycle": "production", "tier": 1, "language": "java",
        "team": "team-a", "system": "shop", "repository": "github.com/acme/pay", "template": "service",
    }  # fmt: skip
    assert {key: services[key]["team"] for key in ("shop/pay", "mine", "lost", "service-7")} == {
        "shop/pay": "team-a", "mine": None, "lost": "gone", "service-7": "team-b",
    }  # fmt: skip
    assert {key: (row["name"], row["parent"]) for key, row in rows(connection, Team).items()} == {
        "team-a": ("Team A", None), "team-b": ("Team-B", None), "team-c": ("team-c", None),
    }  # fmt: skip
    assert rows(connection, Identity)["user:default/ada"]["email"] == "ada@example.org"
    assert {row["team"] for row in rows(connection, Membership).values()} == {"team-a", "team-b"}
    assert [note.partition(": ")[0] for note in reader.notes] == [
        "components that a person owns", "components whose owner is not in the catalogue",
        "names in several namespaces", "groups above themselves",
    ]  # fmt: skip

    assert reader.collect().changed == 0
    assert reader.requests == 2

    running.add("Component", "lost", {**COMPONENT, "lifecycle": "deprecated", "owner": "team-c"})
    running.add("User", "ada", {"profile": {"email": "ada@example.org"}, "memberOf": ["team-c"]})
    running.publish()
    until(lambda: reader.has(Service, "lost", lifecycle="deprecated", team="team-c"), "a component has changed")
    until(lambda: reader.has(Identity, "user:default/ada", name=None), "a user has changed")
    spans = {row["team"]: row["valid_to"] is None for row in rows(connection, Membership).values()}
    assert spans == {"team-a": True, "team-b": False, "team-c": True}

    gone = running.entities.pop("Component:mine:default")
    running.publish()
    until(lambda: not reader.has(Service, "mine"), "a component is gone")
    assert len(rows(connection, Service)) == MANY + 3

    running.entities["Component:mine:default"] = gone
    running.publish()
    until(lambda: reader.has(Service, "mine"), "a component is back")
    assert reader.collect().changed == 0


def test_a_wrong_token_is_told_with_the_line_that_makes_one(running: Portal, connection: DuckDBPyConnection) -> None:
    for token in ("revoked", None):
        with closing(Reader(running, connection).source(token=token)) as one:
            (scope,) = one.scopes()
            with pytest.raises(AuthError, match=r"externalAccess: \[\{type: static"):
                list(one.collect(scope, None))


def test_a_portal_without_a_scaffolder_says_so(running: Portal, connection: DuckDBPyConnection) -> None:
    with closing(Reader(running, connection).source(reads=("scaffolder",))) as one:
        (scope,) = one.scopes()
        with pytest.raises(CollectError, match=r'leave it out: reads = \["catalog"\]'):
            list(one.collect(scope, None))


def test_every_request_to_the_scaffolder_is_described_by_its_package(tmp_path: Path) -> None:
    package = npm.unpacked("@backstage/plugin-scaffolder-backend", tmp_path)
    router = package / "dist/schema/openapi/generated/router.cjs.js"
    printed = subprocess.run(["node", "-e", PRINT_DESCRIPTION, router], capture_output=True, text=True, check=True)
    description = tmp_path / "scaffolder.json"
    description.write_text(printed.stdout)
    described, asked = Contract(description, "/api/scaffolder"), Backstage(NOW)
    for number in range(120):
        asked.end(asked.begin("service"), "failed" if number % 2 else "completed")
    asked.begin("service")
    cursor = None
    for _ in range(2):
        asked.now += timedelta(hours=1)
        with closing(source(asked, described.transport(asked), reads=("scaffolder",))) as one:
            (scope,) = one.scopes()
            for page in one.collect(scope, cursor):
                cursor = page.cursor or cursor
    assert {described.template(request) for request in asked.requests} == {
        "/v2/tasks", "/v2/tasks/{taskId}", "/v2/tasks/{taskId}/events",
    }  # fmt: skip
    own = importlib.import_module(f"{backstage.__name__}.tasks")
    schemas = json.loads(printed.stdout)["components"]["schemas"]
    assert own.UNFINISHED | set(own.OUTCOMES) <= set(schemas["TaskStatus"]["enum"])
    assert {*own.KEPT, "createdBy", "spec"} == set(schemas["SerializedTask"]["properties"])
