"""The one query behind every metric: filter, place in the spine, and gather the values of each cell.

SQL only filters, groups and gathers; what is computed of the gathered values is `aggregate.py`'s.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from dxmetrics.metrics.definition import IS_FEW, LEAST_PEOPLE, Definition
from dxmetrics.metrics.periods import INSTANT, QUARTER_SECONDS, Spine, column
from dxmetrics.metrics.selection import Selection
from dxmetrics.metrics.statistics import Values
from dxmetrics.metrics.store import Reading

NO_VALUES: Values = np.empty(0)
PLACED = f"epoch_us(events.counted_at) // {QUARTER_SECONDS * 1_000_000} = spine.quarter"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UNCERTAIN = ("inferred", "proxy")  # kinds of evidence that a number built on them must show
# Rows left out are rows of the result, one per reason: a histogram within the others' aggregate takes thrice the time.
EXCLUDED = ("events.excluded as excluded", "count(*) as n_excluded")
# date_diff asks the calendar of the session's zone: 50 times the time of this, for the same hours.
HOURS = "(epoch_us({until}) - epoch_us({since})) / 3.6e9"
WEEKLY = ("count", "active_days")
MEASURED = ("median", "sum", "recovery")

Key = tuple[int, tuple[str | None, ...]]


@dataclass
class Group:
    """The events of one cell: `n` that count, `k` whose measure is true, and what was left out of them by reason.

    `people` is how many rows are people, and `few` whether all are of groups too small to be told of, None where no row
    is one. `weeks` holds (events, active days) by complete week of the spine, NO_WEEK for days outside of one; `values`
    are ascending; `open_hours` is how long what has not ended has lasted so far; `moments` are n, mean and deviation of
    each measure of a mean.
    """

    n: int = 0
    k: int = 0
    values: Values = field(default_factory=lambda: NO_VALUES)
    open_hours: Values = field(default_factory=lambda: NO_VALUES)
    weeks: dict[int, tuple[int, int]] = field(default_factory=dict)
    moments: list[tuple[int, float | None, float | None]] = field(default_factory=list)
    exclusions: Counter[str] = field(default_factory=Counter)
    evidence: Counter[str] = field(default_factory=Counter)
    provisional: int = 0
    unknown: int = 0
    people: int = 0
    few: bool | None = None

    @property
    def is_of_few(self) -> bool:
        """Whether it tells of so few people that they could be known."""
        return self.few is not None and (self.few or self.people < LEAST_PEOPLE)


@dataclass(frozen=True)
class Request:
    """What is to be gathered: a metric, a checked selection, the spine, and whether it is cut into periods."""

    definition: Definition
    selection: Selection
    spine: Spine
    has_period: bool
    bots: str

    @property
    def columns(self) -> Mapping[str, str]:
        return self.selection.columns


def excluded(request: Request) -> str:
    """The SQL expression of why a row is not in the number; null where it is."""
    reasons = []
    if "excluded_because" in request.columns:
        reasons.append("source.excluded_because")
    if "is_bot" in request.columns and request.bots == "excluded":
        reasons.append("case when source.is_bot then 'bot' end")
    return f"coalesce({', '.join(reasons)})" if reasons else "cast(null as varchar)"


def instant(request: Request) -> str:
    """The SQL expression of when a row counts. What is still open belongs to a window however long ago it began."""
    if request.definition.aggregate != "recovery" or "is_open" not in request.columns:
        return "source.occurred_at"
    since = "source.started_at" if request.has_period else "greatest(source.started_at, $starts_at)"
    return f"case when source.is_open then {since} else source.occurred_at end"


def events(request: Request) -> tuple[str, dict[str, Any]]:
    """SQL of the metric's rows in the window and the selection, with `excluded` and `counted_at`; and parameters."""
    conditions, params = request.selection.conditions("source")
    when = instant(request)
    conditions = [f"{when} >= $starts_at", f"{when} < $ends_at", *conditions]
    sql = (
        f"select source.*, {when} as counted_at, {excluded(request)} as excluded"
        f" from metrics.{request.definition.name} as source where {' and '.join(conditions)}"
    )
    return sql, {"starts_at": request.spine.starts_at, "ends_at": request.spine.ends_at, **params}


def gather(reading: Reading, request: Request) -> dict[Key, Group]:
    """The groups of every bucket and value of the dimensions that has rows."""
    definition = request.definition
    sql, params = events(request)
    keys = ["spine.bucket as bucket", *(["spine.week as week"] if definition.aggregate in WEEKLY else [])]
    keys += [*_dimensions(request.selection, "events"), *EXCLUDED]
    gathered = _gathered(request)
    if "$as_of" in " ".join(gathered):
        params["as_of"] = reading.publication.as_of
    if definition.maturity_days:
        params["mature_until"] = reading.publication.as_of - timedelta(days=definition.maturity_days)
    table = reading.table(
        f"select {', '.join([*keys, *gathered])}"
        f" from (select counted.*, {', '.join(_measures(request))} from ({sql}) as counted) as events"
        f" inner join spine on {PLACED} group by all",
        params,
        spine=request.spine.table,
    )
    return _groups(table, len(request.selection.by))


def _can_be_open(request: Request) -> bool:
    return request.definition.aggregate in MEASURED and {"is_open", "started_at"} <= request.columns.keys()


def _measures(request: Request) -> list[str]:
    """`is_counted`, and each measure as `measure_N`, null in rows that do not count: worked out once per row."""
    is_open = " and not coalesce(counted.is_open, false)" if _can_be_open(request) else ""
    is_counted = f"counted.excluded is null{is_open}"
    as_is = request.definition.aggregate == "proportion"
    measures = []
    for place, name in enumerate(request.definition.measures):
        value = f'counted."{name}"' if as_is else f'cast(counted."{name}" as double)'
        measures.append(f"case when {is_counted} then {value} end as measure_{place}")
    return [f"{is_counted} as is_counted", *measures]


def _gathered(request: Request) -> list[str]:
    """The aggregates the metric needs, as SQL; a column its view lacks is not asked for."""
    definition, columns = request.definition, request.columns
    has_measure = bool(definition.measures)
    known = "events.measure_0 is not null" if has_measure else "events.is_counted"
    parts = [f"count(*) filter (where {known}) as n"]
    if has_measure:
        parts.append("count(*) filter (where events.is_counted and events.measure_0 is null) as unknown")
    if definition.aggregate == "proportion":
        parts.append("count(*) filter (where events.measure_0) as k")
    if definition.aggregate in MEASURED or (definition.aggregate == "rate" and has_measure):
        parts.append(f'list(events.measure_0) filter (where {known}) as "values"')
    if definition.aggregate == "mean":
        of_each = (
            f"{{'n': count({one}), 'mean': avg({one}), 'deviation': stddev_samp({one})}}"
            for one in (f"events.measure_{place}" for place in range(len(definition.measures)))
        )
        parts.append(f"[{', '.join(of_each)}] as moments")
    if definition.aggregate == "active_days":
        parts.append("count(distinct spine.local_day) filter (where events.is_counted) as days")
    if _can_be_open(request):
        lasted = HOURS.format(since="events.started_at", until="$as_of")
        parts.append(f"list({lasted}) filter (where events.excluded is null and events.is_open) as open_hours")
    if "evidence" in columns:
        # Where a share is measured, what matters is how its failures are known; a success needs no evidence.
        of = "events.measure_0" if definition.aggregate == "proportion" else "events.excluded is null"
        parts += [f"count(*) filter (where {of} and events.evidence = '{kind}') as {kind}" for kind in UNCERTAIN]
    if definition.is_of_people:
        parts += [
            f"bool_and(events.{IS_FEW}) filter (where events.excluded is null) as few",
            f"count(events.{IS_FEW}) filter (where events.excluded is null) as people",
        ]
    if definition.maturity_days:
        parts.append(f"count(*) filter (where {known} and events.counted_at > $mature_until) as provisional")
    return parts


def _groups(table: pa.Table, dimensions: int) -> dict[Key, Group]:
    plain: dict[str, list[Any]] = {}
    lists: dict[str, list[Values]] = {}
    for name in table.column_names:
        if name in ("values", "open_hours"):
            lists[name] = _slices(table.column(name))
        else:
            plain[name] = table.column(name).to_pylist()
    groups: dict[Key, Group] = {}
    for row in range(table.num_rows):
        key = (plain["bucket"][row], tuple(plain[f"dim_{place}"][row] for place in range(dimensions)))
        group = groups.setdefault(key, Group())
        if plain["excluded"][row] is not None:
            group.exclusions[plain["excluded"][row]] += plain["n_excluded"][row]
            continue
        n = plain["n"][row]
        group.n += n
        if "week" in plain:
            group.weeks[plain["week"][row]] = (n, plain["days"][row] if "days" in plain else 0)
        for name in ("k", "provisional", "unknown", "people"):
            if name in plain:
                setattr(group, name, getattr(group, name) + plain[name][row])
        group.evidence.update({kind: plain[kind][row] for kind in UNCERTAIN if kind in plain})
        if "few" in plain and plain["few"][row] is not None:
            group.few = plain["few"][row] and group.few is not False
        if "moments" in plain:
            group.moments = [(one["n"], one["mean"], one["deviation"]) for one in plain["moments"][row]]
        for name, slices in lists.items():
            setattr(group, name, slices[row])
    return groups


def _slices(lists: Any) -> list[Values]:
    """Each row's list as ascending numbers: straight from Arrow's memory, as `to_numpy` would import pandas."""
    found: list[Values] = []
    for chunk in lists.chunks:
        memory, offsets = chunk.values.buffers()[1], chunk.offsets.to_pylist()
        flat = np.frombuffer(memory, dtype=np.float64)[chunk.values.offset :] if memory else NO_VALUES
        found += [np.sort(flat[first:last]) for first, last in pairwise(offsets)]
    return found


def _dimensions(selection: Selection, alias: str) -> list[str]:
    return [f"{selection.expression(alias, name)} as dim_{place}" for place, name in enumerate(selection.by)]


def stock(reading: Reading, request: Request) -> dict[Key, Group]:
    """What was alive at the end of each bucket (at `as_of` in the one that contains it), with its ages in hours."""
    as_of = reading.publication.as_of
    instants = [min(bucket.ends_at, as_of) for bucket in request.spine.buckets]
    ends = pa.table(
        {
            "bucket": column(range(len(instants))),
            "seen_at": column([(one - EPOCH) // timedelta(microseconds=1) for one in instants], INSTANT),
        }
    )
    conditions, params = request.selection.conditions("source")
    near = ["source.started_at < $last", "(source.ended_at is null or source.ended_at >= $first)"]
    keys = ["events.bucket as bucket", *_dimensions(request.selection, "events"), *EXCLUDED]
    table = reading.table(
        f"select {', '.join(keys)}, count(*) filter (where events.excluded is null) as n,"
        ' list(events.hours_alive) filter (where events.excluded is null) as "values"'
        f" from (select source.*, {excluded(request)} as excluded, ends.bucket as bucket,"
        f" {HOURS.format(since='source.started_at', until='ends.seen_at')} as hours_alive"
        f" from metrics.{request.definition.name} as source inner join ends on source.started_at < ends.seen_at"
        " and (source.ended_at is null or source.ended_at >= ends.seen_at)"
        f" where {' and '.join([*near, *conditions])}) as events group by all",
        {"first": min(instants), "last": max(instants), **params},
        ends=ends,
    )
    return _groups(table, len(request.selection.by))
