/*---
title    = "Incidents name services that are known"
severity = "warning"
remedy   = "Name the service alike in both tools, or declare it under [[services]]."
---*/
select
    hurt.service_id,
    count(*) as incidents,
from core.incident_services as hurt
anti join core.services as services on hurt.service_id = services.service_id
group by hurt.service_id
