/*---
grain       = "one row per stream and service"
description = """
Since when, and until when, events of a service are observed: as sources state it in their coverage (`is_stated`), else
from the first event on. Only within it does no event mean zero. `observed_to` is null where no end is stated.
`is_complete` is false while history before `observed_from` is known to exist: its repository is older. The stream
`pull_requests` is of changes whose opening is known: git alone knows merges only."""
---*/
with stated as (
    select
        coverage.stream,
        scopes.service_id,
        min(coverage.covered_from) as observed_from,
        max(coverage.covered_to) as observed_to,
    from core.service_scopes as scopes
    inner join meta.coverage as coverage
        on
            scopes.source = coverage.source
            and scopes.scope = coverage.scope
    where coverage.stream in ('changes', 'incidents', 'pipeline_runs')
    group by coverage.stream, scopes.service_id
    union all
    select
        'deployments' as stream,
        coverage.service_id,
        coverage.covered_from as observed_from,
        coverage.covered_to as observed_to,
    from core.deployment_coverage as coverage
),

events as (
    select
        'deployments' as stream,
        deployments.service_id,
        any_value(deployments.service) as service,
        any_value(deployments.team) as team,
        any_value(deployments.repository) as repository,
        min(deployments.finished_at) as first_at,
    from core.deployments as deployments
    where deployments.is_production
    group by deployments.service_id
    union all
    select
        'changes' as stream,
        changes.service_id,
        changes.service_id as service,
        null as team,
        changes.repository,
        changes.first_at,
    from core.first_changes as changes
    union all
    select
        'pull_requests' as stream,
        changes.service_id,
        changes.service_id as service,
        null as team,
        changes.repository,
        changes.first_opened_at as first_at,
    from core.first_changes as changes
    union all
    select
        'incidents' as stream,
        incidents.service_id,
        any_value(incidents.service) as service,
        any_value(incidents.team) as team,
        any_value(incidents.repository) as repository,
        min(incidents.detected_at) as first_at,
    from core.incidents as incidents
    group by incidents.service_id
    union all
    select
        'pipeline_runs' as stream,
        runs.service_id,
        runs.service_id as service,
        null as team,
        runs.repository,
        runs.first_at,
    from core.first_runs as runs
)

select
    coalesce(stated.stream, events.stream) as stream,
    coalesce(stated.service_id, events.service_id) as service_id,
    coalesce(services.service, events.service) as service,
    coalesce(services.team, events.team) as team,
    coalesce(services.repository, events.repository) as repository,
    coalesce(stated.observed_from, events.first_at) as observed_from,
    stated.observed_to,
    stated.observed_from is not null as is_stated,
    not coalesce(stated.observed_from > repositories.created_at, false) as is_complete,
from stated
full join events
    on
        stated.stream = events.stream
        and stated.service_id = events.service_id
left join core.services as services
    on coalesce(stated.service_id, events.service_id) = services.service_id
left join core.repositories as repositories
    on services.repository_id = repositories.repository_id
where coalesce(stated.observed_from, events.first_at) is not null
union all
select
    'costs' as stream,
    costs.service_id,
    costs.service,
    costs.team,
    null as repository,
    costs.observed_from,
    costs.observed_to,
    true as is_stated,
    true as is_complete,
from core.cost_observations as costs
