"""Answers as documents: what the metrics API says, in the types JSON has and under the names the command line uses."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, Any

from dxmetrics.metrics.changes import sentence
from dxmetrics.metrics.selection import UNMAPPED

if TYPE_CHECKING:
    from dxmetrics.metrics import Comparison, Definition, Health, Metrics, Receipt
    from dxmetrics.metrics.changes import Moved
    from dxmetrics.project import Project

Document = dict[str, Any]

STATE = ("sources", "coverage", "quarantine", "unmapped", "checks")  # what of the data's health is told


def head(published: Metrics) -> Document:
    """What every answer begins with: until when the data reaches, and its version."""
    return {"as_of": published.as_of.isoformat(), "data_version": published.data_version}


def catalogue(definitions: Sequence[Definition], areas: Mapping[str, str]) -> list[Document]:
    """Every metric: its definition with the folder it is in as `area`, None where its file is gone."""
    return [{"name": one.name, "area": areas.get(one.name)} | plain(one) for one in definitions]


def areas(project: Project) -> dict[str, str]:
    """The area of each metric that has a file, by name; the user's own before the built-in ones."""
    found: dict[str, str] = {}
    for root in reversed(project.roots):
        found |= {file.stem: file.parent.name for file in (root / "sql" / "metrics").glob("*/*.sql")}
    return found


def comparison(one: Comparison) -> Document:
    """The window's cell, the number of the window before, and whether their difference is signal."""
    before = one.previous
    said = {
        "previous_period": before.period,
        "previous_value": before.value,
        "previous_n": before.n,
        "difference": one.difference,
        "difference_ci_low": one.ci_low,
        "difference_ci_high": one.ci_high,
        "difference_ci_method": one.ci_method,
        "is_signal": one.is_signal,
        "change": one.change,
        "text": one.text,
        "reason": one.reason,
    }
    named = {f"dimension_{name}": value for name, value in one.dimensions.items() if name in said}
    return one.current.as_json() | said | named


def change(moved: Moved) -> Document:
    """A change in a sentence and in numbers, with what carries it: `stage`, or the values of `moved_by`."""
    said = {
        "sentence": sentence(moved).text,
        "title": moved.definition.title,
        "stage": moved.stage,
        "moved_by": moved.dimension,
        "moved_by_values": [one.name or UNMAPPED for one in moved.groups],
        "spread_over": moved.spread_over,
    }
    return said | comparison(moved.comparison)


def receipt(found: Receipt) -> Document:
    """Everything behind one number but its rows."""
    about: Document = plain(found)
    del about["rows"], about["as_of"], about["data_version"]
    return about | {"value": found.value.as_json(), "coverage": found.coverage and found.coverage.as_json()}


def health(found: Health) -> Document:
    """Freshness of sources, coverage of streams, what was refused or belongs to nobody, and what checks say."""
    return {name: plain(getattr(found, name)) for name in STATE}


def plain(value: Any) -> Any:
    """`value` in the types JSON has."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {one.name: plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    return None if isinstance(value, float) and not isfinite(value) else value
