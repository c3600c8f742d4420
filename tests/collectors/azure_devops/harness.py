"""A source that reads the fake, and what lands of it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from dxmetrics import collectors, warehouse
from dxmetrics.collectors import Context, Page, Scope
from dxmetrics.errors import CollectError
from dxmetrics.project import builtin_root
from dxmetrics.records import LANDED, table_name
from dxmetrics.warehouse.schema import layout
from tests.fakes.azure_devops import AzureDevOps

collectors.extend_path([builtin_root() / "collectors"])
azure: Any = importlib.import_module("dxmetrics.collectors.azure_devops")

TOKEN = "pat-of-the-test"  # noqa: S105 - the fake's
CREDENTIAL = "Basic OnBhdC1vZi10aGUtdGVzdA=="


def source(server: AzureDevOps, **settings: Any) -> Any:
    """The source on a server that is asked instead of the network; its sleeps pass in the server's time."""
    chosen = {"kind": "azure_devops", "organisations": ("acme",), "token": TOKEN, "mirror": False, **settings}
    context = Context(
        now=lambda: server.now, folder=Path(), project_folder=Path(), transport=server, sleep=lambda _: None
    )
    return azure.AzureDevOps("azure", azure.AzureDevOpsSettings.model_validate(chosen), context)


def collected(
    server: AzureDevOps, connection: DuckDBPyConnection, stop_after: int | None = None, **settings: Any
) -> list[str]:
    """Collect into a warehouse, scope after scope; what failed. After so many pages the process is killed."""
    loader = warehouse.Loader(connection, "azure", azure, clock=lambda: server.now)
    failures: list[str] = []
    left = stop_after or sys.maxsize
    with closing(source(server, **settings)) as one:
        for scope in one.scopes():
            met: list[tuple[Scope, Page]] = []
            try:
                cursor = warehouse.read_cursor(connection, "azure", scope.id)
                for page in islice(one.collect(scope, cursor), left):
                    met.append((scope, page))  # noqa: PERF401 - those before a failure stay
            except CollectError as error:
                failures.append(str(error))
            if met:  # together, as that is faster: one by one they would be there too
                assert sum(count.refused for count in loader.write_all(met)) == 0
            left -= len(met)
            if left <= 0:
                break
    return failures


def pages(server: AzureDevOps, **settings: Any) -> list[tuple[Scope, Page]]:
    """The pages of one collection from the beginning."""
    with closing(source(server, **settings)) as one:
        return [(scope, page) for scope in one.scopes() for page in one.collect(scope, None)]


def rows(connection: DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    """The answer to a query."""
    return connection.execute(query).fetchall()


def alive(connection: DuckDBPyConnection) -> Mapping[str, list[tuple[Any, ...]]]:
    """Every landed row that is not deleted, by table."""
    found = {}
    for record in LANDED:
        names = ", ".join(f'"{name}"' for name in layout(record).columns)
        table = f"landing.{table_name(record)}"
        found[table_name(record)] = rows(connection, f"select {names} from {table} where deleted_at is null order by 1")
    return {name: found_rows for name, found_rows in found.items() if found_rows}


def clean(server: AzureDevOps, folder: Path, **settings: Any) -> Mapping[str, list[tuple[Any, ...]]]:
    """What one undisturbed collection of the server as it is now lands."""
    folder.mkdir()
    with closing(warehouse.open_writer(folder)) as connection:
        assert collected(server, connection, **settings) == []
        return alive(connection)
