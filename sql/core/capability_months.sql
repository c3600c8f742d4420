/*---
grain       = "one row per declared capability, complete ISO week, and person who used it in the 28 days that end with it"
key         = ["week_on"]
description = "On how many of the 20 days from Monday to Friday. The team is the one of the last use."

[affects]
"core.capability_weeks" = """
select cast(changed.week_on + to_days(7 * later.weeks) as date)
from delta.changed as changed
cross join (values (0), (1), (2), (3)) as later (weeks)"""
---*/
select
    uses.capability,
    weeks.week_on,
    weeks.starts_at,
    uses.unit_id as person_id,
    arg_max(uses.team, uses.week_on) as team,
    sum(uses.workdays) as workdays,
from core.capability_weeks as uses
inner join core.weeks as weeks
    on
        uses.week_on <= weeks.week_on
        and weeks.week_on - interval 21 day <= uses.week_on
where
    uses.unit_kind = 'person'
    and not weeks.is_running
group by uses.capability, weeks.week_on, weeks.starts_at, uses.unit_id
