/*---
grain       = "one row per declared capability, ISO week since its start, and service, team or person (`unit_kind`)"
description = """
Who could use it then: a service counts from the week it was made, a person while in a team; of people there are rows only
where the capability is for them. `ineligible_because` says what speaks against the unit."""
---*/
with machines as (
    select distinct identities.person_id,
    from core.identities as identities
    where identities.is_bot
),

members as (
    select
        weeks.week_on,
        memberships.person_id,
        arg_max(memberships.team, memberships.valid_from) as team,
    from core.weeks as weeks
    inner join core.memberships as memberships
        on
            weeks.week_on + interval 7 day > memberships.valid_from
            and weeks.week_on < memberships.valid_to
    anti join machines on memberships.person_id = machines.person_id
    group by weeks.week_on, memberships.person_id
),

groups as (
    select
        eligibility.capability,
        eligibility.team,
        eligibility.ineligible_because,
    from core.capability_eligibility as eligibility
    where eligibility.subject_kind = 'team'
)

select
    eligibility.capability,
    eligibility.subject_kind as unit_kind,
    eligibility.subject_id as unit_id,
    eligibility.service,
    eligibility.team,
    eligibility.is_made_for,
    eligibility.ineligible_because,
    weeks.week_on,
from core.capability_eligibility as eligibility
inner join core.capability_starts as starts on eligibility.capability = starts.capability
inner join core.weeks as weeks on starts.first_week_on <= weeks.week_on
where
    eligibility.created_on is null
    or weeks.week_on + interval 7 day > eligibility.created_on
union all
select
    capabilities.capability,
    'person' as unit_kind,
    members.person_id as unit_id,
    null as service,
    members.team,
    false as is_made_for,
    groups.ineligible_because,
    members.week_on,
from core.capabilities as capabilities
inner join core.capability_starts as starts on capabilities.capability = starts.capability
inner join members on starts.first_week_on <= members.week_on
inner join groups
    on
        capabilities.capability = groups.capability
        and members.team = groups.team
where capabilities.unit = 'person'
