/*---
grain       = "one row per incident"
description = """
Reported ones, and issues that a label or their type makes one (`[incidents] labels`, `types`): of the services of their
repository, resolved when closed. `service` is the first service named. `is_counted`: its severity is among those that
count; an incident without a severity counts only where all do."""
---*/
with raised as (
    select
        issues.*,
        coalesce(own.repository_id, by_name.repository_id, lower(issues.repository))
            as repository_id,
    from landing.issues as issues
    left join core.repository_keys as own
        on
            issues.source = own.source
            and issues.repository = own.key
    left join core.repository_keys as by_name
        on
            by_name.source = '*'
            and lower(issues.repository) = by_name.key
    where
        issues.deleted_at is null
        and (
            regexp_matches(issues.type, getvariable('incident_type_pattern'))
            or len(list_filter(
                issues.labels,
                lambda one: regexp_matches(one, getvariable('incident_label_pattern')) -- noqa: RF02
            )) > 0
        )
),

reported as (
    select
        incidents.source,
        incidents.ext_id,
        incidents.scope,
        incidents.url,
        incidents.title,
        incidents.severity,
        incidents.status,
        incidents.services,
        incidents.team,
        incidents.started_at,
        incidents.detected_at,
        incidents.acknowledged_at,
        incidents.mitigated_at,
        incidents.resolved_at,
        incidents.caused_by_deployment,
    from landing.incidents as incidents
    where incidents.deleted_at is null and incidents.kind = 'incident'
    union all
    select
        raised.source,
        raised.ext_id,
        raised.scope,
        raised.url,
        raised.title,
        try_cast(
            list_min(list_filter(
                list_transform(
                    raised.labels,
                    lambda one: regexp_extract(one, getvariable('severity_pattern'), 1) -- noqa: RF02
                ),
                lambda one: one <> '' -- noqa: RF02
            )) as bigint
        ) as severity,
        case when raised.done_at is null then 'open' else 'resolved' end as status,
        case
            when raised.service is not null then [raised.service]
            else coalesce(
                list_transform(
                    of_repository.services,
                    lambda one: one['service_id'] -- noqa: RF02
                ),
                []
            )
        end as services,
        raised.team,
        null as started_at,
        raised.created_at as detected_at,
        raised.first_response_at as acknowledged_at,
        null as mitigated_at,
        raised.done_at as resolved_at,
        null as caused_by_deployment,
    from raised
    left join core.repository_services as of_repository
        on raised.repository_id = of_repository.repository_id
    anti join landing.incidents as incidents
        on
            raised.source = incidents.source
            and raised.ext_id = incidents.ext_id
),

named as (
    select
        reported.*,
        reported.services[1] as first_service,
    from reported
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
