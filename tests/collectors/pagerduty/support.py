"""What tests of the PagerDuty source share: the source on a fake server, and what lands of it in a warehouse."""

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
from dxmetrics.collectors import Context, Page, Scope
from dxmetrics.errors import CollectError
from dxmetrics.project import builtin_root
from dxmetrics.records import Incident, Link, Record, Service, Team, snake_name, table_name
from dxmetrics.warehouse.schema import layout
from tests.fakes.pagerduty import PagerDuty

collectors.extend_path([builtin_root() / "collectors"])
pagerduty: Any = importlib.import_module("dxmetrics.collectors.pagerduty")

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TOKEN = "secret-key"  # noqa: S105 - the fake's
RECORDS: tuple[type[Record], ...] = (Incident, Link, Service, Team)


def source(
    server: PagerDuty, transport: httpx2.BaseTransport | None = None, ahead: timedelta = timedelta(), **settings: Any
) -> Any:
    """The source on a server that is asked instead of the network; its sleeps end at once. `ahead`: so wrong is the
    clock of this machine."""
    chosen = {"kind": "pagerduty", "token": TOKEN, **settings}
    context = Context(
        now=lambda: server.account.now + ahead, folder=Path(), transport=transport or server, sleep=lambda _: None
    )
    return pagerduty.PagerDuty("pagerduty", pagerduty.PagerDutySettings.model_validate(chosen), context)


def read(server: PagerDuty, connection: DuckDBPyConnection, **settings: Any) -> Iterator[Page]:
    """One collection, page by page: each is committed before the next one is read."""
    loader = warehouse.Loader(connection, "pagerduty", pagerduty, clock=lambda: server.account.now)
    with closing(source(server, **settings)) as one:
        for scope in one.scopes():
            for page in one.collect(scope, warehouse.read_cursor(connection, "pagerduty", scope.id)):
                assert loader.write(scope, page).refused == 0
                yield page


def collect(server: PagerDuty, connection: DuckDBPyConnection, **settings: Any) -> list[str]:
    """One collection into the warehouse; the paths it asked for."""
    before = len(server.requests)
    for _ in read(server, connection, **settings):
        pass
    return server.asked()[before:]


def disturbed(server: PagerDuty, connection: DuckDBPyConnection, pages: int | None) -> None:
    """A collection that may fail, or is killed after so many pages."""
    reading = read(server, connection)
    try:
        for number, _ in enumerate(reading, start=1):
            if number == pages:
                break
    except CollectError:
        pass
    reading.close()  # type: ignore[attr-defined]  # it is a generator


def records(server: PagerDuty, kind: type[Record], **settings: Any) -> list[Any]:
    """The records of a kind that one collection from the beginning yields, by id."""
    make = getattr(pagerduty, snake_name(kind))
    rows = [make(row) for _, page in pages(server, **settings) for row in page.rows.get(kind, ())]
    return sorted(rows, key=lambda row: row.ext_id)


def pages(server: PagerDuty, **settings: Any) -> list[tuple[Scope, Page]]:
    """The pages of one collection from the beginning."""
    with closing(source(server, **settings)) as one:
        return [(scope, page) for scope in one.scopes() for page in one.collect(scope, None)]


def rows(connection: DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    """The answer to a query."""
    return connection.execute(query).fetchall()


def alive(connection: DuckDBPyConnection) -> Mapping[str, list[tuple[Any, ...]]]:
    """Every landed row that is not deleted, by table."""
    return {
        table_name(record): rows(
            connection,
            f"select {', '.join(layout(record).columns)} from landing.{table_name(record)}"
            " where deleted_at is null order by ext_id",
        )
        for record in RECORDS
    }


def clean(server: PagerDuty, folder: Path, **settings: Any) -> Mapping[str, list[tuple[Any, ...]]]:
    """What one undisturbed collection of the account as it is now lands."""
    with closing(warehouse.open_writer(folder)) as connection:
        collect(server, connection, **settings)
        return alive(connection)
