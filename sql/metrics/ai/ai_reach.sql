/*---
title       = "Reach of AI assistants"
question    = "What share of the people who could use an assistant does so in a week?"
unit        = "%"
better      = "none"
aggregate   = "proportion"
measure     = "is_active"
entity      = "person_week"
materialize = "table"
source      = "our own, after DX's AI measurement framework: weekly active users of those eligible"
caveat      = """
Could use it: everybody who is in a team in that week. Uses it: accepts something, or asks an assistant
anything; a seat or an open editor is no use. Of several weeks it is their mean.
Vendors that report whole organisations only are absent, and so are accounts that are nobody known. A
team of fewer than five people in a week has no number of its own: its people are in the whole only."""
decision    = "Seats far above reach: give fewer; low reach in some teams: ask them why, before training."
---*/
with uses as (
    select
        facts.source,
        facts.subject,
        cast(date_trunc('week', facts.occurred_on) as date) as week_on,
    from landing.usage_facts as facts
    where
        facts.deleted_at is null
        and facts.subject_kind = 'person'
        and facts.metric = 'active_days'
        and facts.value > 0
    group by facts.source, facts.subject, week_on
),

active as (
    select
        coalesce(identities.person_id, uses.source || ':' || uses.subject) as person_id,
        uses.week_on,
        bool_or(identities.person_id is not null) as is_known,
    from uses
    left join core.identities as identities
        on
            uses.source = identities.source
            and uses.subject = identities.account
    where not coalesce(identities.is_bot, false)
    group by all
),

bounds as (
    select
        min(active.week_on) as first_on,
        max(active.week_on) as last_on,
    from active
),

weeks as (
    select unnest(generate_series(bounds.first_on, bounds.last_on, interval 7 day)) as week_on,
    from bounds
    where bounds.first_on is not null
),

machines as (
    select distinct identities.person_id,
    from core.identities as identities
    where identities.is_bot
),

eligible as (
    select
        cast(weeks.week_on as date) as week_on,
        memberships.person_id,
        arg_max(memberships.team, memberships.valid_from) as team,
    from weeks
    inner join core.memberships as memberships
        on
            weeks.week_on + interval 7 day > memberships.valid_from
            and weeks.week_on < memberships.valid_to
    anti join machines on memberships.person_id = machines.person_id
    group by all
),

people as (
    select
        coalesce(eligible.week_on, active.week_on) as week_on,
        coalesce(eligible.person_id, active.person_id) as person_id,
        eligible.team,
        active.person_id is not null as is_active,
        case
            when eligible.person_id is null and active.is_known then 'in_no_team'
            when eligible.person_id is null then 'unknown_person'
        end as excluded_because,
    from eligible
    full outer join active
        on
            eligible.week_on = active.week_on
            and eligible.person_id = active.person_id
),

counted as (
    select
        people.week_on,
        people.team,
        count(*) as people,
    from people
    where people.excluded_because is null
    group by all
),

-- the fewest first, and before them who is in no team: the rule of core.hidden_teams
ordered as (
    select
        counted.*,
        sum(counted.people) over (
            partition by counted.week_on
            order by counted.team is not null, counted.people, counted.team
            rows between unbounded preceding and current row
        ) - counted.people as fewer,
    from counted
),

hidden as (
    select
        ordered.*,
        sum(ordered.people) over (partition by ordered.week_on) < 5 as is_few,
    from ordered
    where
        ordered.team is null
        or ordered.people < 5
        or (ordered.fewer > 0 and ordered.fewer < 5)
)

select
    cast(people.week_on as timestamp) at time zone getvariable('reporting_zone') as occurred_at,
    case when hidden.week_on is null then people.team end as team,
    strftime(people.week_on, '%G-W%V') as entity_id,
    coalesce(hidden.is_few, false) as is_few,
    people.is_active,
    people.excluded_because,
from people
left join hidden
    on
        people.week_on = hidden.week_on
        and people.team is not distinct from hidden.team
