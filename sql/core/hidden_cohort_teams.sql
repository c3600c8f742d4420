/*---
grain       = "one row per declared capability, month of the first use, and team that may not be told of in it"
key         = ["capability", "cohort"]
description = """
The rule of core.hidden_teams for those who began in a month; `is_few` where all of them are fewer than five."""
---*/
with counted as (
    select
        cohorts.capability,
        cohorts.cohort,
        cohorts.team,
        count(*) as people,
    from core.capability_cohorts as cohorts
    where cohorts.weeks_after = 0
    group by all
),

-- the fewest first, and before them who is in no team
ordered as (
    select
        counted.*,
        sum(counted.people) over (
            partition by counted.capability, counted.cohort
            order by counted.team is not null, counted.people, counted.team
            rows between unbounded preceding and current row
        ) - counted.people as fewer,
    from counted
),

hidden as (
    select
        ordered.*,
        sum(ordered.people) over (
            partition by ordered.capability, ordered.cohort
        ) < 5 as is_few,
    from ordered
    where
        ordered.team is null
        or ordered.people < 5
        or (ordered.fewer > 0 and ordered.fewer < 5)
)

select
    hidden.capability,
    hidden.cohort,
    hidden.team,
    hidden.is_few,
from hidden
where hidden.team is not null or hidden.is_few
