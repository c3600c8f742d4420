/*---
title     = "Market share"
question  = "What share of those a capability could serve uses it?"
unit      = "%"
better    = "none"
aggregate = "proportion"
measure   = "is_using"
entity    = "user_week"
source    = "MONK (Octopus Deploy), market share: of those eligible"
caveat    = """
Of services, or of people where the capability is for them, that are eligible as dx.toml says. Uses it:
a value action in the last four weeks, or one that lasts. Of several weeks it is their mean. Where use
is mandated the share says nothing of merit. Of fewer than five people there is none."""
decision  = "Low where it is voluntary: ask those who tried it and left, before building more."
---*/
select
    weeks.starts_at as occurred_at,
    states.capability,
    capabilities.capability_title,
    capabilities.unit,
    case when capabilities.is_mandated then 'mandated' else 'voluntary' end as mandate,
    case when hidden.kind is null then states.team end as team,
    states.service,
    states.state,
    states.capability || '/' || strftime(states.week_on, '%G-W%V')
    || case when states.unit_kind = 'service' then '/' || states.unit_id else '' end as entity_id,
    states.service as title,
    states.is_using,
    case when states.unit_kind = 'person' then coalesce(hidden.is_few, false) end as is_few,
    states.ineligible_because as excluded_because,
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
