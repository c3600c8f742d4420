/*---
title     = "Services that adopt"
question  = "How many services adopt a capability, and when?"
unit      = "services"
better    = "none"
aggregate = "count"
entity    = "service"
source    = "HEART (Google), adoption: the second of four weeks with a value action"
caveat    = """
In the first week that is the second of four with a value action; a service counts once per capability,
also if it leaves it later."""
decision  = "Where adopting has stalled, look at what the last ones to come needed help with."
---*/
select
    weeks.starts_at as occurred_at,
    adoptions.capability,
    capabilities.capability_title,
    adoptions.team,
    adoptions.service,
    adoptions.state,
    adoptions.capability || '/' || adoptions.unit_id as entity_id,
    adoptions.service as title,
    adoptions.ineligible_because as excluded_because,
from core.capability_adoptions as adoptions
inner join core.capabilities as capabilities on adoptions.capability = capabilities.capability
inner join core.weeks as weeks on adoptions.adopted_on = weeks.week_on
where adoptions.unit_kind = 'service'
