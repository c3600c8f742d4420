/*---
grain       = "one row per CI run and rule that makes it, or jobs of it, a deployment"
key         = ["source", "run"]
description = """
The rules are those of `[[deployments.rules]]`. A rule that names a job makes each such job of the run a deployment, else
the run is one."""

[keys]
"landing.pipeline_runs" = ["source", "ext_id"]
---*/
with named as (
    select
        keys.source,
        keys.key,
        repositories.repository,
        repositories.short_name,
    from core.repository_keys as keys
    inner join core.repositories as repositories
        on keys.repository_id = repositories.repository_id
)

select
    runs.source,
    runs.ext_id as run,
    rules.position as rule,
    rules.job as job_pattern,
    runs.scope,
    runs.url,
    runs.repository,
    coalesce(rules.service, runs.service) as service,
    rules.environment,
    runs.result,
    runs.sha,
    runs.queued_at,
    runs.started_at,
    runs.finished_at,
from landing.pipeline_runs as runs
left join named as own
    on
        runs.source = own.source
        and runs.repository = own.key
left join named as by_name
    on
        by_name.source = '*'
        and lower(runs.repository) = by_name.key
inner join core.deployment_rules as rules
    on
        coalesce(regexp_matches(runs.source, rules.source), true)
        and coalesce(regexp_matches(runs.name, rules.workflow), true)
        and (rules.branch is null or coalesce(regexp_matches(runs.branch, rules.branch), false))
        and (
            rules.repository is null
            or coalesce(
                regexp_matches(coalesce(own.repository, by_name.repository), rules.repository)
                or regexp_matches(
                    coalesce(own.short_name, by_name.short_name), rules.repository
                )
                or regexp_matches(
                    regexp_extract(
                        coalesce(own.repository, by_name.repository), '[^/]+/[^/]+$'
                    ),
                    rules.repository
                ),
                false
            )
        )
where runs.deleted_at is null
