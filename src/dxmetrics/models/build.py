"""Building what changed, in one transaction: either every table is of this build, or none is."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import duckdb
import pyarrow as pa

from dxmetrics.errors import ModelError
from dxmetrics.models import delta, partial
from dxmetrics.models.delta import Change, columns_of
from dxmetrics.models.nodes import Derivation, Model, ordered
from dxmetrics.warehouse.connection import storage_refusal, transaction
from dxmetrics.warehouse.sql import registered, scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from duckdb import DuckDBPyConnection

    from dxmetrics.models.nodes import Node

Mode = Literal["whole", "incremental", "skipped"]

log = logging.getLogger("dxmetrics.models")


@dataclass(frozen=True)
class ModelReport:
    """What a build did with one model; `rows` is None for a view and for what was skipped."""

    name: str
    mode: Mode
    rows: int | None
    seconds: float


@dataclass(frozen=True)
class BuildReport:
    """What a build did, model by model in the order of building."""

    models: tuple[ModelReport, ...]
    seconds: float

    @property
    def rebuilt(self) -> tuple[str, ...]:
        """The models that were built anew, whole or in part."""
        return tuple(one.name for one in self.models if one.mode != "skipped")


def build(
    connection: DuckDBPyConnection,
    models: Sequence[Model],
    variables: Mapping[str, Any] | None = None,
    derivations: Sequence[Derivation] = (),
    *,
    clock: Callable[[], datetime],
) -> BuildReport:
    """Bring every model up to date with its inputs, its text and `variables`; what was done with each.

    ModelError names the file where one cannot be ordered or built; the warehouse then is as it was before.
    """
    started = time.perf_counter()
    nodes = ordered(models, derivations)
    with transaction(connection):
        run = _Build(connection, variables or {}, clock())
        reports = run.all(nodes)
    return BuildReport(reports, time.perf_counter() - started)


class _Build:
    """One build: what is known of the tables so far."""

    def __init__(self, connection: DuckDBPyConnection, variables: Mapping[str, Any], now: datetime) -> None:
        self.connection = connection
        self.variables = variables
        self.now = now
        self.changes: dict[str, Change] = {}  # tables that differ from the last build
        self.reshaped: set[str] = set()  # tables whose columns differ: views on them are made again
        self.before: dict[str, tuple[str, str]] = {}  # model -> kind and definition at the last build
        self.shown: dict[str, tuple[str, str]] = {}  # model -> header and select as published
        self.built: list[dict[str, Any]] = []  # rows of meta.models: one statement for all, not two for each

    def all(self, nodes: Sequence[Node]) -> tuple[ModelReport, ...]:
        """Build the nodes in their order."""
        for node in nodes:
            self._set_variables(node)
        rows = self.connection.execute(
            "select name, kind, fingerprint, header::varchar, sql from meta.models"
        ).fetchall()
        self.before = {name: (kind, fingerprint) for name, kind, fingerprint, *_ in rows}
        self.shown = {name: (header, text) for name, _, _, header, text in rows}
        names = {node.name for node in nodes}
        given = {table for node in nodes for table in node.inputs} - names
        changes, states = delta.given_changes(self.connection, given)
        self.changes.update(changes)
        for name in sorted(set(self.before) - names):
            self._drop(name, self.before[name][0])
            self.connection.execute("delete from meta.models where name = ?", [name])
        reports = tuple(self._one(node) for node in nodes)
        self._record()
        if changes:
            delta.remember(self.connection, states)
        return reports

    def _set_variables(self, node: Node) -> None:
        for name in node.query.variables if isinstance(node, Model) else ():
            if name not in self.variables:
                known = ", ".join(sorted(self.variables))
                raise ModelError(f"{node.place}: variable {name!r} is not known: use one of {known}")
            self.connection.execute(f"set variable {name} = ?", [self.variables[name]])

    def _one(self, node: Node) -> ModelReport:
        started = time.perf_counter()
        definition = node.definition(self.variables)
        is_same = self.before.get(node.name) == (kind_of(node), definition)
        try:
            if node.is_view:
                mode, rows = self._view(node, is_same=is_same), None
            else:
                changed = [table for table in node.inputs if self._concerns(table, node)] if is_same else ()
                mode, rows = self._table(node, is_same=is_same, changed=changed)
        except duckdb.Error as error:
            raise storage_refusal(error, node.place) or ModelError(f"{node.place}: {error}") from error
        seconds = time.perf_counter() - started
        if mode == "skipped":
            self._show(node)
        else:
            header, text = node.published
            self.built.append({
                "name": node.name, "kind": kind_of(node), "fingerprint": definition, "built_at": self.now, "mode": mode,
                "rows": rows, "seconds": seconds, "header": header, "sql": text,
            })  # fmt: skip
            log.info("model=%s mode=%s rows=%s seconds=%.3f", node.name, mode, rows, seconds)
        return ModelReport(node.name, mode, rows, seconds)

    def _concerns(self, table: str, node: Node) -> bool:
        """Whether an input is not as it was, in what the node reads of it."""
        change = self.changes.get(table)
        return change is not None and change.differs_in(
            self.connection, partial.read_columns(self.connection, node, table)
        )

    def _view(self, node: Node, *, is_same: bool) -> Mode:
        if not self.changes.keys().isdisjoint(node.inputs):
            self.changes[node.name] = Change(node.name)
        if is_same and not self.reshaped.intersection(node.inputs):
            return "skipped"
        if not isinstance(node, Model):
            raise ModelError(f"{node.place}: only a model can be a view")
        self._drop(node.name, self.before.get(node.name, ("view", ""))[0])
        self.connection.execute(f"create view {node.name} as {node.query.text}")
        self.reshaped.add(node.name)
        self.changes[node.name] = Change(node.name)
        return "whole"

    def _table(self, node: Node, *, is_same: bool, changed: Sequence[str]) -> tuple[Mode, int | None]:
        if is_same and not changed:
            return "skipped", None
        if is_same:
            done = partial.rebuild(self.connection, node, [self.changes[table] for table in changed], self._fill)
            if done is not None:
                if done.change is None:
                    return "skipped", None
                self.changes[node.name] = done.change
                return "incremental", self._count(node.name)
        return self._whole(node, is_same=is_same)

    def _whole(self, node: Node, *, is_same: bool) -> tuple[Mode, int | None]:
        """Build all rows of a table; where its definition is the old one, find out whether and where they differ."""
        fresh = f"{node.name}__new"
        self.connection.execute(f"drop table if exists {fresh}")
        self._fill(node, {}, fresh)
        columns = columns_of(self.connection, fresh)
        for name in node.key:
            if name not in columns:
                raise ModelError(f"{node.place}: header: key column {name!r} is not in the select")
        change = Change(node.name)
        if node.name not in self.before or columns_of(self.connection, node.name) != columns:
            self.reshaped.add(node.name)
        elif is_same:
            differing = f"temp.delta_{node.name.replace('.', '_')}"
            if delta.difference(self.connection, differing, node.name, fresh, columns) == 0:
                self.connection.execute(f"drop table {fresh}")
                return "skipped", None
            change = Change(node.name, made=differing)
        self._drop(node.name, self.before.get(node.name, ("table", ""))[0])
        self.connection.execute(f"alter table {fresh} rename to {node.name.split('.')[1]}")
        self.changes[node.name] = change
        return "whole", self._count(node.name)

    def _fill(self, node: Node, tables: Mapping[str, str], target: str) -> None:
        """Make table `target` of the node's rows, its inputs read from `tables` where that names another."""
        create = "create temp table" if target.startswith("temp.") else "create table"
        if isinstance(node, Model):
            self.connection.execute(f"{create} {target} as {node.query.reading(tables)}")
            return
        columns = ", ".join(f'"{name}" {kind}' for name, kind in node.columns.items())
        self.connection.execute(f"{create} {target} ({columns})")
        made = node.run(self.connection, {name: tables.get(name, name) for name in node.inputs})
        if made.num_rows:
            with registered(self.connection, "derived_rows", made):
                self.connection.execute(f"insert into {target} by name select * from derived_rows")

    def _count(self, table: str) -> int:
        count: int = scalar(self.connection, f"select count(*) from {table}")
        return count

    def _drop(self, name: str, kind: str) -> None:
        self.connection.execute(f"drop {kind} if exists {name}")

    def _record(self) -> None:
        """Keep what was built, in the place of what was said of it before."""
        if self.built:
            with registered(self.connection, "built_models", pa.Table.from_pylist(self.built)):
                self.connection.execute("delete from meta.models where name in (select name from built_models)")
                self.connection.execute("insert into meta.models by name select * from built_models")

    def _show(self, node: Node) -> None:
        """Keep the header and text that readers see, where only words in them have changed."""
        header, text = node.published
        if self.shown.get(node.name) not in (None, (header, text)):
            self.connection.execute(
                "update meta.models set header = ?::json, sql = ? where name = ?", [header, text, node.name]
            )


def kind_of(node: Node) -> str:
    """`view` or `table`."""
    return "view" if node.is_view else "table"
