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
from dxmetrics.records import LANDED, Record, snake_name, table_name
from dxmetrics.warehouse.schema import layout
from tests.fakes.gitlab import Server

collectors.extend_path([builtin_root() / "collectors"])
gitlab = importlib.import_module("dxmetrics.collectors.gitlab")

TOKEN = "glpat-test-token"  # noqa: S105 - the fake's


def source(server: Server, folder: Path | None = None, *, on_network: bool = False, **settings: Any) -> Any:
    """A GitLab source of the group acme at the fake, in the process or `on_network`; its sleeps pass in the fake's
    time."""
    chosen = {"kind": "gitlab", "url": server.url, "organisations": ("acme",), "mirror": False, "token": TOKEN}
    made = gitlab.GitLab.Settings.model_validate({**chosen, **settings})
    context = Context(
        now=lambda: server.world.now,
        folder=folder or Path(),
        project_folder=folder or Path(),
        transport=None if on_network else server,
        sleep=lambda seconds: server.world.wait(seconds=seconds),
    )
    return gitlab.GitLab("gitlab", made, context)


class Found:
    """Everything that collections yield: records by type, pages, cursors by scope, and what failed."""

    def __init__(self) -> None:
        self.pages: list[Page] = []
        self.cursors: dict[str, Mapping[str, Any]] = {}
        self.failures: list[str] = []

    def of(self, kind: type[Record]) -> list[Any]:
        """The records of a type, by id; of one that came twice, the last."""
        make = getattr(gitlab, snake_name(kind), None) or kind.model_validate
        rows = [make(payload) for page in self.pages for payload in page.rows.get(kind, ())]
        return [row for _, row in sorted({row.ext_id: row for row in rows}.items())]

    def one(self, kind: type[Record]) -> Any:
        """The only record of a type."""
        (found,) = self.of(kind)
        return found

    @property
    def notes(self) -> set[str]:
        """What a person should know."""
        return {note for page in self.pages for note in page.notes}


def collect(server: Server, before: Found | None = None, **settings: Any) -> Found:
    """One collection of all scopes; the cursors go on from those of the collection `before`."""
    found = Found()
    found.cursors = dict(before.cursors) if before else {}
    with closing(source(server, **settings)) as one:
        for scope in one.scopes():
            try:
                for page in one.collect(scope, found.cursors.get(scope.id)):
                    found.pages.append(page)
                    if page.cursor is not None:
                        found.cursors[scope.id] = page.cursor
            except CollectError as error:
                found.failures.append(str(error))
    return found


def collected(one: Any, connection: DuckDBPyConnection, stop_after: int | None = None) -> list[str]:
    """Collect into a warehouse, scope after scope; what failed. After so many pages the process is killed."""
    loader = warehouse.Loader(connection, "gitlab", gitlab, clock=one.context.now)
    failures: list[str] = []
    written = 0
    with closing(one):
        for scope in listed(one, failures):
            pages = one.collect(scope, warehouse.read_cursor(connection, "gitlab", scope.id))
            try:
                for page in pages:
                    loader.write(scope, page)
                    written += 1
                    if written == stop_after:
                        pages.close()
                        return failures
            except CollectError as error:
                failures.append(str(error))
    return failures


def listed(one: Any, failures: list[str]) -> Iterator[Scope]:
    """The scopes there are; none where they cannot be told."""
    try:
        yield from list(one.scopes())
    except CollectError as error:
        failures.append(str(error))


def alive(connection: DuckDBPyConnection) -> Mapping[str, list[tuple[Any, ...]]]:
    """Every landed row that is not deleted, by table; children only of what is not deleted itself."""
    found = {}
    for record in LANDED:
        columns = layout(record).columns
        where = "deleted_at is null"
        if "change" in columns and table_name(record) != "pipeline_runs":
            where += " and change in (select ext_id from landing.changes where deleted_at is null)"
        names = ", ".join(f'"{name}"' for name in columns)
        rows = connection.execute(f"select {names} from landing.{table_name(record)} where {where} order by 1")
        found[table_name(record)] = rows.fetchall()
    return {name: rows for name, rows in found.items() if rows}


def clean(server: Server, folder: Path) -> Mapping[str, list[tuple[Any, ...]]]:
    """What one undisturbed collection of the fake as it is now lands."""
    folder.mkdir()
    with closing(warehouse.open_writer(folder)) as connection:
        assert collected(source(server, folder), connection) == []
        return alive(connection)
