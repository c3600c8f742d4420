/*---
grain       = "one row per declared capability, ISO week, kind of group, and team that may not be told of in it"
key         = ["week_on"]
description = """
user: people who use a capability in the week; month_user: in the four weeks that end with it; eligible and ineligible:
people it could and could not serve. Teams of fewer than five of them, and the smallest other teams as well while all that
are hidden, with those in no team, are so few: the total less all others would be theirs. `is_few` where they stay so few,
which then is true of those in no team (null) too."""
---*/
with counted as (
    select
        'user' as kind,
        uses.capability,
        uses.week_on,
        uses.team,
        count(*) as people,
    from core.capability_weeks as uses
    where uses.unit_kind = 'person'
    group by all
    union all
    select
        'month_user' as kind,
        months.capability,
        months.week_on,
        months.team,
        count(*) as people,
    from core.capability_months as months
    group by all
    union all
    select
        case when states.ineligible_because is null then 'eligible' else 'ineligible' end as kind,
        states.capability,
        states.week_on,
        states.team,
        count(*) as people,
    from core.capability_states as states
    where states.unit_kind = 'person'
    group by all
),

-- the fewest first, and before them who is in no team
ordered as (
    select
        counted.*,
        sum(counted.people) over (
            partition by counted.kind, counted.capability, counted.week_on
            order by counted.team is not null, counted.people, counted.team
            rows between unbounded preceding and current row
        ) - counted.people as fewer,
    from counted
),

hidden as (
    select
        ordered.*,
        sum(ordered.people) over (
            partition by ordered.kind, ordered.capability, ordered.week_on
        ) < 5 as is_few,
    from ordered
    where
        ordered.team is null
        or ordered.people < 5
        or (ordered.fewer > 0 and ordered.fewer < 5)
)

select
    hidden.kind,
    hidden.capability,
    hidden.week_on,
    hidden.team,
    hidden.is_few,
from hidden
where hidden.team is not null or hidden.is_few
