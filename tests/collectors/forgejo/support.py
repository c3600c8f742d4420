"""A source that reads the fake, and what lands of it."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
from duckdb import DuckDBPyConnection

from dxmetrics import collectors, warehouse
from dxmetrics.collectors import Context, Page, Scope
from dxmetrics.errors import CollectError
from dxmetrics.project import builtin_root
from dxmetrics.records import LANDED, Record, snake_name, table_name
from dxmetrics.warehouse.schema import layout
from tests.fakes.forgejo import Forgejo

collectors.extend_path([builtin_root() / "collectors"])
forgejo: Any = importlib.import_module("dxmetrics.collectors.forgejo")

TOKEN = "token-of-the-test"  # noqa: S105 - the fake's


def source(server: Forgejo, transport: httpx2.BaseTransport | None = None, **settings: Any) -> Any:
    """The source of organisation acme on a server that is asked instead of the network; its sleeps end at once."""
    chosen = {
        "kind": "forgejo", "url": "https://git.test", "organisations": ("acme",), "token": TOKEN, "mirror": False,
        **settings,
    }  # fmt: skip
    context = Context(now=lambda: server.now, folder=Path(), transport=transport or server, sleep=lambda _: None)
    return forgejo.Forgejo("forgejo", forgejo.ForgejoSettings.model_validate(chosen), context)


def collected(
    server: Forgejo, connection: DuckDBPyConnection, stop_after: int | None = None, **settings: Any
) -> list[str]:
    """Collect into a warehouse, scope after scope; what failed. After so many pages the process is killed."""
    loader = warehouse.Loader(connection, "forgejo", forgejo, clock=lambda: server.now)
    failures: list[str] = []
    left = stop_after
    with closing(source(server, **settings)) as one:
        for scope in _scopes(one, failures):
            read: list[tuple[Scope, Page]] = []
            try:
                for page in one.collect(scope, warehouse.read_cursor(connection, "forgejo", scope.id)):
                    read.append((scope, page))
                    if left is not None and len(read) == left:
                        break
            except CollectError as error:
                failures.append(str(error))
            assert not read or all(counts.refused == 0 for counts in loader.write_all(read))
            if left is not None and (left := left - len(read)) == 0:
                break
    return failures


def _scopes(one: Any, failures: list[str]) -> list[Scope]:
    """The scopes there are; none where they cannot be told."""
    try:
        return list(one.scopes())
    except CollectError as error:
        failures.append(str(error))
        return []


def pages(server: Forgejo, **settings: Any) -> list[tuple[Scope, Page]]:
    """The pages of one collection from the beginning."""
    with closing(source(server, **settings)) as one:
        return [(scope, page) for scope in one.scopes() for page in one.collect(scope, None)]


def records(server: Forgejo, kind: type[Record], **settings: Any) -> list[Any]:
    """The records of a kind that one collection from the beginning yields, by id."""
    make = getattr(forgejo, snake_name(kind), None) or kind.model_validate
    rows = [make(row) for _, page in pages(server, **settings) for row in page.rows.get(kind, ())]
    return list({row.ext_id: row for row in sorted(rows, key=lambda row: row.ext_id)}.values())


def again(server: Forgejo, connection: DuckDBPyConnection, **settings: Any) -> list[str]:
    """What one more collection asks for."""
    before = len(server.requests)
    assert collected(server, connection, **settings) == []
    return [f"{one.url.path.removeprefix('/api/v1/')}" for one in server.requests[before:]]


def rows(connection: DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    """The answer to a query."""
    return connection.execute(query).fetchall()


def alive(connection: DuckDBPyConnection) -> Mapping[str, list[tuple[Any, ...]]]:
    """Every landed row that is not deleted, by table; parts only of requests that are not deleted themselves."""
    return {name: found for name, found in _alive(connection) if found}


def _alive(connection: DuckDBPyConnection) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
    for record in LANDED:
        names = ", ".join(f'"{name}"' for name in layout(record).columns)
        table = table_name(record)
        where = "deleted_at is null"
        if table in {"reviews", "change_commits"}:
            where += " and change in (select ext_id from landing.changes where deleted_at is null)"
        yield table, rows(connection, f"select {names} from landing.{table} where {where} order by 1")


def clean(server: Forgejo, folder: Path, **settings: Any) -> Mapping[str, list[tuple[Any, ...]]]:
    """What one undisturbed collection of the server as it is now lands."""
    folder.mkdir()
    with closing(warehouse.open_writer(folder)) as connection:
        assert collected(server, connection, **settings) == []
        return alive(connection)
