/*---
grain       = "one row per value action that succeeded, and fulfilled ticket, of a capability that tickets ask for"
key         = ["utc_on"]
description = "`utc_on` is the day in UTC, by which it is built."

[keys]
"landing.platform_events" = "date '1970-01-01' + cast(epoch_us(occurred_at) // 86400000000 as integer)"
"core.capability_tickets" = "date '1970-01-01' + cast(epoch_us(done_at) // 86400000000 as integer)"
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
    inner join core.asked_capabilities as asked on capabilities.capability = asked.capability
)

select
    date '1970-01-01' + cast(epoch_us(events.occurred_at) // 86400000000 as integer) as utc_on,
    events.occurred_at,
    valued.capability,
    coalesce(services.team, team_keys.team, events.team) as team,
    coalesce(services.service, events.service) as service,
    'event:' || events.source || ':' || events.ext_id as request_id,
    events.action as title,
    events.url,
    true as is_self_service,
    false as is_duplicate,
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
    and events.outcome = 'success'
union all
select
    date '1970-01-01' + cast(epoch_us(tickets.done_at) // 86400000000 as integer) as utc_on,
    tickets.done_at as occurred_at,
    tickets.capability,
    tickets.team,
    tickets.service,
    'ticket:' || tickets.ticket_id as request_id,
    tickets.title,
    tickets.url,
    false as is_self_service,
    tickets.is_duplicate,
from core.capability_tickets as tickets
where tickets.is_done and tickets.done_at is not null
