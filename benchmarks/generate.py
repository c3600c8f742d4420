"""A big warehouse made by set-based SQL straight into `landing`: the shape of a real organisation, no randomness.

At scale 1: 200 repositories, 2,000 people, 1M changes (each squashed to one commit), 1M reviews, 200k deployments, 20k
incidents, 1M pipeline runs with 5M jobs, over two years.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dxmetrics import warehouse
from dxmetrics.records import Record, by_table
from dxmetrics.warehouse.schema import layout
from dxmetrics.warehouse.sql import quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SOURCE = "bench"
SCOPE = "all"
START = datetime(2024, 1, 1, tzinfo=UTC)
END = datetime(2026, 1, 1, tzinfo=UTC)
REPOSITORIES = 200
PEOPLE = 2_000
TEAMS = 40

# `i` counts from 0. Instants grow with `i`: `instant(i, n)` of n is spread evenly over the two years.
ROWS = {
    "repositories": f"""
        select 'repository-' || i as ext_id, 'example.org/team/repository-' || i as name, 'main' as default_branch,
            false as is_archived, false as is_fork, timestamptz '2023-01-01' as created_at
        from range({REPOSITORIES}) as counter (i)
    """,
    "teams": f"select 'team-' || i as ext_id, 'Team ' || i as name from range({TEAMS}) as counter (i)",
    "services": f"""
        select 'service-' || i as ext_id, 'service-' || i as name, 'team-' || (i % {TEAMS}) as team,
            'example.org/team/repository-' || i as repository, [] as paths
        from range({REPOSITORIES}) as counter (i)
    """,
    "identities": f"""
        select 'account-' || i as ext_id, 'login' || i as login, 'Person ' || i as name,
            'person' || i || '@example.org' as email, case when i % 50 = 0 then 'bot' else 'human' end as kind
        from range({PEOPLE}) as counter (i)
    """,
    "memberships": f"""
        select 'membership-' || i as ext_id, 'team-' || (i % {TEAMS}) as team,
            'person' || i || '@example.org' as person
        from range({PEOPLE}) as counter (i)
    """,
    "changes": f"""
        select 'change-' || i as ext_id, 'https://example.org/' || i as url,
            'repository-' || (i % {REPOSITORIES}) as repository, 'pull_request' as kind, i as number,
            'Change number ' || i as title, case when i % 20 = 0 then 'closed' else 'merged' end as state,
            false as is_draft, 'account-' || (hash(i) % {PEOPLE}) as author, instant(i, total) as opened_at,
            case when i % 20 <> 0 then instant(i, total) + to_hours((hash(i) % 90)::integer) end as merged_at,
            instant(i, total) + to_hours((hash(i) % 90)::integer) as closed_at,
            instant(i, total) - to_hours((hash(i + 1) % 40)::integer) as first_commit_at,
            'main' as base_branch, 'topic-' || i as head_branch, md5('h' || i) as head_sha,
            case when i % 20 <> 0 then md5(i::varchar) end as merge_sha, 'squash' as merge_method,
            i % 100 = 7 as is_revert, (hash(i + 2) % 900)::bigint as lines_added,
            (hash(i + 3) % 400)::bigint as lines_deleted, 1 + (i % 9) as commits_count, [] as labels,
            instant(i, total) + to_hours((hash(i) % 90)::integer) as updated_at
        from range(total(1_000_000)) as counter (i), (select total(1_000_000) as total) as size
    """,
    "commits": f"""
        select 'repository-' || (i % {REPOSITORIES}) || '@' || md5(i::varchar) as ext_id,
            'repository-' || (i % {REPOSITORIES}) as repository, md5(i::varchar) as sha,
            case when i < {REPOSITORIES} then [] else [md5((i - {REPOSITORIES})::varchar)] end as parents,
            instant(i, total) as authored_at, instant(i, total) as committed_at,
            'account-' || (hash(i) % {PEOPLE}) as author, [] as co_authors, 'Change number ' || i as headline
        from range(total(1_000_000)) as counter (i), (select total(1_000_000) as total) as size
    """,
    "reviews": f"""
        select 'review-' || i as ext_id, 'change-' || i as change, 'account-' || (hash(i + 9) % {PEOPLE}) as reviewer,
            case when i % 3 = 0 then 'commented' else 'approved' end as verdict,
            instant(i, total) + to_hours((hash(i + 4) % 60)::integer) as submitted_at
        from range(total(1_000_000)) as counter (i), (select total(1_000_000) as total) as size
    """,
    "deployments": f"""
        select 'deployment-' || i as ext_id, 'service-' || (i % {REPOSITORIES}) as service,
            'repository-' || (i % {REPOSITORIES}) as repository, 'production' as environment,
            case when i % 25 = 0 then 'failure' else 'success' end as status, i % 50 = 0 as reached_users,
            md5((least(i * 5 - 4 * (i % {REPOSITORIES}), total * 5 - {REPOSITORIES} + i % {REPOSITORIES}))::varchar)
                as sha,
            instant(i, total) + interval 2 hours as started_at, instant(i, total) + interval 130 minutes as finished_at,
            'pipeline' as via, [] as changes
        from range(total(200_000)) as counter (i), (select total(200_000) as total) as size
    """,
    "incidents": f"""
        select 'incident-' || i as ext_id, 'incident' as kind, 'Incident ' || i as title, 1 + i % 4 as severity,
            'resolved' as status, ['service-' || (hash(i) % {REPOSITORIES})] as services,
            instant(i, total) as detected_at, instant(i, total) + interval 5 minutes as acknowledged_at,
            instant(i, total) + to_minutes((10 + hash(i) % 600)::integer) as resolved_at,
            case when i % 3 = 0 then 'deployment-' || (i * 10) end as caused_by_deployment
        from range(total(20_000)) as counter (i), (select total(20_000) as total) as size
    """,
    "pipeline_runs": f"""
        select 'run-' || i as ext_id, 'repository-' || (i % {REPOSITORIES}) as repository, 'build' as name,
            'change-' || i as change, 'change' as trigger, md5('h' || i) as sha, 1 as attempt,
            case when i % 8 = 0 then 'failure' else 'success' end as result, instant(i, total) as queued_at,
            instant(i, total) + to_seconds(hash(i) % 200) as started_at,
            instant(i, total) + to_seconds(300 + hash(i) % 2000) as finished_at
        from range(total(1_000_000)) as counter (i), (select total(1_000_000) as total) as size
    """,
    "jobs": """
        select 'job-' || i as ext_id, 'run-' || (i // 5) as pipeline_run, 'job ' || (i % 5) as name,
            'test' as task_type, 'runner-' || (i % 30) as runner, 1 as attempt,
            case when i % 40 = 0 then 'failure' else 'success' end as result, instant(i, total) as queued_at,
            instant(i, total) + to_seconds(hash(i) % 100) as started_at,
            instant(i, total) + to_seconds(200 + hash(i) % 900) as finished_at
        from range(total(5_000_000)) as counter (i), (select total(5_000_000) as total) as size
    """,
}
STREAMS = ("changes", "commits", "reviews", "deployments", "incidents", "pipeline_runs", "jobs")


def generate(connection: DuckDBPyConnection, scale: float = 1.0) -> None:
    """Fill an empty warehouse's landing tables; rows grow with `scale`, people and repositories do not."""
    connection.execute(f"create temp macro total(n) as (n * {scale})::bigint")
    span = (END - START).total_seconds()
    connection.execute(f"create temp macro instant(i, n) as timestamptz '{START}' + to_seconds((i * {span}) // n)")
    for table, query in ROWS.items():
        fill(connection, by_table(table), query)
    for table in STREAMS:
        connection.execute(
            "insert into meta.coverage (source, stream, scope, covered_from, covered_to) values (?, ?, ?, ?, ?)",
            [SOURCE, table, SCOPE, START, END],
        )
    connection.execute("select nextval('meta.batch_ids')").fetchall()
    connection.execute("drop macro total")
    connection.execute("drop macro instant")
    warehouse.set_fact(connection, "as_of", END.isoformat())
    warehouse.set_fact(connection, "reporting_zone", "Europe/Berlin")
    warehouse.set_fact(connection, "organisation", "Benchmark")


def fill(connection: DuckDBPyConnection, record: type[Record], query: str) -> None:
    """Land the rows of a query, whose columns are the record's."""
    shape = layout(record)
    made = [row[0] for row in connection.execute(f"describe {query}").fetchall()]
    hashed = ", ".join(f"made.{quoted(name)}" if name in made else "null" for name in shape.columns)
    connection.execute(
        f"""
        insert into landing.{shape.table} by name
        select
            made.*, ? as source, ? as scope, hash({hashed}) as content_hash,
            1 as batch_id, ?::timestamptz as collected_at,
        from ({query}) as made
        """,
        [SOURCE, SCOPE, END],
    )
