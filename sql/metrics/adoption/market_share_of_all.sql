/*---
title     = "Market share of all"
question  = "What share of all services or people uses a capability, whether it could serve them or not?"
unit      = "%"
better    = "none"
aggregate = "proportion"
measure   = "is_using"
entity    = "user_week"
source    = "MONK (Octopus Deploy), market share: of all, eligible or not"
caveat    = """
The second denominator of the market share: those who are not eligible count too. Of several weeks it
is their mean."""
decision  = "Far below the share of eligible ones: look at who is excluded, and why."
---*/
select
    weeks.starts_at as occurred_at,
    states.capability,
    capabilities.capability_title,
    capabilities.unit,
    case when capabilities.is_mandated then 'mandated' else 'voluntary' end as mandate,
    case when hidden.kind is null then states.team end as team,
    states.service,
    states.ineligible_because,
    states.capability || '/' || strftime(states.week_on, '%G-W%V')
    || case when states.unit_kind = 'service' then '/' || states.unit_id else '' end as entity_id,
    states.service as title,
    states.is_using,
    case when states.unit_kind = 'person' then coalesce(hidden.is_few, false) end as is_few,
from core.capability_states as states
inner join core.capabilities as capabilities
    on
        states.capability = capabilities.capability
        and states.unit_kind = capabilities.unit
inner join core.weeks as weeks on states.week_on = weeks.week_on
left join core.hidden_teams as hidden
    on
        states.unit_kind = 'person'
        and hidden.kind
        = case when states.ineligible_because is null then 'eligible' else 'ineligible' end
        and states.capability = hidden.capability
        and states.week_on = hidden.week_on
        and states.team is not distinct from hidden.team
