/*---
title     = "Platform reliability"
question  = "How often does the platform do what it is asked to?"
unit      = "%"
better    = "higher"
aggregate = "proportion"
measure   = "is_success"
entity    = "attempt"
source    = "HEART (Google), task success: what was begun and succeeded"
caveat    = """
Value actions that succeeded or failed, as portals, CLIs and pipelines tell of them; what waits, or ended
in a way nobody told, is left out. A failure that was the user's own, such as a name that was taken, counts
where whoever tells of it does not tell it apart."""
decision  = "Mend the capability that fails most often before adding another."
---*/
select
    attempts.occurred_at,
    attempts.capability,
    capabilities.capability_title,
    attempts.team,
    attempts.service,
    attempts.attempt_id as entity_id,
    attempts.action as title,
    attempts.url,
    attempts.is_success,
from core.capability_attempts as attempts
inner join core.capabilities as capabilities on attempts.capability = capabilities.capability
