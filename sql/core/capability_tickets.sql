/*---
grain       = "one row per ticket that asks for a declared capability"
description = """
By what its tracker says it asks for, else by a label that dx.toml names. A ticket that duplicates another one is marked:
it asks for nothing new."""
---*/
with labelled as (
    select
        issues.source,
        issues.ext_id,
        unnest(issues.labels) as label,
    from landing.issues as issues
    where issues.deleted_at is null
),

asked as (
    select
        labelled.source,
        labelled.ext_id,
        capabilities.capability,
    from labelled
    inner join core.capabilities as capabilities
        on regexp_matches(labelled.label, capabilities.ticket_pattern)
    union
    select
        issues.source,
        issues.ext_id,
        capabilities.capability,
    from landing.issues as issues
    inner join core.capabilities as capabilities on lower(issues.capability) = capabilities.key
    where issues.deleted_at is null
),

duplicates as (
    select distinct
        links.source,
        links.from_id as ext_id,
    from landing.links as links
    where
        links.deleted_at is null
        and links.relation = 'duplicates'
        and links.from_kind = 'issue'
)

select
    asked.source || ':' || asked.ext_id as ticket_id,
    asked.capability,
    coalesce(services.team, team_keys.team, issues.team) as team,
    coalesce(services.service, issues.service) as service,
    issues.title,
    issues.url,
    issues.created_at,
    case when issues.status_category = 'done' then issues.done_at end as done_at,
    issues.status_category = 'done' as is_done,
    duplicates.ext_id is not null as is_duplicate,
from asked
inner join landing.issues as issues
    on
        asked.source = issues.source
        and asked.ext_id = issues.ext_id
left join core.service_keys as own
    on
        issues.source = own.source
        and issues.service = own.key
left join core.service_keys as by_name
    on
        by_name.source = '*'
        and lower(issues.service) = by_name.key
left join core.services as services
    on coalesce(own.service_id, by_name.service_id) = services.service_id
left join core.team_keys as team_keys on lower(issues.team) = team_keys.key
left join duplicates
    on
        asked.source = duplicates.source
        and asked.ext_id = duplicates.ext_id
where issues.deleted_at is null
