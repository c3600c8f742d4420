/*---
title     = "Active users"
question  = "How many people get something done with a capability in a week?"
unit      = "people"
better    = "none"
aggregate = "count"
entity    = "person_week"
source    = "HEART (Google), engagement: weekly active users, by value actions"
caveat    = """
A person counts once a week and capability, so cut or filter by `capability`: whoever uses two counts
twice in the sum. A login or a page view is no use, machines are none of them, and somebody nobody knows
here counts in no team. Of fewer than five people there is no number, and no team of so few."""
decision  = "Falling while the share of services stays: the work has moved to few people."
---*/
select
    weeks.starts_at as occurred_at,
    uses.capability,
    capabilities.capability_title,
    case when hidden.kind is null then uses.team end as team,
    uses.is_known,
    uses.capability || '/' || strftime(uses.week_on, '%G-W%V') as entity_id,
    coalesce(hidden.is_few, false) as is_few,
from core.capability_weeks as uses
inner join core.capabilities as capabilities on uses.capability = capabilities.capability
inner join core.weeks as weeks on uses.week_on = weeks.week_on
left join core.hidden_teams as hidden
    on
        hidden.kind = 'user'
        and uses.capability = hidden.capability
        and uses.week_on = hidden.week_on
        and uses.team is not distinct from hidden.team
where uses.unit_kind = 'person'
