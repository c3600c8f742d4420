/*---
grain       = "one row per incident and deployment that caused it, or is held to have"
description = """
Explicit: the incident names the deployment, or a link with confidence 1 does. Inferred, only where nothing is stated:
the latest counted deployment of a service the incident hurt, within `incident_window_hours` before its detection."""
---*/
with mentioned as (
    select
        incidents.incident_id,
        incidents.source,
        incidents.caused_by_deployment as reference,
    from core.incidents as incidents
    where incidents.caused_by_deployment is not null
    union
    select
        coalesce(own.incident_id, other.incident_id) as incident_id,
        links.source,
        links.from_id as reference,
    from landing.links as links
    left join core.incident_keys as own
        on
            links.source = own.source
            and links.to_id = own.key
    left join core.incident_keys as other
        on
            other.source = '*'
            and links.to_id = other.key
    where
        links.deleted_at is null
        and links.from_kind = 'deployment'
        and links.relation = 'caused'
        and links.to_kind = 'incident'
        and links.confidence = 1
),

matched as (
    select
        mentioned.incident_id,
        mentioned.source,
        attempts.source as deployment_source,
        coalesce(rollouts.deployment_id, attempts.attempt_id) as deployment_id,
        bool_or(attempts.source = mentioned.source)
            over (partition by mentioned.incident_id, mentioned.reference) as is_own_known,
    from mentioned
    inner join core.deployment_attempts as attempts on mentioned.reference = attempts.ext_id
    left join core.rollouts as rollouts on attempts.attempt_id = rollouts.attempt_id
    where mentioned.incident_id is not null
),

blamed as (
    select distinct
        matched.incident_id,
        matched.deployment_id,
    from matched
    where matched.deployment_source = matched.source or not matched.is_own_known
),

events as (
    select
        deployments.service_id,
        deployments.finished_at as happened_at,
        deployments.deployment_id,
        deployments.finished_at,
        null as incident_id,
    from core.deployments as deployments
    where deployments.is_counted and deployments.service_id is not null
    union all
    select
        hurt.service_id,
        incidents.detected_at as happened_at,
        null as deployment_id,
        null as finished_at,
        incidents.incident_id,
    from core.incidents as incidents
    inner join core.incident_services as hurt on incidents.incident_id = hurt.incident_id
    anti join blamed on incidents.incident_id = blamed.incident_id
),

preceded as (
    select
        events.incident_id,
        events.happened_at,
        last_value(events.deployment_id ignore nulls) over (
            partition by events.service_id
            order by events.happened_at, events.incident_id nulls first, events.deployment_id
            rows between unbounded preceding and current row
        ) as deployment_id,
        last_value(events.finished_at ignore nulls) over (
            partition by events.service_id
            order by events.happened_at, events.incident_id nulls first, events.deployment_id
            rows between unbounded preceding and current row
        ) as finished_at,
    from events
)

select
    blamed.incident_id,
    blamed.deployment_id,
    'explicit' as confidence,
from blamed
union all
select distinct
    preceded.incident_id,
    preceded.deployment_id,
    'inferred' as confidence,
from preceded
where
    preceded.incident_id is not null
    and date_diff('second', preceded.finished_at, preceded.happened_at)
    <= 3600 * getvariable('incident_window_hours')
