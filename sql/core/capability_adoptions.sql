/*---
grain       = "one row per declared capability, and service or team that ever used it"
key         = ["capability", "unit_kind", "unit_id"]
description = """
Begins of weeks: of its first use, of the first one in which it had adopted the capability (null: never), of its last
use."""
---*/
select
    states.capability,
    states.unit_kind,
    states.unit_id,
    states.service,
    states.team,
    states.ineligible_because,
    min(states.week_on) filter (where states.state <> 'none') as first_used_on,
    min(states.week_on) filter (where states.state = 'adopted') as adopted_on,
    max(states.week_on) filter (where states.is_using) as last_used_on,
    arg_max(states.state, states.week_on) as state,
from core.capability_states as states
where states.unit_kind <> 'person'
group by all
having bool_or(states.state <> 'none')
