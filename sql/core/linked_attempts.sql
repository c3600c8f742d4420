/*---
grain       = "one row per attempt of which it is known what it shipped"
key         = ["attempt_id"]
description = "The deployed commit is in some collected history, or the source lists the changes."

[affects]
"landing.commits" = """
select attempts.attempt_id
from delta.changed as changed
inner join core.deployment_attempts as attempts on changed.sha = attempts.sha"""
---*/
with collected as (
    select commits.sha,
    from landing.commits as commits
    semi join core.deployment_attempts as attempts on commits.sha = attempts.sha
    where commits.deleted_at is null
)

select
    attempts.attempt_id,
    coalesce(rollouts.deployment_id, attempts.attempt_id) as deployment_id,
from core.deployment_attempts as attempts
left join core.rollouts as rollouts on attempts.attempt_id = rollouts.attempt_id
where
    len(attempts.changes) > 0
    or attempts.sha in (
        select collected.sha,
        from collected
    )
