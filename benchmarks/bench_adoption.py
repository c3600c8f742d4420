"""Adoption with 5,000 people, 1,000 services and 10M value actions in two years: building, a push, and every query.

BENCH_SCALE makes it smaller. Nothing is cached between calls.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from benchmarks.bench_queries import GOAL, ROOT, median_seconds
from benchmarks.generate import END, START, fill
from benchmarks.measurement import Measurement, hand_over, timed
from dxmetrics import models, warehouse
from dxmetrics.collectors import Page, Scope
from dxmetrics.metrics import Metrics
from dxmetrics.pipeline import derivations
from dxmetrics.records import PlatformEvent, by_table
from dxmetrics.settings import Settings, variables

PEOPLE, SERVICES, TEAMS, EVENTS, TICKETS, DEPLOYMENTS = 5_000, 1_000, 200, 10_000_000, 20_000, 200_000
CAPABILITIES = (
    {"name": "capability-0", "types": ["service"], "ticket_labels": ["request-0"]},
    {"name": "capability-1", "is_mandated": True},
    {"name": "capability-2", "is_lasting": True, "templates": ["golden"]},
    {"name": "capability-3", "unit": "person", "ticket_labels": ["request-3"]},
    {"name": "capability-4", "unit": "person"},
    {"name": "capability-5", "unit": "person", "excluded": [{"teams": ["Team 1?"], "reason": "Works offline."}]},
)
PUSHED = 100

# Who uses what: half of the people and of the services use a capability a lot, the others hardly ever.
ROWS = {
    "teams": f"select 'team-' || i as ext_id, 'Team ' || i as name from range({TEAMS}) as counter (i)",
    "services": f"""
        select 'service-' || i as ext_id, 'service-' || i as name, 'team-' || (i % {TEAMS}) as team,
            case when i % 5 = 0 then 'library' else 'service' end as type, 1 + i % 4 as tier, [] as paths,
            case when i % 3 = 0 then 'golden' end as template, '1.' || (i % 7) as template_version,
            timestamptz '{START}' + to_days((i % 700)::integer) as created_at
        from range({SERVICES}) as counter (i)
    """,
    "identities": f"""
        select 'account-' || i as ext_id, 'login' || i as login, 'person' || i || '@example.org' as email,
            case when i % 50 = 0 then 'bot' else 'human' end as kind
        from range({PEOPLE}) as counter (i)
    """,
    "memberships": f"""
        select 'membership-' || i as ext_id, 'team-' || (i % {TEAMS}) as team, 'account-' || i as person,
            case when i % 4 = 0 then date '{START:%Y-%m-%d}' + (i % 700)::integer end as valid_from
        from range({PEOPLE}) as counter (i)
    """,
    "platform_events": f"""
        select 'event-' || i as ext_id, timestamptz '{START}' + to_seconds(i * span // total) as occurred_at,
            'capability-' || (i % 6) as capability, 'create' as action,
            case when i % 30 = 0 then 'failure' else 'success' end as outcome,
            'account-' || (case when i % 10 = 0 then hash(i) % {PEOPLE} else hash(i) % {PEOPLE // 2} end) as person,
            'service-' || (case when i % 9 = 0 then hash(i + 1) % {SERVICES} else hash(i + 1) % {SERVICES // 2} end)
                as service,
        from range(total({EVENTS})) as counter (i), size(total({EVENTS})) as size
    """,
    "issues": f"""
        select 'ticket-' || i as ext_id, 'T-' || i as key, ['request-' || (3 * (i % 2))] as labels,
            'done' as status_category,
            timestamptz '{START}' + to_seconds(i * span // total) as created_at,
            timestamptz '{START}' + to_seconds(i * span // total) + to_hours((hash(i) % 200)::integer) as done_at,
            'team-' || (i % {TEAMS}) as team
        from range(total({TICKETS})) as counter (i), size(total({TICKETS})) as size
    """,
    "deployments": f"""
        select 'deployment-' || i as ext_id, 'service-' || (i % {SERVICES}) as service, 'production' as environment,
            'success' as status, md5(i::varchar) as sha, 'pipeline' as via, [] as changes,
            timestamptz '{START}' + to_seconds(i * span // total) as finished_at
        from range(total({DEPLOYMENTS})) as counter (i), size(total({DEPLOYMENTS})) as size
    """,
}


def measure() -> Iterator[Measurement]:
    """Building it all, building after a push, and the queries of the Adoption and Standards pages."""
    scale = float(os.environ.get("BENCH_SCALE", "1"))
    with tempfile.TemporaryDirectory() as folder:
        connection = warehouse.open_writer(Path(folder), memory_limit="1GB", threads=2)
        generate(connection, scale)
        with timed() as watch:
            build(connection)
        yield Measurement(f"building it of {EVENTS * scale:,.0f} value actions", said(watch.seconds))
        push(connection)
        with timed() as watch:
            build(connection)
        yield Measurement(f"building after {PUSHED} were pushed", said(watch.seconds))
        warehouse.publish(connection, Path(folder), lambda: END)
        connection.close()
        for name, ask in queries(Metrics.open(Path(folder))).items():
            seconds = median_seconds(ask)
            yield Measurement(name, f"{seconds * 1000:.0f} ms", f"p50 <= {GOAL * 1000:.0f} ms", seconds <= GOAL)


def generate(connection: DuckDBPyConnection, scale: float) -> None:
    """Fill an empty warehouse."""
    connection.execute(f"create temp macro total(n) as (n * {scale})::bigint")
    span = int((END - START).total_seconds())
    connection.execute(f"create temp macro size(n) as table select n as total, {span} as span")
    for table, query in ROWS.items():
        fill(connection, by_table(table), query)
    connection.execute("select nextval('meta.batch_ids')").fetchall()
    connection.execute("drop macro total")
    connection.execute("drop macro table size")
    warehouse.set_fact(connection, "as_of", END.isoformat())
    warehouse.set_fact(connection, "reporting_zone", "Europe/Berlin")


def build(connection: DuckDBPyConnection) -> models.BuildReport:
    """Build the repository's own models with the capabilities declared."""
    settings = Settings.model_validate(
        {"capabilities": CAPABILITIES, "organisation": {"reporting_zone": "Europe/Berlin"}}
    )
    content = models.read([ROOT])
    return models.build(connection, content.models, variables(settings), derivations(settings), clock=lambda: END)


def push(connection: DuckDBPyConnection) -> None:
    """Land some value actions of the last day."""
    rows: list[dict[str, Any]] = [
        {
            "ext_id": f"pushed-{number}",
            "occurred_at": END - timedelta(minutes=number),
            "capability": f"capability-{number % 6}",
            "action": "create",
            "person": f"account-{number + 2_600}",
            "service": f"service-{number + 600}",
        }
        for number in range(PUSHED)
    ]
    warehouse.Loader(connection, "push", clock=lambda: END).write(Scope("push", "push"), Page({PlatformEvent: rows}))


def queries(metrics: Metrics) -> dict[str, Callable[[], object]]:
    """What the pages ask, by name."""
    end = date(2025, 12, 29)
    week: dict[str, Any] = {"start": end - timedelta(days=7), "end": end}
    year: dict[str, Any] = {"start": end - timedelta(days=364), "end": end}
    one: dict[str, Any] = {"where": {"capability": ["capability-4"]}}
    return {
        "market share: by capability": partial(metrics.query, "market_share", by=("capability", "unit"), **week),
        "market share: by week": partial(metrics.query, "market_share", period="week", **one),
        "market share of all: by capability": partial(metrics.query, "market_share_of_all", by=("capability",), **week),
        "deployments on the path": partial(metrics.query, "deployments_on_path", by=("capability",)),
        "adoption by team": partial(metrics.query, "team_adoption", by=("capability", "team", "state"), **week),
        "services that adopt": partial(metrics.query, "service_adoptions", by=("capability",), period="week"),
        "active users: by week": partial(metrics.query, "active_users", period="week", **one),
        "active users: by capability": partial(metrics.query, "active_users", by=("capability",)),
        "stickiness": partial(metrics.query, "stickiness", by=("capability",), **week),
        "retention: a year's triangle": partial(
            metrics.query, "retention", by=("cohort", "weeks_after", "is_running"), **one, **year
        ),
        "self-service rate": partial(metrics.query, "self_service_rate", by=("capability",)),
        "time to fulfil a ticket": partial(metrics.query, "ticket_fulfilment_time", by=("capability",)),
        "platform reliability": partial(metrics.query, "platform_reliability", by=("capability",)),
        "journey: funnel": partial(metrics.query, "journey_funnel", by=("step",), **year),
        "journey: who waits": partial(metrics.query, "journey_stuck", by=("service", "team", "step")),
        "service onboarding": partial(metrics.query, "service_onboarding_time", **year),
        "standards: by standard": partial(metrics.query, "standard_results", by=("tier", "standard")),
        "standards: every result": partial(metrics.explain, "standard_results", limit=100_000),
        "template lag": partial(metrics.query, "template_lag"),
    }


def said(seconds: float) -> str:
    """Seconds as text."""
    return f"{seconds:.1f} s"


if __name__ == "__main__":
    hand_over(measure())
