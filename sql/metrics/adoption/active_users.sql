/*---
title     = "Active users"
question  = "How many people get something done with a capability in a week?"
unit      = "people"
better    = "none"
aggregate = "count"
entity    = "person_week"
source    = "metrics.md D3: weekly active users, by value actions"
caveat    = """
A person counts once a week and capability, so cut or filter by `capability`: whoever uses two counts
twice in the sum. A login or a page view is no use, machines are none of them, and somebody nobody knows
here counts in no team. Fewer than five people are not to be shown."""
decision  = "Falling while the share of services stays: the work has moved to few people."
---*/
select
    weeks.starts_at as occurred_at,
    uses.capability,
    capabilities.capability_title,
    uses.team,
    uses.is_known,
    uses.capability || '/' || strftime(uses.week_on, '%G-W%V') as entity_id,
from core.capability_weeks as uses
inner join core.capabilities as capabilities on uses.capability = capabilities.capability
inner join core.weeks as weeks on uses.week_on = weeks.week_on
where uses.unit_kind = 'person'
