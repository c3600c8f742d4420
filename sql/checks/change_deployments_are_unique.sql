/*---
title    = "A change is deployed to a service first once"
severity = "error"
remedy   = "A link is counted twice: report it with the change it names."
---*/
select
    shipped.change_id,
    shipped.service_id,
    count(*) as copies,
from core.change_deployments as shipped
group by shipped.change_id, shipped.service_id
having count(*) > 1
