/*---
grain       = "one row per repository of which production deployments are told otherwise than by releases"
description = "Where there is none, releases stand for deployments (`[deployments] releases`)."
---*/
with told as (
    select
        deployments.source,
        deployments.repository,
    from landing.deployments as deployments
    where
        deployments.deleted_at is null
        and deployments.via <> 'release'
        and deployments.repository is not null
        and regexp_matches(deployments.environment, getvariable('production_pattern'))
    group by deployments.source, deployments.repository
    union
    select
        runs.source,
        runs.repository,
    from core.deploying_runs as runs
    where
        runs.repository is not null
        and regexp_matches(runs.environment, getvariable('production_pattern'))
)

select distinct
    coalesce(own.repository_id, by_name.repository_id, lower(told.repository))
        as repository_id,
from told
left join core.repository_keys as own
    on
        told.source = own.source
        and told.repository = own.key
left join core.repository_keys as by_name
    on
        by_name.source = '*'
        and lower(told.repository) = by_name.key
