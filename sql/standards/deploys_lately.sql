/*---
title       = "Was deployed in the last 90 days"
tier        = "silver"
remedy      = "Deploy it, if only to know that it can be: dependencies and credentials expire."
grace_days  = 30
description = "Applies where deployments of the service are known at all."
---*/
with deployed as (
    select
        deployments.service_id,
        max(deployments.finished_at) as last_deployed_at,
    from core.deployments as deployments
    where
        deployments.is_production
        and deployments.status = 'success'
    group by deployments.service_id
)

select
    services.service_id,
    case
        when deployed.last_deployed_at is null then 'not_applicable'
        when deployed.last_deployed_at >= today.starts_at - interval 90 day then 'pass'
        else 'fail'
    end as status,
    case
        when deployed.last_deployed_at < today.starts_at - interval 90 day
            then deployed.last_deployed_at + interval 90 day
    end as failing_since,
    null as detail,
from core.services as services
cross join core.today as today
left join deployed on services.service_id = deployed.service_id
