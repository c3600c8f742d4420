/*---
grain       = "one row per declared capability, person who ever used it, and each of the 26 weeks after their first"
key         = ["capability", "person_id"]
description = """
`cohort` is the month of the first use, `weeks_after` counts from its week. There is no row of a week that has not begun;
the one that is running is marked."""

[keys]
"core.capability_weeks" = ["capability", "unit_id"]
---*/
with firsts as (
    select
        uses.capability,
        uses.unit_id,
        min(uses.week_on) as first_on,
        arg_min(uses.team, uses.week_on) as team,
    from core.capability_weeks as uses
    where uses.unit_kind = 'person'
    group by uses.capability, uses.unit_id
)

select
    firsts.capability,
    firsts.unit_id as person_id,
    firsts.team,
    strftime(firsts.first_on, '%Y-%m') as cohort,
    first_weeks.starts_at as first_at,
    cast((weeks.week_on - firsts.first_on) / 7 as bigint) as weeks_after,
    weeks.is_running,
    uses.unit_id is not null as is_active,
from firsts
inner join core.weeks as first_weeks on firsts.first_on = first_weeks.week_on
inner join core.weeks as weeks
    on
        firsts.first_on <= weeks.week_on
        and firsts.first_on + interval 182 day >= weeks.week_on
left join core.capability_weeks as uses
    on
        firsts.capability = uses.capability
        and uses.unit_kind = 'person'
        and firsts.unit_id = uses.unit_id
        and weeks.week_on = uses.week_on
