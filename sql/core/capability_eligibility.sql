/*---
grain       = "one row per declared capability and service (where it is for services) or team"
description = """
Whom a capability could serve, as dx.toml says. `ineligible_because` is null for those, else the reason it states or what
does not fit. Of a capability for services a team is eligible by one of its services, of one for people by its members.
`is_made_for` is true of a service made from a template that makes it use the capability."""
---*/
with reasons as (
    select
        exclusions.capability,
        services.service_id,
        arg_min(exclusions.reason, exclusions.position) as reason,
    from core.capability_exclusions as exclusions
    inner join core.services as services
        on
            coalesce(regexp_matches(services.service, exclusions.service_pattern), false)
            or coalesce(regexp_matches(services.team, exclusions.team_pattern), false)
    group by exclusions.capability, services.service_id
),

served as (
    select
        capabilities.capability,
        services.service_id,
        services.service,
        services.team,
        cast(services.created_at at time zone getvariable('reporting_zone') as date) as created_on,
        coalesce(regexp_matches(services.template, capabilities.template_pattern), false)
            as is_made_for,
        case
            when reasons.reason is not null then reasons.reason
            when not regexp_matches(services.service, capabilities.service_pattern)
                then 'other_service'
            when services.team is null and capabilities.team_pattern is not null
                then 'team_unknown'
            when not regexp_matches(services.team, capabilities.team_pattern) then 'other_team'
            when services.type is null and capabilities.type_pattern is not null
                then 'type_unknown'
            when not regexp_matches(services.type, capabilities.type_pattern) then 'other_type'
            when services.tier is null and capabilities.tiers is not null then 'tier_unknown'
            when not list_contains(capabilities.tiers, services.tier) then 'other_tier'
            when services.language is null and capabilities.language_pattern is not null
                then 'language_unknown'
            when not regexp_matches(services.language, capabilities.language_pattern)
                then 'other_language'
            when services.lifecycle is null and capabilities.lifecycle_pattern is not null
                then 'lifecycle_unknown'
            when not regexp_matches(services.lifecycle, capabilities.lifecycle_pattern)
                then 'other_lifecycle'
        end as ineligible_because,
    from core.capabilities as capabilities
    cross join core.services as services
    left join reasons
        on
            capabilities.capability = reasons.capability
            and services.service_id = reasons.service_id
    where capabilities.unit = 'service'
),

groups as (
    select distinct memberships.team,
    from core.memberships as memberships
),

excluded_groups as (
    select
        exclusions.capability,
        groups.team,
        arg_min(exclusions.reason, exclusions.position) as reason,
    from core.capability_exclusions as exclusions
    inner join groups on regexp_matches(groups.team, exclusions.team_pattern)
    group by exclusions.capability, groups.team
)

select
    served.capability,
    'service' as subject_kind,
    served.service_id as subject_id,
    served.service,
    served.team,
    served.created_on,
    served.is_made_for,
    served.ineligible_because,
from served
union all
select
    served.capability,
    'team' as subject_kind,
    served.team as subject_id,
    null as service,
    served.team,
    null as created_on,
    false as is_made_for,
    case
        when count(*) filter (where served.ineligible_because is null) = 0
            then 'no_eligible_service'
    end as ineligible_because,
from served
where served.team is not null
group by served.capability, served.team
union all
select
    capabilities.capability,
    'team' as subject_kind,
    groups.team as subject_id,
    null as service,
    groups.team,
    null as created_on,
    false as is_made_for,
    case
        when excluded_groups.reason is not null then excluded_groups.reason
        when not regexp_matches(groups.team, capabilities.team_pattern) then 'other_team'
    end as ineligible_because,
from core.capabilities as capabilities
cross join groups
left join excluded_groups
    on
        capabilities.capability = excluded_groups.capability
        and groups.team = excluded_groups.team
where capabilities.unit = 'person'
