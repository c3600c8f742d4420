/*---
title    = "Deployments say when they were"
severity = "warning"
remedy   = "Without a time a deployment is in no number: have the source report when it finished."
---*/
select
    deployments.source,
    deployments.repository,
    count(*) as deployments,
from core.deployments as deployments
where deployments.finished_at is null and deployments.status <> 'running'
group by deployments.source, deployments.repository
