/*---
materialize = "view"
grain       = "one row per id a record may use for a deployment, in its source or ('*'), where it is unique, in any"
description = "An id of an attempt leads to the deployment it is a part of."
---*/
with named as (
    select
        attempts.source,
        attempts.ext_id as key,
        coalesce(rollouts.deployment_id, attempts.attempt_id) as deployment_id,
    from core.deployment_attempts as attempts
    left join core.rollouts as rollouts on attempts.attempt_id = rollouts.attempt_id
)

select distinct
    named.source,
    named.key,
    named.deployment_id,
from named
union all
select
    '*' as source,
    named.key,
    min(named.deployment_id) as deployment_id,
from named
group by named.key
having count(distinct named.source) = 1 and count(distinct named.deployment_id) = 1
