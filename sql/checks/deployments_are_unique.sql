/*---
title    = "A deployment is in core.deployments once"
severity = "error"
remedy   = "Two rows of one source have the same id: report it, and look at the names that resolve to two things."
---*/
select
    deployments.deployment_id,
    count(*) as copies,
from core.deployments as deployments
group by deployments.deployment_id
having count(*) > 1
