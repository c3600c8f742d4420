"""A metric's definition, as its SQL file's header states it and the published warehouse carries it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dxmetrics.errors import ModelError

AGGREGATES = ("median", "proportion", "count", "active_days", "recovery", "stock", "sum", "rate", "mean")
BETTER = ("lower", "higher", "none")
BOTS = ("included", "excluded")

# Below these a value is not shown; a proportion always is, with interval and k of n. Recovery is rare:
# it is shown from where its level is allowed. Active days are counted, not sampled: three weeks have a middle.
MINIMUM_N = {"median": 5, "mean": 5, "recovery": 3, "active_days": 3}
LEVEL_MINIMUM_N = {"median": 5, "proportion": 20, "active_days": 4, "recovery": 3}

MINIMUM_COVERAGE = 0.5  # below it a number would rest on less than half of what happened

# A failure shows itself within days: the fail rate of younger deployments is provisional.
MATURITY_DAYS = {"change_fail_rate": 7}

# A column of views whose rows are people: whether the smallest group that a row may be told of in is too small as well.
# Null in the rows that are no people.
IS_FEW = "is_few"
LEAST_PEOPLE = 5
FEW_PEOPLE = f"fewer than {LEAST_PEOPLE} people"

NOT_DIMENSIONS = frozenset(
    {"occurred_at", "started_at", "ended_at", "entity_id", "title", "url", "is_open", "excluded_because", IS_FEW}
)


@dataclass(frozen=True)
class Definition:
    """What a metric measures and how it is read; `sql` is the text of its model, `dimensions` what it can be cut by.

    `measures` has one name but for metrics that split a whole into parts (stages): their cells carry a dimension
    `measure`. `is_current` is true where the rows tell the present state. `is_of_people` is true where rows are people:
    they are listed nowhere, and no number is of fewer than five.
    """

    name: str
    version: int
    title: str
    question: str
    unit: str
    better: str
    aggregate: str
    measures: tuple[str, ...]
    entity: str
    stream: str | None
    source: str
    caveat: str
    decision: str
    bots: str
    coverage: str | None
    minimum_coverage: float
    band: str | None
    minimum_n: int
    level_minimum_n: int
    per: str | None
    scale: float
    is_current: bool
    maturity_days: int
    is_of_people: bool
    dimensions: tuple[str, ...]
    sql: str

    @property
    def entities(self) -> str:
        """The plural of what is counted, for sentences: deployments, pipeline runs."""
        return f"{self.entity.replace('_', ' ')}s"


def definition(name: str, header: Mapping[str, Any], sql: str, columns: Mapping[str, str]) -> Definition:
    """The definition of a metric from its header and its view's columns; ModelError names what is wrong in it."""
    aggregate = _one_of(name, header, "aggregate", AGGREGATES)
    header = {key: value for key, value in header.items() if value is not None}
    measure = header.get("measure", ())
    measures = (measure,) if isinstance(measure, str) else tuple(measure)
    band = header.get("band")
    unknown = [one for one in (*measures, "occurred_at", "entity_id") if one not in columns]
    if unknown:
        raise ModelError(f"metric {name}: its view has no column {', '.join(unknown)}; it has {', '.join(columns)}")
    if not measures and aggregate not in ("count", "active_days", "stock", "rate"):
        raise ModelError(f"metric {name}: aggregate {aggregate!r} needs `measure`, the column it is taken of")
    if len(measures) > 1 and aggregate != "mean":
        raise ModelError(f"metric {name}: aggregate {aggregate!r} takes one measure; only means add up to a whole")
    if aggregate == "rate" and not header.get("per"):
        raise ModelError(f"metric {name}: aggregate 'rate' needs `per`, the metric it is counted against")
    return Definition(
        name=name,
        version=int(header.get("version", 1)),
        title=str(header.get("title", name)),
        question=str(header.get("question", "")),
        unit=str(header.get("unit", "")),
        better=_one_of(name, header, "better", BETTER, "none"),
        aggregate=aggregate,
        measures=measures,
        entity=str(header.get("entity", "event")),
        stream=header.get("stream"),
        source=str(header.get("source", "")),
        caveat=str(header.get("caveat", "")),
        decision=str(header.get("decision", "")),
        bots=_one_of(name, header, "bots", BOTS, "included"),
        coverage=header.get("coverage"),
        minimum_coverage=float(header.get("minimum_coverage", MINIMUM_COVERAGE)),
        band=band,
        minimum_n=int(header.get("minimum_n", MINIMUM_N.get(aggregate, 1))),
        level_minimum_n=int(header.get("level_minimum_n", LEVEL_MINIMUM_N.get(aggregate, 1))),
        per=header.get("per"),
        scale=float(header.get("scale", 1)),
        is_current=bool(header.get("is_current", aggregate == "stock")),
        maturity_days=MATURITY_DAYS.get(str(band), 0),
        is_of_people=IS_FEW in columns,
        dimensions=tuple(
            one
            for one, kind in columns.items()
            if one not in NOT_DIMENSIONS and one not in measures and kind in ("VARCHAR", "BOOLEAN")
        ),
        sql=sql,
    )


def _one_of(name: str, header: Mapping[str, Any], key: str, valid: tuple[str, ...], default: str | None = None) -> str:
    value = header.get(key, default)
    if value not in valid:
        raise ModelError(f"metric {name}: {key} = {value!r} is not known: use one of {', '.join(valid)}")
    return str(value)
