/*---
grain       = "one row per id a record may use for an incident, in its source or ('*'), where it is unique, in any"
description = "Records of one source may refer to incidents of another."
---*/
select
    incidents.source,
    incidents.ext_id as key,
    incidents.incident_id,
from core.incidents as incidents
union all
select
    '*' as source,
    incidents.ext_id as key,
    min(incidents.incident_id) as incident_id,
from core.incidents as incidents
group by incidents.ext_id
having count(*) = 1
