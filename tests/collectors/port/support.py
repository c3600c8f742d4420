"""What tests of the Port source share: the source on a fake account, and what lands of it in a warehouse."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
from duckdb import DuckDBPyConnection

from dxmetrics import collectors, warehouse
from dxmetrics.collectors import Context, Page
from dxmetrics.project import builtin_root
from dxmetrics.records import Record, table_name
from dxmetrics.warehouse.schema import layout
from tests.fakes.port import CLIENT, SECRET, Port

collectors.extend_path([builtin_root() / "collectors"])
port: Any = importlib.import_module("dxmetrics.collectors.port")

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
CATALOG: Mapping[str, Any] = {"reads": ("catalog",)}
ACTIONS: Mapping[str, Any] = {"reads": ("actions",)}


def source(server: Port, transport: httpx2.BaseTransport | None = None, **settings: Any) -> Any:
    """The source on an account that is asked instead of the network; its sleeps end at once."""
    chosen = {"kind": "port", "client_id": CLIENT, "token": SECRET, **settings}
    context = Context(now=lambda: server.now, folder=Path(), transport=transport or server, sleep=lambda _: None)
    return port.Port("port", port.PortSettings.model_validate(chosen), context)


def read(server: Port, connection: DuckDBPyConnection, **settings: Any) -> Iterator[tuple[Page, warehouse.Counts]]:
    """One collection, page by page: each is committed before the next one is read."""
    loader = warehouse.Loader(connection, "port", port, clock=lambda: server.now)
    with closing(source(server, **settings)) as one:
        for scope in one.scopes():
            for page in one.collect(scope, warehouse.read_cursor(connection, "port", scope.id)):
                yield page, loader.write(scope, page)


def collect(server: Port, connection: DuckDBPyConnection, **settings: Any) -> warehouse.Counts:
    """One collection into the warehouse; what became of its rows."""
    counts = sum((counts for _, counts in read(server, connection, **settings)), start=warehouse.Counts())
    assert counts.refused == 0
    return counts


def notes(server: Port, **settings: Any) -> tuple[str, ...]:
    """What one look at the catalogue tells a person."""
    with closing(source(server, **CATALOG, **settings)) as one:
        (scope,) = one.scopes()
        return tuple(note for page in one.collect(scope, None) for note in page.notes)


def rows(connection: DuckDBPyConnection, record: type[Record]) -> Mapping[str, Mapping[str, Any]]:
    """The landed rows of a type that are not deleted, by id."""
    names = tuple(layout(record).columns)
    found = connection.execute(
        f"select {', '.join(names)} from landing.{table_name(record)} where deleted_at is null order by ext_id"
    ).fetchall()
    return {row[names.index("ext_id")]: dict(zip(names, row, strict=True)) for row in found}
