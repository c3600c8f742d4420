/*---
title     = "Retention"
question  = "Do people who begin to use a capability come back?"
unit      = "%"
better    = "higher"
aggregate = "proportion"
measure   = "is_active"
entity    = "person_week"
source    = "HEART (Google), retention: by month of the first value action"
caveat    = """
Cut by `cohort` (month of the first value action) and `weeks_after` (weeks since the one of the first;
at most 26); the window selects who began in it. `is_running` is of the week that is not over. The youngest
members of a cohort have fewer weeks behind them, so its n falls. A cohort of fewer than five people is
absent."""
decision  = "A fall after the first weeks: sit beside those who begin, before winning more of them."
---*/
select
    cohorts.first_at as occurred_at,
    cohorts.capability,
    capabilities.capability_title,
    case when hidden.cohort is null then cohorts.team end as team,
    cohorts.cohort,
    cohorts.weeks_after,
    cohorts.is_running,
    cohorts.capability || '/' || cohorts.cohort || '/' || cohorts.weeks_after as entity_id,
    cohorts.is_active,
    coalesce(hidden.is_few, false) as is_few,
from core.capability_cohorts as cohorts
inner join core.capabilities as capabilities on cohorts.capability = capabilities.capability
left join core.hidden_cohort_teams as hidden
    on
        cohorts.capability = hidden.capability
        and cohorts.cohort = hidden.cohort
        and cohorts.team is not distinct from hidden.team
where not coalesce(hidden.is_few, false)
