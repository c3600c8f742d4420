"""The tables of `core` that hold what dx.toml declares of the platform: capabilities, their exceptions, exemptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from dxmetrics import models
from dxmetrics.models import Derivation
from dxmetrics.patterns import any_of, expression
from dxmetrics.settings import Settings
from dxmetrics.settings.entries import CapabilityEntry

ARROW: dict[str, pa.DataType] = {
    "varchar": pa.string(), "bigint": pa.int64(), "boolean": pa.bool_(), "date": pa.date32(),
    "bigint[]": pa.list_(pa.int64()),
}  # fmt: skip
CAPABILITIES = {
    "capability": "varchar", "key": "varchar", "position": "bigint", "capability_title": "varchar", "unit": "varchar",
    "is_mandated": "boolean", "is_lasting": "boolean", "since_on": "date", "service_pattern": "varchar",
    "type_pattern": "varchar", "tiers": "bigint[]", "language_pattern": "varchar", "lifecycle_pattern": "varchar",
    "team_pattern": "varchar", "action_pattern": "varchar", "usage_pattern": "varchar", "template_pattern": "varchar",
    "ticket_pattern": "varchar",
}  # fmt: skip
EXCLUSIONS = {
    "capability": "varchar", "position": "bigint", "service_pattern": "varchar", "team_pattern": "varchar",
    "reason": "varchar",
}  # fmt: skip
EXEMPTIONS = {
    "standard": "varchar", "position": "bigint", "service_pattern": "varchar", "until_on": "date", "reason": "varchar",
}  # fmt: skip


def declared(settings: Settings) -> tuple[Derivation, ...]:
    """`core.capabilities`, `core.capability_exclusions` and `core.standard_exemptions`, one row per entry.

    A pattern is a regular expression; null matches anything where it narrows (services, actions), and nothing where it
    adds (usage, templates, tickets).
    """
    exclusions = [
        {
            "capability": one.name,
            "position": place,
            "service_pattern": any_of(excluded.services),
            "team_pattern": any_of(excluded.teams),
            "reason": excluded.reason,
        }
        for one in settings.capabilities
        for place, excluded in enumerate(one.excluded, 1)
    ]
    exemptions = [
        {
            "standard": one.standard,
            "position": place,
            "service_pattern": expression(one.service),
            "until_on": one.until,
            "reason": one.reason,
        }
        for place, one in enumerate(settings.exemptions, 1)
    ]
    return (
        _stated("core.capabilities", CAPABILITIES, [_capability(*one) for one in enumerate(settings.capabilities, 1)]),
        _stated("core.capability_exclusions", EXCLUSIONS, exclusions),
        _stated("core.standard_exemptions", EXEMPTIONS, exemptions),
    )


def _capability(place: int, entry: CapabilityEntry) -> dict[str, Any]:
    return {
        "capability": entry.name,
        "key": entry.name.lower(),
        "position": place,
        "capability_title": entry.title or entry.name,
        "unit": entry.unit,
        "is_mandated": entry.is_mandated,
        "is_lasting": entry.is_lasting,
        "since_on": entry.since,
        "service_pattern": any_of(entry.services),
        "type_pattern": any_of(entry.types),
        "tiers": list(entry.tiers) or None,
        "language_pattern": any_of(entry.languages),
        "lifecycle_pattern": any_of(entry.lifecycles),
        "team_pattern": any_of(entry.teams),
        "action_pattern": any_of(entry.actions),
        "usage_pattern": any_of(entry.metrics),
        "template_pattern": any_of(entry.templates),
        "ticket_pattern": any_of(entry.ticket_labels),
    }


def _stated(name: str, columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> Derivation:
    schema = pa.schema([(column, ARROW[kind]) for column, kind in columns.items()])
    table = pa.Table.from_pylist(list(rows), schema=schema)
    return Derivation(name, (), columns, lambda *_: table, models.nodes.digest(rows))
