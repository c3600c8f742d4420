"""The published warehouse as readers see it: each version attached read-only, under its own name.

A file is never published over another, so a version in use stays as it is until the last call that reads it has ended.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import duckdb
import pyarrow as pa

from dxmetrics.errors import SettingsError, WarehouseError
from dxmetrics.metrics.definition import Definition, definition
from dxmetrics.warehouse import latest

# Queries that run at a time, each on several threads of its own. More would not be answered sooner, and everybody else
# in this process would wait for the processor.
_running = threading.BoundedSemaphore(max(2, os.cpu_count() or 2))


@dataclass(frozen=True)
class Publication:
    """One published version: where it is attached, its facts, and its metrics by name with their views' columns."""

    path: Path
    alias: str
    facts: Mapping[str, Any]
    definitions: Mapping[str, Definition]
    columns: Mapping[str, Mapping[str, str]]

    @property
    def as_of(self) -> datetime:
        return datetime.fromisoformat(self.facts["as_of"]).astimezone(UTC)

    @property
    def zone(self) -> str:
        return str(self.facts.get("reporting_zone") or "UTC")

    def definition(self, name: str) -> Definition:
        """The metric of that name; SettingsError names the valid ones."""
        try:
            return self.definitions[name]
        except KeyError:
            valid = ", ".join(sorted(self.definitions))
            raise SettingsError(f"metric {name!r} is not known: use one of {valid}") from None


@dataclass(frozen=True)
class Reading:
    """A cursor on one publication, for one call."""

    publication: Publication
    cursor: duckdb.DuckDBPyConnection

    def table(self, sql: str, params: Mapping[str, Any] | None = None, **tables: pa.Table) -> pa.Table:
        """The rows of a query; `tables` are Arrow tables it may name."""
        for name, table in tables.items():
            self.cursor.register(name, table)
        with self._named():
            found: pa.Table = self.cursor.sql(sql, params=dict(params or {})).to_arrow_table()
            return found

    def rows(self, sql: str, params: Mapping[str, Any] | None = None) -> tuple[dict[str, Any], ...]:
        """The rows of a small query as dicts."""
        with self._named():
            found = self.cursor.execute(sql, dict(params or {}))
            names = [column[0] for column in found.description or ()]
            return tuple(dict(zip(names, row, strict=True)) for row in found.fetchall())

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            with _running:
                yield
        except duckdb.Error as error:
            version = self.publication.path.name
            raise WarehouseError(f"{version} cannot be read: {error}; build and publish again") from error


class Store:
    """The publications of a data folder that are in use, shared by threads; one per folder and process."""

    _stores: ClassVar[dict[Path, Store]] = {}
    _stores_lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, data: Path) -> None:
        self._data = data
        # A release can run in the garbage collector, in the very thread that holds the lock.
        self._lock = threading.RLock()
        self._holders: dict[str, int] = {}
        self._root = duckdb.connect(
            ":memory:",
            config={
                "autoinstall_known_extensions": False,
                "python_enable_replacements": False,
                "temp_directory": str(Path(tempfile.gettempdir()) / "dxmetrics-reader"),
            },
        )
        self._current = self._attach(_latest(data))

    @classmethod
    def of(cls, data: Path) -> Store:
        """The store of that folder; WarehouseError when nothing is published in it."""
        folder = data.resolve()
        with cls._stores_lock:
            if folder not in cls._stores:
                cls._stores[folder] = cls(folder)
            return cls._stores[folder]

    def newest(self) -> Publication:
        """The newest publication, attached and held for the caller until `release`. Costs one pointer's reading."""
        path = _latest(self._data)
        with self._lock:
            if path != self._current.path:
                before, self._current = self._current, self._attach(path)
                self._detach_idle(before)
            self._holders[self._current.alias] = self._holders.get(self._current.alias, 0) + 1
            return self._current

    def release(self, publication: Publication) -> None:
        """Give back what `newest` returned; the last one out detaches a publication that has been succeeded."""
        with self._lock:
            self._holders[publication.alias] -= 1
            self._detach_idle(publication)

    @contextmanager
    def reading(self, publication: Publication) -> Iterator[Reading]:
        """A cursor of its own on a held publication."""
        cursor = self._root.cursor()
        try:
            cursor.execute(f'use "{publication.alias}"')
            cursor.execute("set timezone = 'UTC'")
            yield Reading(publication, cursor)
        finally:
            cursor.close()

    def _detach_idle(self, publication: Publication) -> None:
        if publication is not self._current and not self._holders.get(publication.alias):
            self._holders.pop(publication.alias, None)
            self._root.execute(f'detach "{publication.alias}"')

    def _attach(self, path: Path) -> Publication:
        alias = re.sub(r"\W", "_", path.stem)
        quoted = str(path).replace("'", "''")
        try:
            self._root.execute(f"attach '{quoted}' as \"{alias}\" (read_only)")
        except duckdb.Error as error:
            raise WarehouseError(f"{path} cannot be opened: {error}; run `dxmetrics build` to publish again") from error
        try:
            return _publication(self._root, path, alias)
        except BaseException:
            self._root.execute(f'detach "{alias}"')
            raise


def _latest(data: Path) -> Path:
    newest = latest(data)
    if newest is None:
        raise WarehouseError(f"nothing is published in {data} yet: run `dxmetrics up`, or collect and build")
    return newest.path


def _publication(root: duckdb.DuckDBPyConnection, path: Path, alias: str) -> Publication:
    with root.cursor() as cursor:
        try:
            facts = cursor.execute(f'select name, value from "{alias}".meta.facts').fetchall()
            definitions, columns = definitions_in(cursor, alias)
        except duckdb.Error as error:
            raise WarehouseError(
                f"{path} is not a published warehouse of this version: {error}; run `dxmetrics build` again"
            ) from error
    known = {name: json.loads(value) for name, value in facts}
    if "as_of" not in known:
        raise WarehouseError(f"{path} does not say as of when it is: run `dxmetrics build` to publish again")
    return Publication(path, alias, known, definitions, columns)


def definitions_in(
    cursor: duckdb.DuckDBPyConnection, database: str
) -> tuple[dict[str, Definition], dict[str, dict[str, str]]]:
    """The metrics of an attached database by name, and the types of their columns; ModelError for one that is wrong."""
    models = cursor.execute(f'select name, header, sql from "{database}".meta.models').fetchall()
    views = cursor.execute(
        "select table_name, column_name, data_type from duckdb_columns()"
        " where database_name = ? and schema_name = 'metrics' order by table_name, column_index",
        [database],
    ).fetchall()
    columns: dict[str, dict[str, str]] = {}
    for view, column, kind in views:
        columns.setdefault(view, {})[column] = kind
    headers = {
        name.removeprefix("metrics."): (json.loads(header or "{}"), sql or "")
        for name, header, sql in models
        if name.startswith("metrics.")  # core.deployments and metrics.deployments are two models
    }
    found = {name: definition(name, *headers[name], columns[name]) for name in sorted(columns) if name in headers}
    return found, columns


def require_readable(connection: duckdb.DuckDBPyConnection) -> None:
    """ModelError where a metric of this open warehouse could not be read: to be asked before it is published."""
    with connection.cursor() as cursor:
        ((database,),) = cursor.execute("select current_database()").fetchall()
        definitions_in(cursor, database)
