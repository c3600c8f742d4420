/*---
grain       = "one row per service whose sources state since when all its deployments are known"
description = """
The first deployment of a service claims nothing older than this. Where rules make deployments of CI runs, they are
known since the runs are."""
---*/
with made as (
    select distinct attempts.service_id,
    from core.deployment_attempts as attempts
    where attempts.is_by_rule and attempts.service_id is not null
)

select
    scopes.service_id,
    min(coverage.covered_from) as covered_from,
    max(coverage.covered_to) as covered_to,
from core.service_scopes as scopes
left join made on scopes.service_id = made.service_id
inner join meta.coverage as coverage
    on
        scopes.source = coverage.source
        and scopes.scope = coverage.scope
        and coverage.stream
        = case when made.service_id is null then 'deployments' else 'pipeline_runs' end
group by scopes.service_id
