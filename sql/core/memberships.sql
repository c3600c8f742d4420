/*---
grain       = "one row per person and stretch of days in one team; stretches of a person never overlap"
description = """
Where a person is in two teams at once, the one joined last counts (then the first by name): an event has one team.
Days begin at midnight of the reporting zone."""
---*/
with spans as (
    select
        coalesce(own.person_id, people.person_id, memberships.person) as person_id,
        coalesce(team_keys.team, memberships.team) as team,
        coalesce(memberships.valid_from, date '1900-01-01') as valid_from,
        coalesce(memberships.valid_to, date '2999-12-31') as valid_to,
    from landing.memberships as memberships
    left join core.identities as own
        on
            memberships.source = own.source
            and memberships.person = own.account
    left join core.person_keys as people on lower(memberships.person) = people.key
    left join core.team_keys as team_keys on lower(memberships.team) = team_keys.key
    where memberships.deleted_at is null
),

edges as (
    select
        spans.person_id,
        spans.valid_from as starts_on,
    from spans
    union
    select
        spans.person_id,
        spans.valid_to as starts_on,
    from spans
),

stretches as (
    select
        edges.person_id,
        edges.starts_on,
        lead(edges.starts_on) over (
            partition by edges.person_id
            order by edges.starts_on
        ) as ends_on,
    from edges
)

select
    stretches.person_id,
    spans.team,
    stretches.starts_on as valid_from,
    stretches.ends_on as valid_to,
    cast(stretches.starts_on as timestamp) at time zone getvariable('reporting_zone')
        as valid_from_at,
    cast(stretches.ends_on as timestamp) at time zone getvariable('reporting_zone')
        as valid_to_at,
from stretches
inner join spans
    on
        stretches.person_id = spans.person_id
        and stretches.starts_on >= spans.valid_from
        and stretches.starts_on < spans.valid_to
where stretches.ends_on is not null
qualify
    row_number() over (
        partition by stretches.person_id, stretches.starts_on
        order by spans.valid_from desc, spans.team asc
    ) = 1
