/*---
grain       = "one row per deployment that a source reports or a rule makes of a CI run or job"
key         = ["source", "ext_id"]
description = """
What the organisation counts as a deployment. Releases stand for deployments as `[deployments] releases` says. A run or
job that was skipped is none."""

[keys]
"core.deploying_runs" = ["source", "'run:' || run"]
"core.deploying_jobs" = ["source", "ext_id"]
"core.repeated_releases" = ["source", "ext_id"]

[affects]
"core.deploying_repositories" = """
select
    deployments.source,
    deployments.ext_id
from delta.changed as changed
inner join core.repository_keys as keys on changed.repository_id = keys.repository_id
inner join landing.deployments as deployments
    on
        deployments.via = 'release'
        and (
            (deployments.source = keys.source and deployments.repository = keys.key)
            or (keys.source = '*' and lower(deployments.repository) = keys.key)
        )"""
---*/
with made as (
    select
        runs.source,
        'run:' || runs.run as ext_id,
        runs.scope,
        runs.url,
        runs.repository,
        runs.service,
        runs.environment,
        runs.result,
        runs.sha,
        runs.queued_at,
        runs.started_at,
        runs.finished_at,
    from core.deploying_runs as runs
    where runs.job_pattern is null
    qualify
        row_number() over (
            partition by runs.source, runs.run
            order by runs.rule
        ) = 1
    union all
    select
        jobs.source,
        jobs.ext_id,
        jobs.scope,
        jobs.url,
        jobs.repository,
        jobs.service,
        jobs.environment,
        jobs.result,
        jobs.sha,
        jobs.queued_at,
        jobs.started_at,
        jobs.finished_at,
    from core.deploying_jobs as jobs
)

select
    deployments.source,
    deployments.scope,
    deployments.ext_id,
    deployments.url,
    deployments.repository,
    deployments.service,
    deployments.environment,
    deployments.status,
    deployments.reached_users,
    deployments.kind,
    deployments.sha,
    deployments.previous_sha,
    deployments.version,
    deployments.line,
    deployments.artifact,
    deployments.rollout,
    deployments.created_at,
    deployments.started_at,
    deployments.finished_at,
    deployments.actor,
    deployments.via,
    deployments.changes,
    deployments.caused_by_incident,
    deployments.fixes_deployment,
    false as is_by_rule,
from landing.deployments as deployments
left join core.repository_keys as own
    on
        deployments.source = own.source
        and deployments.repository = own.key
left join core.repository_keys as by_name
    on
        by_name.source = '*'
        and lower(deployments.repository) = by_name.key
left join core.repeated_releases as repeated
    on
        deployments.source = repeated.source
        and deployments.ext_id = repeated.ext_id
left join core.deploying_repositories as deploying
    on
        deployments.via = 'release'
        and coalesce(own.repository_id, by_name.repository_id, lower(deployments.repository))
        = deploying.repository_id
where
    deployments.deleted_at is null
    and repeated.ext_id is null
    and case
        when deployments.via <> 'release' or getvariable('release_deployments') = 'always' then true
        else
            getvariable('release_deployments') = 'fallback' and deploying.repository_id is null
    end
union all
select
    made.source,
    made.scope,
    made.ext_id,
    made.url,
    made.repository,
    made.service,
    made.environment,
    case
        when made.result = 'success' then 'success'
        when made.result in ('failure', 'error', 'timeout') then 'failure'
        when made.result = 'cancellation' then 'cancelled'
        when made.result is null then 'running'
        else 'unknown'
    end as status,
    null as reached_users,
    null as kind,
    made.sha,
    null as previous_sha,
    null as version,
    null as line,
    null as artifact,
    null as rollout,
    made.queued_at as created_at,
    made.started_at,
    made.finished_at,
    null as actor,
    'pipeline' as via,
    [] as changes,
    null as caused_by_incident,
    null as fixes_deployment,
    true as is_by_rule,
from made
where coalesce(made.result, '') <> 'skip'
