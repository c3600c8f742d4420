/*---
title    = "A incident is in core.incidents once"
severity = "error"
remedy   = "Two rows of one source have the same id: report it, and look at the names that resolve to two things."
---*/
select
    incidents.incident_id,
    count(*) as copies,
from core.incidents as incidents
group by incidents.incident_id
having count(*) > 1
