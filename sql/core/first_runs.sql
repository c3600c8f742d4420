/*---
grain       = "one row per service with pipeline runs"
description = "Names are resolved once per name, not per run; as in core.pipeline_runs."
---*/
with named as (
    select
        runs.source,
        runs.repository,
        runs.service,
        min(runs.started_at) as first_at,
    from landing.pipeline_runs as runs
    where runs.deleted_at is null
    group by runs.source, runs.repository, runs.service
)

select
    coalesce(
        own_service.service_id,
        named_service.service_id,
        case when len(of_repository.services) = 1 then of_repository.services[1]['service_id'] end
    ) as service_id,
    any_value(named.repository) as repository,
    min(named.first_at) as first_at,
from named
left join core.repository_keys as own
    on
        named.source = own.source
        and named.repository = own.key
left join core.repository_keys as by_name
    on
        by_name.source = '*'
        and lower(named.repository) = by_name.key
left join core.repository_services as of_repository
    on coalesce(own.repository_id, by_name.repository_id) = of_repository.repository_id
left join core.service_keys as own_service
    on
        named.source = own_service.source
        and named.service = own_service.key
left join core.service_keys as named_service
    on
        named_service.source = '*'
        and lower(named.service) = named_service.key
group by all
