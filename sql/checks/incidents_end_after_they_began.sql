/*---
title    = "Incidents are resolved after they were detected"
severity = "warning"
remedy   = "Correct the times in the incident tool; until then these incidents are in no duration."
---*/
select
    incidents.incident_id,
    incidents.detected_at,
    incidents.resolved_at,
from core.incidents as incidents
where incidents.resolved_at < incidents.detected_at
