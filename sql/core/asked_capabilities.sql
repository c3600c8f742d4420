/*---
grain       = "one row per declared capability that tickets ask for, or could"
description = "Of the others it is not known what was asked for."
---*/
select capabilities.capability,
from core.capabilities as capabilities
where capabilities.ticket_pattern is not null
union
select tickets.capability,
from core.capability_tickets as tickets
