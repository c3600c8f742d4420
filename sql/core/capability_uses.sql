/*---
grain       = "one row per declared capability, day, person, service and team that used it"
key         = ["utc_on"]
description = """
Value actions: platform events that did not fail, and usage a vendor or a cluster counts of a day. `used_on` is the day
in the reporting zone; `utc_on` the same in UTC, by which it is built. `person_id` is null where nobody or a machine did
it; `is_known` is false where the name is nobody's here. The team of a capability for services is the service's, else the
person's on that day, else the one that is named; of one for people it is never the service's."""

[keys]
"landing.platform_events" = "date '1970-01-01' + cast(epoch_us(occurred_at) // 86400000000 as integer)"
"landing.usage_facts" = "occurred_on"
---*/
with actions as (
    select distinct
        events.capability,
        events.action,
    from landing.platform_events as events
    where events.deleted_at is null
),

valued_actions as (
    select
        actions.capability as named,
        actions.action,
        capabilities.capability,
        capabilities.unit,
    from actions
    inner join core.capabilities as capabilities
        on
            lower(actions.capability) = capabilities.key
            and coalesce(regexp_matches(actions.action, capabilities.action_pattern), true)
),

metrics as (
    select distinct facts.metric,
    from landing.usage_facts as facts
    where facts.deleted_at is null
),

valued_metrics as (
    select
        metrics.metric,
        capabilities.capability,
        capabilities.unit,
    from metrics
    inner join core.capabilities as capabilities
        on
            lower(metrics.metric) = capabilities.key
            or coalesce(regexp_matches(metrics.metric, capabilities.usage_pattern), false)
),

-- the calendar is asked once per quarter of an hour: asked once per event it takes most of the time
quarters as (
    select distinct epoch_us(events.occurred_at) // 900000000 as quarter,
    from landing.platform_events as events
    where events.deleted_at is null
),

days as (
    select
        quarters.quarter,
        cast(
            to_timestamp(quarters.quarter * 900) at time zone getvariable('reporting_zone') as date
        ) as used_on,
    from quarters
),

told as (
    select
        valued.capability,
        valued.unit,
        days.used_on,
        date '1970-01-01' + cast(epoch_us(events.occurred_at) // 86400000000 as integer) as utc_on,
        events.source,
        events.person,
        events.service,
        events.team,
    from landing.platform_events as events
    inner join valued_actions as valued
        on
            events.capability = valued.named
            and events.action = valued.action
    inner join days on epoch_us(events.occurred_at) // 900000000 = days.quarter
    where
        events.deleted_at is null
        and events.outcome <> 'failure'
    group by all
    union all
    select
        valued.capability,
        valued.unit,
        facts.occurred_on as used_on,
        facts.occurred_on as utc_on,
        facts.source,
        case when facts.subject_kind = 'person' then facts.subject end as person,
        case when facts.subject_kind = 'service' then facts.subject end as service,
        case when facts.subject_kind = 'team' then facts.subject end as team,
    from landing.usage_facts as facts
    inner join valued_metrics as valued on facts.metric = valued.metric
    where
        facts.deleted_at is null
        and facts.value > 0
        and facts.subject_kind <> 'organisation'
    group by all
),

machines as (
    select distinct identities.person_id,
    from core.identities as identities
    where identities.is_bot
),

named as (
    select
        told.source,
        told.person,
        coalesce(own.person_id, keys.person_id, told.source || ':' || told.person) as person_id,
        coalesce(own.person_id, keys.person_id) is not null as is_known,
    from (
        select distinct
            told.source,
            told.person,
        from told
        where told.person is not null
    ) as told
    left join core.identities as own
        on
            told.source = own.source
            and told.person = own.account
    left join core.person_keys as keys on lower(told.person) = keys.key
),

people as (
    select named.*,
    from named
    anti join machines on named.person_id = machines.person_id
),

resolved as (
    select
        told.capability,
        told.unit,
        told.used_on,
        told.utc_on,
        people.person_id,
        people.is_known,
        coalesce(own.service_id, by_name.service_id, lower(told.service)) as service_id,
        coalesce(team_keys.team, told.team) as stated_team,
    from told
    left join people
        on
            told.source = people.source
            and told.person = people.person
    left join core.service_keys as own
        on
            told.source = own.source
            and told.service = own.key
    left join core.service_keys as by_name
        on
            by_name.source = '*'
            and lower(told.service) = by_name.key
    left join core.team_keys as team_keys on lower(told.team) = team_keys.key
    group by all
)

select
    resolved.capability,
    resolved.used_on,
    cast(date_trunc('week', resolved.used_on) as date) as week_on,
    resolved.utc_on,
    resolved.person_id,
    resolved.is_known,
    resolved.service_id,
    case
        when resolved.unit = 'service'
            then coalesce(services.team, memberships.team, resolved.stated_team)
        else coalesce(memberships.team, resolved.stated_team)
    end as team,
from resolved
left join core.services as services on resolved.service_id = services.service_id
left join core.memberships as memberships
    on
        resolved.person_id = memberships.person_id
        and resolved.used_on >= memberships.valid_from
        and resolved.used_on < memberships.valid_to
group by all
