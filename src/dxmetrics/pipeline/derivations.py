"""The tables of `core` that Python makes, with what they depend on."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING

import pyarrow as pa

from dxmetrics import linkage, models
from dxmetrics.identity import people
from dxmetrics.models import Derivation
from dxmetrics.patterns import expression
from dxmetrics.pipeline import capabilities
from dxmetrics.settings import Settings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

PATTERNS = ("source", "repository", "workflow", "job", "branch")


def derivations(settings: Settings) -> tuple[Derivation, ...]:
    """The tables that Python makes: people from accounts, rules from settings, and which deployment shipped a commit
    first."""
    rules = people.Rules.of(settings)
    version = models.nodes.digest(inspect.getsource(people), rules)

    def identities(connection: DuckDBPyConnection, tables: Mapping[str, str]) -> pa.Table:
        query = f"select * from {tables['landing.identities']} where deleted_at is null"
        return people.identities(connection.sql(query).to_arrow_table(), rules)

    def suggestions(connection: DuckDBPyConnection, tables: Mapping[str, str]) -> pa.Table:
        return people.suggestions(connection.sql(f"select * from {tables['core.identities']}").to_arrow_table())

    text = "varchar"
    columns = dict.fromkeys(people.TEXT_COLUMNS, text) | {"is_bot": "boolean"}
    return (
        Derivation("core.identities", ("landing.identities",), columns, identities, version),
        Derivation(
            "core.identity_suggestions",
            ("core.identities",),
            {"display_name": text, "person_ids": "varchar[]"},
            suggestions,
            version,
        ),
        _deployment_rules(settings),
        *capabilities.declared(settings),
        linkage.DERIVATION,
    )


def _deployment_rules(settings: Settings) -> Derivation:
    """One row per rule of `[[deployments.rules]]`, its patterns as regular expressions; null matches anything."""
    columns = {
        "position": "bigint",
        **dict.fromkeys(PATTERNS, "varchar"),
        "environment": "varchar",
        "service": "varchar",
    }
    rows = [
        {
            "position": place,
            **{name: expression(getattr(rule, name)) for name in PATTERNS},
            "environment": rule.environment,
            "service": rule.service or None,
        }
        for place, rule in enumerate(settings.deployments.rules, 1)
    ]
    schema = pa.schema([(name, pa.int64() if kind == "bigint" else pa.string()) for name, kind in columns.items()])
    table = pa.Table.from_pylist(rows, schema=schema)
    return Derivation("core.deployment_rules", (), columns, lambda *_: table, models.nodes.digest(rows))
