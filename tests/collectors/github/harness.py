"""A source that reads the fake, and what lands of it."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from dxmetrics import collectors, warehouse
from dxmetrics.collectors import Context, Page, Scope
from dxmetrics.errors import CollectError
from dxmetrics.project import builtin_root
from dxmetrics.records import LANDED, table_name
from dxmetrics.warehouse.schema import layout
from tests.fakes.github import Server

collectors.extend_path([builtin_root() / "collectors"])
github = importlib.import_module("dxmetrics.collectors.github")

TOKEN = "github_pat_test"  # noqa: S105 - the fake's


def source(server: Server, folder: Path, **settings: Any) -> Any:
    """A GitHub source of the organisation acme at the fake; its sleeps pass in the fake's time."""
    chosen = {"kind": "github", "url": server.url, "organisations": ("acme",), "mirror": False, "token": TOKEN}
    made = github.GitHubSettings.model_validate({**chosen, **settings})
    context = Context(
        now=lambda: server.world.now,
        folder=folder,
        project_folder=folder,
        sleep=lambda seconds: server.world.wait(seconds=seconds),
    )
    return github.GitHub("github", made, context)


def collected(one: Any, connection: DuckDBPyConnection, stop_after: int | None = None) -> list[str]:
    """Collect into a warehouse, scope after scope; what failed. After so many pages the process is killed."""
    loader = warehouse.Loader(connection, "github", github, clock=one.context.now)
    failures: list[str] = []
    written = 0
    with closing(one):
        for scope in listed(one, failures):
            try:
                for page in pages(one, connection, scope):
                    loader.write(scope, page)
                    written += 1
                    if written == stop_after:
                        return failures
            except CollectError as error:
                failures.append(str(error))
    return failures


def listed(one: Any, failures: list[str]) -> list[Scope]:
    """The scopes there are; none where they cannot be told."""
    try:
        return list(one.scopes())
    except CollectError as error:
        failures.append(str(error))
        return []


def pages(one: Any, connection: DuckDBPyConnection, scope: Scope) -> Iterator[Page]:
    """The pages of a scope from where it was left."""
    yield from one.collect(scope, warehouse.read_cursor(connection, "github", scope.id))


def alive(connection: DuckDBPyConnection) -> Mapping[str, list[tuple[Any, ...]]]:
    """Every landed row that is not deleted, by table; children only of what is not deleted itself."""
    found = {}
    for record in LANDED:
        names = ", ".join(f'"{name}"' for name in layout(record).columns)
        table = f"landing.{table_name(record)}"
        where = "deleted_at is null"
        if "change" in layout(record).columns and table_name(record) != "pipeline_runs":
            where += " and change in (select ext_id from landing.changes where deleted_at is null)"
        if table_name(record) == "links":
            where += " and from_id in (select ext_id from landing.changes where deleted_at is null)"
        found[table_name(record)] = connection.execute(
            f"select {names} from {table} where {where} order by 1"
        ).fetchall()
    return {name: rows for name, rows in found.items() if rows}


def clean(server: Server, folder: Path) -> Mapping[str, list[tuple[Any, ...]]]:
    """What one undisturbed collection of the fake as it is now lands."""
    folder.mkdir()
    with closing(warehouse.open_writer(folder)) as connection:
        assert collected(source(server, folder), connection) == []
        return alive(connection)
