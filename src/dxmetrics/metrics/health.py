"""What the Data health page shows: what was read and when, what is missing, refused, unmapped or failed."""

from __future__ import annotations

from typing import Any

from dxmetrics.metrics.explain import freshness
from dxmetrics.metrics.results import Health
from dxmetrics.metrics.store import Reading

Rows = tuple[dict[str, Any], ...]

MOST = 200  # rows of a list a person would still read

SCOPES = """
    select scope_runs.*
    from meta.scope_runs as scope_runs
    qualify row_number() over (
        partition by scope_runs.source, scope_runs.scope
        order by scope_runs.started_at desc
    ) = 1
"""

# Where history is still being read, a stream is complete since the youngest of the scopes' beginnings. A scope that is
# read since its repository was made holds nothing back.
COVERAGE = """
    select
        coverage.source,
        coverage.stream,
        count(*) as scopes,
        coalesce(
            max(coverage.covered_from) filter (where coverage.covered_from > repositories.created_at),
            min(coverage.covered_from)
        ) as complete_since,
        count(*) filter (where coverage.covered_from > repositories.created_at) as scopes_in_arrears,
        max(coverage.covered_to) as complete_until,
    from (
        select source, stream, scope, arg_max(covered_from, covered_to) as covered_from, max(covered_to) as covered_to
        from meta.coverage
        group by all
    ) as coverage
    left join (
        select source, scope, min(created_at) as created_at
        from landing.repositories
        group by all
    ) as repositories
        on coverage.source = repositories.source and coverage.scope = repositories.scope
    group by all
    order by coverage.source, coverage.stream
"""


def health(reading: Reading) -> Health:
    """The state of everything that was collected and built, as of the publication."""
    publication = reading.publication
    return Health(
        as_of=publication.as_of,
        data_version=str(publication.facts.get("data_version", "")),
        sources=_sources(reading),
        scopes=reading.rows(f"select * from ({SCOPES}) as scopes order by status = 'ok', source, scope"),
        coverage=reading.rows(COVERAGE),
        quarantine=reading.rows(
            "select source, record, reason, count(*) as rows, sum(occurrences)::bigint as occurrences,"
            " min(first_seen_at) as first_seen_at, max(last_seen_at) as last_seen_at"
            f" from meta.quarantine as quarantine group by all order by rows desc, source limit {MOST}"
        ),
        unmapped=_unmapped(reading),
        checks=reading.rows("select * from meta.check_results as results order by failures = 0, name"),
        models=reading.rows("select name, kind, built_at, rows, seconds from meta.models as models order by name"),
        runs=reading.rows(f"select * from meta.runs as runs order by started_at desc limit {MOST}"),
        facts=publication.facts,
    )


def values(reading: Reading, dimension: str) -> tuple[str, ...]:
    """The known values of a dimension, in alphabetical order."""
    if dimension == "repository":
        sql = "select distinct repository as found from core.repositories as repositories"
    else:
        sql = f"select distinct {dimension} as found from core.services as services"
        sql += f" union select distinct {dimension} from core.changes as changes"
        sql += f" union select distinct {dimension} from core.deployments as deployments"
    rows = reading.rows(f"select found from ({sql}) as names where found is not null order by found")
    return tuple(str(row["found"]) for row in rows)


def _sources(reading: Reading) -> Rows:
    """One row per source: its freshness, and the scopes and rows of the newest run of each scope."""
    read = reading.rows(
        "select source, count(*) as scopes, count(*) filter (where status <> 'ok') as scopes_not_ok,"
        " sum(rows_read)::bigint as rows_read, sum(rows_changed)::bigint as rows_changed,"
        f" sum(rows_refused)::bigint as rows_refused from ({SCOPES}) as scopes group by all"
    )
    counts = {row["source"]: row for row in read}
    return tuple({**row, **counts.get(row["source"], {})} for row in freshness(reading))


def _unmapped(reading: Reading) -> Rows:
    """What belongs to no service, team or person, by volume; accounts are counted by source, never named."""
    return reading.rows(
        f"""
        select *
        from (
            select 'deployments without a service' as what, repository as name, count(*) as rows
            from core.deployments as deployments
            where service is null
            group by all
            union all
            select 'changes without a service', repository, count(*)
            from core.changes as changes
            where service is null
            group by all
            union all
            select 'changes without a team', repository, count(*)
            from core.changes as changes
            where team is null
            group by all
            union all
            select 'accounts without a person', source, count(*)
            from core.identities as identities
            where person_id is null and not is_bot
            group by all
        ) as unmapped
        order by rows desc, what, name
        limit {MOST}
        """
    )
