/*---
grain       = "one row per change and service of which a source says which deployment shipped it first"
description = "From the changes a deployment lists, and from `ships` links."
---*/
with listed as (
    select
        attempts.attempt_id,
        attempts.source || ':' || unnest(attempts.changes) as change_id,
    from core.deployment_attempts as attempts
    where len(attempts.changes) > 0
    union
    select
        attempts.attempt_id,
        links.source || ':' || links.to_id as change_id,
    from landing.links as links
    inner join core.deployment_attempts as attempts
        on
            links.source = attempts.source
            and links.from_id = attempts.ext_id
    where
        links.deleted_at is null
        and links.from_kind = 'deployment'
        and links.relation = 'ships'
        and links.to_kind = 'change'
)

select
    changes.change_id,
    deployments.service_id,
    arg_min(
        deployments.deployment_id, row(deployments.finished_at, deployments.deployment_id)
    ) as deployment_id,
    min(deployments.finished_at) as deployed_at,
from listed
inner join core.changes as changes on listed.change_id = changes.change_id
left join core.rollouts as rollouts on listed.attempt_id = rollouts.attempt_id
inner join core.deployments as deployments
    on
        deployments.deployment_id = coalesce(rollouts.deployment_id, listed.attempt_id)
        and deployments.is_production
        and deployments.status = 'success'
group by changes.change_id, deployments.service_id
