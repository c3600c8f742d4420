/*---
grain       = "one row per repository with successful production deployments of known commits"
description = """
A digest of all that decides which of them shipped a commit first: their order, what each deployed and replaced, and
since when they are known. Times that leave the order as it is decide nothing: core.first_deployments, which walks the
history of a repository, is made anew only where this differs."""
---*/
with releases as (
    select
        attempts.repository_id,
        attempts.service_id,
        coalesce(rollouts.deployment_id, attempts.attempt_id) as deployment_id,
        coalesce(rollouts.finished_at, attempts.finished_at) as deployed_at,
        attempts.sha,
        attempts.previous_sha,
    from core.deployment_attempts as attempts
    left join core.rollouts as rollouts on attempts.attempt_id = rollouts.attempt_id
    where
        attempts.is_production
        and attempts.status = 'success'
        and attempts.sha is not null
        and attempts.repository_id is not null
        and attempts.finished_at is not null
),

orders as (
    select
        releases.repository_id,
        releases.service_id,
        md5(string_agg(
            releases.deployment_id
            || chr(31) || releases.sha
            || chr(31) || coalesce(releases.previous_sha, ''),
            chr(30)
            order by releases.deployed_at, releases.deployment_id, releases.sha
        )) as digest,
    from releases
    group by releases.repository_id, releases.service_id
)

select
    orders.repository_id,
    md5(string_agg(
        coalesce(orders.service_id, '')
        || chr(31) || coalesce(cast(coverage.covered_from as varchar), '')
        || chr(31) || orders.digest,
        chr(30)
        order by orders.service_id nulls first
    )) as digest,
from orders
left join core.deployment_coverage as coverage on orders.service_id = coverage.service_id
group by orders.repository_id
