"""What the organisation's rules make of a source: which runs, jobs and environments deploy, which issues are incidents.

For writing a rule: beside what matches stands what could be named and does not.
"""

from __future__ import annotations

from typing import Any

from dxmetrics.metrics.results import Matches
from dxmetrics.metrics.store import Reading

MOST = 40  # lines of a list a person would still read

DEPLOYMENTS = """
    select
        case
            when attempts.is_by_rule then 'rule' when attempts.via = 'release' then 'release' else 'host'
        end as told_by,
        attempts.environment,
        attempts.is_production as production,
        count(distinct attempts.repository_id) as repositories,
        count(*) as deployments,
        count(*) filter (where attempts.status = 'success') as succeeded,
        max(attempts.finished_at) as newest,
    from core.deployment_attempts as attempts
    where attempts.source = $source
    group by all
    order by production desc, deployments desc
"""
RULES = """
    select
        rules.position as rule,
        rules.workflow,
        rules.job,
        rules.branch,
        rules.repository,
        rules.environment,
        count(distinct runs.run) as runs,
        count(distinct jobs.ext_id) as jobs,
    from core.deployment_rules as rules
    left join core.deploying_runs as runs on rules.position = runs.rule and runs.source = $source
    left join core.deploying_jobs as jobs on rules.position = jobs.rule and jobs.source = $source
    where rules.source is null or regexp_matches($source, rules.source)
    group by all
    order by rules.position
"""
RUNS = """
    select
        runs.name as workflow,
        runs.branch,
        count(distinct runs.repository) as repositories,
        count(*) as runs,
        max(runs.finished_at) as newest,
        string_agg(distinct deploying.rule::varchar, ', ' order by deploying.rule::varchar) as rules,
    from landing.pipeline_runs as runs
    left join core.deploying_runs as deploying on runs.source = deploying.source and runs.ext_id = deploying.run
    where runs.source = $source and runs.deleted_at is null
    group by all
    order by runs desc, workflow, branch
"""
JOBS = """
    select
        runs.name as workflow,
        jobs.name as job,
        count(*) as jobs,
        string_agg(distinct deploying.rule::varchar, ', ' order by deploying.rule::varchar) as rules,
    from landing.jobs as jobs
    inner join landing.pipeline_runs as runs on jobs.source = runs.source and jobs.pipeline_run = runs.ext_id
    left join core.deploying_jobs as deploying
        on jobs.source = deploying.source and 'job:' || jobs.ext_id = deploying.ext_id
    where jobs.source = $source and jobs.deleted_at is null
    group by all
    order by jobs desc, workflow, job
"""
ISSUES = """
    select
        'label' as kind,
        named.label as name,
        count(*) as issues,
        count(incidents.incident_id) as incidents,
    from (
        select issues.source, issues.ext_id, unnest(issues.labels) as label
        from landing.issues as issues
        where issues.source = $source and issues.deleted_at is null
    ) as named
    left join core.incidents as incidents on named.source = incidents.source and named.ext_id = incidents.ext_id
    group by all
    union all
    select
        'type' as kind,
        issues.type as name,
        count(*) as issues,
        count(incidents.incident_id) as incidents,
    from landing.issues as issues
    left join core.incidents as incidents on issues.source = incidents.source and issues.ext_id = incidents.ext_id
    where issues.source = $source and issues.deleted_at is null and issues.type <> ''
    group by all
    order by incidents desc, issues desc, name
"""


def matches(reading: Reading, source: str) -> Matches:
    """What is there of a source and what the rules make of it, the most frequent first."""

    def rows(query: str) -> tuple[dict[str, Any], ...]:
        return reading.rows(f"select * from ({query}) as found limit {MOST}", {"source": source})

    return Matches(source, rows(DEPLOYMENTS), rows(RULES), rows(RUNS), rows(JOBS), rows(ISSUES))
