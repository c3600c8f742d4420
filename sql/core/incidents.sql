/*---
grain       = "one row per incident"
description = """
`service` is the first service named. `is_counted`: its severity is among those that count; an incident without a
severity counts only where all do."""
---*/
with named as (
    select
        incidents.*,
        incidents.services[1] as first_service,
    from landing.incidents as incidents
    where incidents.deleted_at is null and incidents.kind = 'incident'
)

select
    named.source || ':' || named.ext_id as incident_id,
    named.source,
    named.ext_id,
    coalesce(own.service_id, by_name.service_id, lower(named.first_service)) as service_id,
    coalesce(services.service, own.service_id, by_name.service_id, lower(named.first_service))
        as service,
    coalesce(team_keys.team, named.team, services.team) as team,
    services.repository,
    named.title,
    named.url,
    named.severity,
    named.status,
    getvariable('incident_severities') is null
    or coalesce(list_contains(getvariable('incident_severities'), named.severity), false)
        as is_counted,
    named.started_at,
    named.detected_at,
    named.acknowledged_at,
    named.mitigated_at,
    named.resolved_at,
    named.scope,
    named.caused_by_deployment,
    named.services as service_references,
from named
left join core.service_keys as own
    on
        named.source = own.source
        and named.first_service = own.key
left join core.service_keys as by_name
    on
        by_name.source = '*'
        and lower(named.first_service) = by_name.key
left join core.services as services
    on coalesce(own.service_id, by_name.service_id) = services.service_id
left join core.team_keys as team_keys on lower(named.team) = team_keys.key
