"""The receipt of a number: its definition, what was left out and why, what it rests on, and the rows themselves."""

from __future__ import annotations

from typing import Any

from dxmetrics.metrics.definition import IS_FEW, Definition
from dxmetrics.metrics.gather import Request, events, excluded
from dxmetrics.metrics.periods import Window
from dxmetrics.metrics.query import answers
from dxmetrics.metrics.results import Cell, Receipt
from dxmetrics.metrics.selection import Selection
from dxmetrics.metrics.store import Reading

COUNTS = ("INTEGER", "BIGINT")
ALWAYS = ("entity_id", "title", "url", "occurred_at")


def explain(reading: Reading, asked: Request, window: Window, limit: int) -> Receipt:
    """The receipt of the metric in the window: at most `limit` rows, newest first, those left out among them.

    A row that is a person is not listed.
    """
    publication, definition = reading.publication, asked.definition
    sql, params = _rows(reading, asked)
    names = _columns(asked)
    nobody = f" where events.{IS_FEW} is null" if definition.is_of_people else ""
    rows = reading.rows(
        f"select {', '.join(names.values())} from ({sql}) as events{nobody}"
        f" order by events.counted_at desc, events.entity_id limit {int(limit)}",
        params,
    )
    first = answers(reading, asked, None)[0]
    group = first.group
    return Receipt(
        definition=definition,
        window=window,
        where=dict(asked.selection.where),
        bots=asked.bots,
        value=first.cell,
        exclusions=dict(group.exclusions.most_common()),
        coverage=_coverage(reading, asked),
        freshness=freshness(reading),
        rows=rows,
        total_rows=group.n + group.unknown + len(group.open_hours) + group.exclusions.total(),
        sql=definition.sql,
        as_of=publication.as_of,
        data_version=str(publication.facts.get("data_version", "")),
    )


def _rows(reading: Reading, asked: Request) -> tuple[str, dict[str, Any]]:
    """The rows a number is made of: those in its window, or for a stock those alive at its end."""
    if asked.definition.aggregate != "stock":
        return events(asked)
    conditions, params = asked.selection.conditions("source")
    alive = ["source.started_at < $seen_at", "(source.ended_at is null or source.ended_at >= $seen_at)"]
    sql = (
        f"select source.*, source.started_at as counted_at, {excluded(asked)} as excluded"
        f" from metrics.{asked.definition.name} as source where {' and '.join([*alive, *conditions])}"
    )
    return sql, {"seen_at": min(asked.spine.ends_at, reading.publication.as_of), **params}


def _columns(asked: Request) -> dict[str, str]:
    """The columns of a receipt's rows; nothing in it names a person but what a change's own page says."""
    columns, definition = asked.columns, asked.definition
    names = {name: f"events.{name} as {name}" for name in ALWAYS if name in columns}
    if len(definition.measures) == 1:
        measure = f'events."{definition.measures[0]}"'
        is_decimal = columns[definition.measures[0]].startswith("DECIMAL")
        names["measure"] = f"cast({measure} as double) as measure" if is_decimal else f"{measure} as measure"
    names |= {name: f'events."{name}" as "{name}"' for name in definition.measures if len(definition.measures) > 1}
    names |= {name: f'events."{name}" as "{name}"' for name in (*definition.dimensions, *_counts(asked))}
    names |= {name: f"events.{name} as {name}" for name in ("started_at", "ended_at", "is_open") if name in columns}
    return names | {"excluded_because": "events.excluded as excluded_because"}


def _counts(asked: Request) -> tuple[str, ...]:
    """Whole numbers that stand beside the measure: how many days a check has failed."""
    return tuple(
        name for name, kind in asked.columns.items() if kind in COUNTS and name not in asked.definition.measures
    )


def _coverage(reading: Reading, asked: Request) -> Cell | None:
    name = asked.definition.coverage
    if name is None:
        return None
    definition: Definition = reading.publication.definition(name)
    selection = Selection((), asked.selection.where).known_to(reading.publication.columns[name])
    like = Request(definition, selection, asked.spine, False, definition.bots)
    return answers(reading, like, None)[0].cell


def freshness(reading: Reading) -> tuple[dict[str, Any], ...]:
    """Per source: when it was last read whole, how many hours before `as_of` that was, and how its last run ended."""
    return reading.rows(
        """
        select
            scope_runs.source as source,
            max(scope_runs.finished_at) filter (where scope_runs.status = 'ok') as last_success_at,
            greatest(0, date_diff('second', last_success_at, $as_of)) / 3600.0 as age_hours,
            arg_max(scope_runs.status, coalesce(scope_runs.finished_at, scope_runs.started_at)) as last_status,
        from meta.scope_runs as scope_runs
        group by scope_runs.source
        order by scope_runs.source
        """,
        {"as_of": reading.publication.as_of},
    )
