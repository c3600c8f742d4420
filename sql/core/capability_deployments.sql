/*---
grain       = "one row per successful production deployment and capability for services that was in use then"
key         = ["deployment_id"]
description = "On the path: of a service that used the capability in the four weeks that end with the deployment's."

[affects]
"core.capability_states" = """
select deployments.deployment_id
from delta.changed as changed
inner join core.deployments as deployments
    on
        changed.unit_kind = 'service'
        and changed.unit_id = deployments.service_id
        and deployments.finished_at >= changed.week_on - interval 1 day
        and deployments.finished_at < changed.week_on + interval 8 day"""
---*/
with placed as (
    select
        deployments.deployment_id,
        deployments.service_id,
        deployments.service,
        deployments.team,
        deployments.repository,
        deployments.url,
        deployments.finished_at,
        cast(
            date_trunc(
                'week', deployments.finished_at at time zone getvariable('reporting_zone')
            ) as date
        ) as week_on,
    from core.deployments as deployments
    where
        deployments.is_production
        and deployments.status = 'success'
)

select
    capabilities.capability,
    capabilities.capability_title,
    case when capabilities.is_mandated then 'mandated' else 'voluntary' end as mandate,
    placed.deployment_id,
    placed.service,
    placed.team,
    placed.repository,
    placed.url,
    placed.finished_at,
    coalesce(states.is_using, false) as is_on_path,
from placed
inner join core.capability_starts as starts on placed.week_on >= starts.first_week_on
inner join core.capabilities as capabilities
    on
        starts.capability = capabilities.capability
        and capabilities.unit = 'service'
left join core.capability_states as states
    on
        capabilities.capability = states.capability
        and states.unit_kind = 'service'
        and placed.service_id = states.unit_id
        and placed.week_on = states.week_on
