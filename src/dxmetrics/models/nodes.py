"""What a build consists of: models (SQL files) and derivations (Python), in an order in which each finds its inputs."""

from __future__ import annotations

import graphlib
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from dxmetrics.errors import ModelError
from dxmetrics.models.header import CheckHeader, CoreHeader, Header, MetricHeader, StandardHeader, parse
from dxmetrics.models.query import Parser, Query
from dxmetrics.records import LANDED, table_name
from dxmetrics.warehouse.schema import META
from dxmetrics.warehouse.sql import literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SCHEMAS = ("core", "metrics", "standards")
HEADERS: dict[str, type[Header]] = {
    "core": CoreHeader, "metrics": MetricHeader, "standards": StandardHeader, "checks": CheckHeader,
}  # fmt: skip
VERDICTS = "core.standard_verdicts"  # what all files of sql/standards say, in one table
CHANGED = "delta.changed"  # what an `affects` select reads the changed rows from
GIVEN = frozenset({f"landing.{table_name(record)}" for record in LANDED} | {f"meta.{name}" for name in META})

Keys = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Model:
    """One SQL file that makes a table or a view."""

    name: str  # schema.table
    path: Path
    header: CoreHeader | MetricHeader | StandardHeader
    query: Query

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tables its select reads."""
        return self.query.inputs

    @property
    def is_view(self) -> bool:
        """Whether it is a view, computed by whoever reads it."""
        return self.header.materialize == "view"

    @property
    def key(self) -> tuple[str, ...]:
        """The columns by which it is key-local; empty: it is always built whole."""
        return self.header.key if isinstance(self.header, CoreHeader) else ()

    @property
    def keys(self) -> Keys:
        """Per input table the key as SQL expressions, where columns of the key's names would not do."""
        return self.header.keys if isinstance(self.header, CoreHeader) else {}

    @property
    def affects(self) -> Mapping[str, str]:
        """Per input table the select of affected keys."""
        return self.header.affects if isinstance(self.header, CoreHeader) else {}

    @property
    def place(self) -> str:
        """Where to look when it fails."""
        return str(self.path)

    @property
    def published(self) -> tuple[str, str]:
        """Its header as JSON and its select, as readers are shown them."""
        return self.header.as_json(), self.query.text

    def definition(self, variables: Mapping[str, Any]) -> str:
        """A digest of what decides its rows, apart from its inputs."""
        used = {name: variables.get(name) for name in self.query.variables}
        return digest(self.query.text, self.is_view, self.key, dict(self.keys), dict(self.affects), used)


@dataclass(frozen=True)
class Derivation:
    """A table that Python makes: `run(connection, tables)` gives its rows for the inputs in `tables`.

    `tables` maps each name of `inputs` to the table to read it from. With a `key` (see the package's docstring) that
    may be a part of the input, the rows of the affected keys; then only rows of these keys are given back. `version`
    changes whenever code or settings would give other rows for the same inputs.
    """

    name: str
    inputs: tuple[str, ...]
    columns: Mapping[str, str]  # name -> SQL type
    run: Callable[[DuckDBPyConnection, Mapping[str, str]], pa.Table]
    version: str
    key: tuple[str, ...] = ()
    keys: Keys = field(default_factory=dict)
    affects: Mapping[str, str] = field(default_factory=dict)
    is_view: bool = False
    published: tuple[str, str] = ("{}", "")

    @property
    def place(self) -> str:
        """Where to look when it fails."""
        return f"derivation {self.name}"

    def definition(self, _variables: Mapping[str, Any]) -> str:
        """A digest of what decides its rows, apart from its inputs."""
        return digest(self.version, dict(self.columns), self.key, dict(self.keys), dict(self.affects))


@dataclass(frozen=True)
class Check:
    """A query that must return no rows."""

    name: str
    path: Path
    header: CheckHeader
    query: Query


Node = Model | Derivation


@dataclass(frozen=True)
class Content:
    """Everything in the `sql/` folders of a project."""

    models: tuple[Model, ...]
    checks: tuple[Check, ...]


def read(roots: Iterable[Path]) -> Content:
    """The models and checks of the `sql/` folders below `roots`; a file of an earlier root replaces a later one's of
    the same schema and name."""
    files: dict[tuple[str, str], Path] = {}
    for root in roots:
        own: dict[tuple[str, str], Path] = {}
        for path in sorted((root / "sql").rglob("*.sql")):
            schema = path.relative_to(root / "sql").parts[0]
            if schema not in HEADERS:
                raise ModelError(f"{path}: files of sql/ are in sql/core, sql/metrics, sql/standards or sql/checks")
            twin = own.setdefault((schema, path.stem), path)
            if twin != path:
                raise ModelError(f"{path}: {twin} has the same name already; the name is the table's")
        files = own | files
    headed = [(schema, name, path, *parse(path, HEADERS[schema])) for (schema, name), path in sorted(files.items())]
    parser = Parser()
    models, checks = [], []
    for schema, name, path, header, text, line in headed:
        query = parser.parse(text, str(path), line)
        if isinstance(header, CheckHeader):
            checks.append(Check(name, path, header, query))
        elif isinstance(header, CoreHeader | MetricHeader | StandardHeader):
            models.append(_checked(Model(f"{schema}.{name}", path, header, query)))
    standards = [model for model in models if isinstance(model.header, StandardHeader)]
    if standards:
        models.append(_verdicts(standards, parser))
    return Content(tuple(models), tuple(checks))


def ordered(models: Sequence[Model], derivations: Sequence[Derivation]) -> tuple[Node, ...]:
    """Models and derivations, each after its inputs; ModelError where a table is unknown or they run in a circle."""
    nodes: dict[str, Node] = {}
    made: list[Node] = [*derivations, *models]
    for node in made:
        if node.name in nodes:
            raise ModelError(f"{node.place}: {node.name} is made by {nodes[node.name].place} already")
        nodes[node.name] = node
    parser = Parser()
    for node in nodes.values():
        for table in (*node.inputs, *stated(node)):
            if table not in nodes and table not in GIVEN:
                raise ModelError(f"{node.place}: table {table} is not known: there is no {_expected(table)}")
        _check_keys(node, parser)
    sorter = graphlib.TopologicalSorter(
        {name: sorted(table for table in node.inputs if table in nodes) for name, node in sorted(nodes.items())}
    )
    try:
        return tuple(nodes[name] for name in sorter.static_order())
    except graphlib.CycleError as error:
        circle = " -> ".join(nodes[name].place for name in reversed(error.args[1]))
        raise ModelError(f"models read each other in a circle: {circle}") from error


def _check_keys(node: Node, parser: Parser) -> None:
    for table in sorted(stated(node) - {*node.inputs}):
        raise ModelError(f"{node.place}: header: {table} has keys but is not read")
    plain = [table for table in node.inputs if table.startswith("landing.") and table not in stated(node)]
    if "ext_id" in node.key and len(plain) > 1:
        raise ModelError(f"{node.place}: header: `ext_id` is in all of {', '.join(plain)}: say in [keys] what it is")
    for table in node.affects:
        for other in affecting(node, table, parser).inputs:
            if other not in (CHANGED, *node.inputs):
                raise ModelError(f"{node.place}: header: affects.{table} reads {other}, which is not an input")


def stated(node: Node) -> set[str]:
    """The inputs whose keys the node states itself."""
    return {*node.keys, *node.affects}


def affecting(node: Node, table: str, parser: Parser) -> Query:
    """The select of the keys that a change of `table` affects, parsed."""
    return parser.parse(node.affects[table], f"{node.place}: header: affects.{table}")


def digest(*parts: object) -> str:
    """A short digest of `parts` that is the same in every process."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:24]


def _verdicts(standards: Sequence[Model], parser: Parser) -> Model:
    """The table of what each standard says of each service, with what its header says."""
    selects = [_verdict(model, model.header) for model in standards if isinstance(model.header, StandardHeader)]
    query = parser.parse("\nunion all\n".join(selects), VERDICTS)
    return Model(VERDICTS, standards[0].path.parent, CoreHeader(grain="one row per standard and service"), query)


def _verdict(model: Model, header: StandardHeader) -> str:
    since = f"date '{header.since}'" if header.since else "cast(null as date)"
    stated = {
        "standard": literal(model.name.removeprefix("standards.")),
        "standard_title": literal(header.title),
        "tier": literal(header.tier),
        "weight": str(header.weight),
        "remedy": literal(header.remedy),
        "since_on": since,
        "grace_days": str(header.grace_days),
    }
    columns = [
        *(f"{value} as {name}" for name, value in stated.items()),
        *(f"one.{name}" for name in ("service_id", "status", "failing_since", "detail")),
    ]
    return f"select {', '.join(columns)} from {model.name} as one"


def _checked(model: Model) -> Model:
    if model.is_view and model.query.variables:
        raise ModelError(f"{model.path}: a view cannot use getvariable(): its readers set none; use a core table")
    return model


def _expected(table: str) -> str:
    schema, name = table.split(".", 1)
    return f"sql/{schema}/{name}.sql" if schema in SCHEMAS else f"{schema} table of this name"
