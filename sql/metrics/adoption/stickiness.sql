/*---
title     = "Stickiness"
question  = "Of the people who use a capability in four weeks, how many do so on a workday?"
unit      = "%"
better    = "none"
aggregate = "mean"
measure   = "percent_of_workdays"
entity    = "person_month"
source    = "HEART (Google), engagement: mean daily users on workdays by monthly (28 days) users"
caveat    = """
One row per person and week, on what share of the workdays of the 28 days that end with it they used it:
its mean is mean daily by monthly users. Workdays are Monday to Friday, holidays among them. What one
needs twice a year is not sticky, and need not be: look at self-service there."""
decision  = "Low for what is meant for daily work: find what sends people elsewhere."
---*/
select
    months.starts_at as occurred_at,
    months.capability,
    capabilities.capability_title,
    case when hidden.kind is null then months.team end as team,
    months.capability || '/' || strftime(months.week_on, '%G-W%V') as entity_id,
    100.0 * months.workdays / 20 as percent_of_workdays,
    coalesce(hidden.is_few, false) as is_few,
from core.capability_months as months
inner join core.capabilities as capabilities on months.capability = capabilities.capability
left join core.hidden_teams as hidden
    on
        hidden.kind = 'month_user'
        and months.capability = hidden.capability
        and months.week_on = hidden.week_on
        and months.team is not distinct from hidden.team
