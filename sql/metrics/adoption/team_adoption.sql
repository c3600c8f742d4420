/*---
title     = "Adoption by team"
question  = "Which teams never used a capability, try it, have adopted it, or have left it again?"
unit      = "%"
better    = "none"
aggregate = "proportion"
measure   = "is_adopted"
entity    = "team_week"
source    = "HEART (Google), adoption and retention: by team, states over eight weeks"
caveat    = """
The share of teams it could serve that have adopted it; of several weeks it is their mean, so cut by
`state` in one week. adopted: value actions in two of the last four weeks; trial: used within eight
weeks; lapsed: before that; none: never."""
decision  = "Lapsed teams know best what is missing: talk to them first."
---*/
select
    weeks.starts_at as occurred_at,
    states.capability,
    capabilities.capability_title,
    states.team,
    states.state,
    states.capability || '/' || strftime(states.week_on, '%G-W%V') || '/' || states.unit_id
        as entity_id,
    states.team as title,
    states.state = 'adopted' as is_adopted,
    states.ineligible_because as excluded_because,
from core.capability_states as states
inner join core.capabilities as capabilities on states.capability = capabilities.capability
inner join core.weeks as weeks on states.week_on = weeks.week_on
where states.unit_kind = 'team'
