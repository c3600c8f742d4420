/*---
grain       = "one row per attempt of a pipeline"
materialize = "view"
description = "A run belongs to the service it names, else to the only service of its repository."
---*/
select
    runs.source || ':' || runs.ext_id as run_id,
    coalesce(own.repository_id, by_name.repository_id, lower(runs.repository)) as repository_id,
    coalesce(repositories.repository, runs.repository) as repository,
    services.service_id,
    coalesce(services.service, runs.service) as service,
    services.team,
    runs.name as workflow,
    runs.trigger,
    runs.branch,
    runs.branch = repositories.default_branch as is_on_default_branch,
    runs.sha,
    runs.attempt,
    runs.result,
    runs.queued_at,
    runs.started_at,
    runs.finished_at,
    runs.url,
from landing.pipeline_runs as runs
left join core.repository_keys as own
    on
        runs.source = own.source
        and runs.repository = own.key
left join core.repository_keys as by_name
    on
        by_name.source = '*'
        and lower(runs.repository) = by_name.key
left join core.repositories as repositories
    on coalesce(own.repository_id, by_name.repository_id) = repositories.repository_id
left join core.repository_services as of_repository
    on repositories.repository_id = of_repository.repository_id
left join core.service_keys as own_service
    on
        runs.source = own_service.source
        and runs.service = own_service.key
left join core.service_keys as named_service
    on
        named_service.source = '*'
        and lower(runs.service) = named_service.key
left join core.services as services
    on
        services.service_id = coalesce(
            own_service.service_id,
            named_service.service_id,
            case
                when len(of_repository.services) = 1
                    then of_repository.services[1]['service_id']
            end
        )
where runs.deleted_at is null
