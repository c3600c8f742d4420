/*---
grain       = "one row per change and service that deployed the head of the change's branch, or something after it"
key         = ["change_id"]
description = "What was deployed from its branch: before the merge, or when the merge commit is not in the history."

[affects]
"core.deployments" = """
select changes.change_id
from (
    select moved.deployment_id
    from delta.changed as moved
    group by moved.deployment_id
    having count(distinct moved.finished_at) > 1
) as changed
inner join core.first_deployments as claims on changed.deployment_id = claims.deployment_id
inner join core.changes as changes
    on claims.repository_id = changes.repository_id and claims.sha = changes.head_sha"""
"core.first_deployments" = """
select changes.change_id
from delta.changed as changed
inner join core.changes as changes
    on changed.repository_id = changes.repository_id and changed.sha = changes.head_sha"""
---*/
select
    changes.change_id,
    claims.service_id,
    claims.deployment_id,
    deployments.finished_at as deployed_at,
from core.changes as changes
inner join core.first_deployments as claims
    on
        changes.repository_id = claims.repository_id
        and changes.head_sha = claims.sha
inner join core.deployments as deployments on claims.deployment_id = deployments.deployment_id
where changes.state = 'merged'
