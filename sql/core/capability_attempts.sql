/*---
grain       = "one row per platform event of a declared capability that succeeded or failed"
key         = ["utc_on"]
description = "What neither did is not known, and in no row. `utc_on` is the day in UTC, by which it is built."

[keys]
"landing.platform_events" = "date '1970-01-01' + cast(epoch_us(occurred_at) // 86400000000 as integer)"
---*/
with actions as (
    select distinct
        events.capability,
        events.action,
    from landing.platform_events as events
    where events.deleted_at is null
),

valued as (
    select
        actions.capability as named,
        actions.action,
        capabilities.capability,
    from actions
    inner join core.capabilities as capabilities
        on
            lower(actions.capability) = capabilities.key
            and coalesce(regexp_matches(actions.action, capabilities.action_pattern), true)
)

select
    date '1970-01-01' + cast(epoch_us(events.occurred_at) // 86400000000 as integer) as utc_on,
    events.occurred_at,
    valued.capability,
    coalesce(services.team, team_keys.team, events.team) as team,
    coalesce(services.service, events.service) as service,
    events.source || ':' || events.ext_id as attempt_id,
    events.action,
    events.url,
    events.outcome = 'success' as is_success,
from landing.platform_events as events
inner join valued
    on
        events.capability = valued.named
        and events.action = valued.action
left join core.service_keys as own
    on
        events.source = own.source
        and events.service = own.key
left join core.service_keys as by_name
    on
        by_name.source = '*'
        and lower(events.service) = by_name.key
left join core.services as services
    on coalesce(own.service_id, by_name.service_id) = services.service_id
left join core.team_keys as team_keys on lower(events.team) = team_keys.key
where
    events.deleted_at is null
    and events.outcome in ('success', 'failure')
