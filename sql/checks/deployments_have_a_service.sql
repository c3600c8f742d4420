/*---
title    = "Production deployments belong to a service"
severity = "warning"
remedy   = "Name the service in the deployment, or the repository in [[services]]."
---*/
select
    deployments.source,
    deployments.repository,
    count(*) as deployments,
from core.deployments as deployments
where deployments.is_production and deployments.service_id is null
group by deployments.source, deployments.repository
