/*---
grain       = "one row per service with a successful production deployment"
description = "Since when its deployments are known: as sources state it, else from the first one on."
---*/
select
    deployments.service_id,
    least(min(deployments.finished_at), min(coverage.covered_from)) as observed_from,
from core.deployments as deployments
left join core.deployment_coverage as coverage on deployments.service_id = coverage.service_id
where
    deployments.is_production
    and deployments.status = 'success'
    and deployments.service_id is not null
group by deployments.service_id
