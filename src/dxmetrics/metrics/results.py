"""What the metrics API answers with: immutable, plain numbers, each travelling with its n and what it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from dxmetrics.metrics.definition import FEW_PEOPLE, Definition
from dxmetrics.metrics.periods import Window
from dxmetrics.metrics.statistics import Limits


@dataclass(frozen=True)
class Cell:
    """One number: a metric in one period for one value of each dimension.

    `value` is None where it is unknown or not allowed, and `reason` says why; zero is a zero that was observed.
    `n` is the number of events behind it, `k` those that count (failed, recovered, active days); `quality_flags` are
    `name=count` of what was left out or is uncertain; `coverage` is the share of events whose linkage is known.
    """

    metric: str
    version: int
    period: str
    period_start: date
    period_end: date
    dimensions: Mapping[str, str | None]
    value: float | None
    unit: str
    n: int
    k: int | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    ci_method: str | None = None
    p25: float | None = None
    p75: float | None = None
    p90: float | None = None
    p95: float | None = None
    is_partial: bool = False
    quality_flags: tuple[str, ...] = ()
    coverage: float | None = None
    reason: str | None = None

    @property
    def is_hidden(self) -> bool:
        """Whether nothing is said because it would tell of few people; `n` is 0 then."""
        return self.reason == FEW_PEOPLE

    def as_json(self) -> dict[str, Any]:
        """A flat object: the dimensions are members of their own, dates are ISO texts."""
        own: dict[str, Any] = {
            "metric": self.metric,
            "version": self.version,
            "period": self.period,
            "period_start": self.period_start.isoformat(),
            "period_end": self.period_end.isoformat(),
        }
        rest = {
            "value": self.value,
            "unit": self.unit,
            "n": self.n,
            "k": self.k,
            "ci_low": self.ci_low,
            "ci_high": self.ci_high,
            "ci_method": self.ci_method,
            "p25": self.p25,
            "p75": self.p75,
            "p90": self.p90,
            "p95": self.p95,
            "is_partial": self.is_partial,
            "quality_flags": list(self.quality_flags),
            "coverage": self.coverage,
            "reason": self.reason,
        }
        taken = own.keys() | rest.keys()
        named = {f"dimension_{name}" if name in taken else name: value for name, value in self.dimensions.items()}
        return own | named | rest


@dataclass(frozen=True)
class Comparison:
    """A window against the equally long one before it.

    `is_signal` only where the interval of the difference excludes 0 or a process behaviour chart says so; `change` is
    "better" or "worse" for a signal of a metric that has a better side, else None. `difference` is None with a `reason`
    where the two cannot be compared, such as a period that is not over yet.
    """

    metric: str
    dimensions: Mapping[str, str | None]
    current: Cell
    previous: Cell
    difference: float | None
    ci_low: float | None
    ci_high: float | None
    ci_method: str | None
    is_signal: bool
    change: str | None
    text: str
    reason: str | None


@dataclass(frozen=True)
class Chart:
    """A process behaviour chart (XmR) over complete periods: the limits, and the cells that are signals."""

    cells: tuple[Cell, ...]
    limits: Limits | None
    signals: tuple[Cell, ...]
    reason: str | None


@dataclass(frozen=True)
class Receipt:
    """Everything behind one number.

    `rows` are the events, newest first, each with entity_id, title, url, measure, occurred_at and excluded_because
    (None: it counts); `total_rows` is how many there are beyond the limit, and with people, who are not listed.
    `exclusions` counts rows by reason.
    `coverage` is the cell of the linkage this number rests on. `freshness` has one entry per source.
    """

    definition: Definition
    window: Window
    where: Mapping[str, tuple[str | None, ...]]
    bots: str
    value: Cell
    exclusions: Mapping[str, int]
    coverage: Cell | None
    freshness: tuple[Mapping[str, Any], ...]
    rows: tuple[Mapping[str, Any], ...]
    total_rows: int
    sql: str
    as_of: datetime
    data_version: str


@dataclass(frozen=True)
class Matches:
    """What is there of a source, each a tuple of rows, and what the organisation's rules make of it."""

    source: str
    deployments: tuple[Mapping[str, Any], ...] = ()
    rules: tuple[Mapping[str, Any], ...] = ()
    runs: tuple[Mapping[str, Any], ...] = ()
    jobs: tuple[Mapping[str, Any], ...] = ()
    issues: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Health:
    """What the Data health page shows, each a tuple of rows; empty where there is nothing to say."""

    as_of: datetime
    data_version: str
    sources: tuple[Mapping[str, Any], ...] = ()
    scopes: tuple[Mapping[str, Any], ...] = ()
    coverage: tuple[Mapping[str, Any], ...] = ()
    quarantine: tuple[Mapping[str, Any], ...] = ()
    unmapped: tuple[Mapping[str, Any], ...] = ()
    checks: tuple[Mapping[str, Any], ...] = ()
    models: tuple[Mapping[str, Any], ...] = ()
    runs: tuple[Mapping[str, Any], ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
