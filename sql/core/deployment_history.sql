/*---
grain       = "one row per deployment: what its attempts say together, and what ran in its place before"
description = """
`first_succeeded_at` is when its revision first succeeded in its place. `current_revision`, `current_sha` and
`current_since` are of the last success before it there, the last being when that revision first succeeded. Deployments
of a place depend on each other: they do so here, in few columns, and core.deployments is a look-up by deployment."""
---*/
with first_attempts as (
    select
        attempts.attempt_id,
        attempts.place,
        attempts.revision,
        attempts.sha,
        attempts.finished_at,
        attempts.reached_users,
        attempts.started_at,
        attempts.caused_by_incident,
        attempts.fixes_deployment,
        attempts.status = 'success' as is_success,
    from core.deployment_attempts as attempts
    anti join core.rollouts as rollouts
        on
            attempts.attempt_id = rollouts.attempt_id
            and attempts.attempt_id <> rollouts.deployment_id
),

combined as (
    select
        rollouts.deployment_id,
        count(*) as attempts,
        bool_or(attempts.reached_users) as reached_users,
        min(attempts.started_at) as started_at,
        count(distinct attempts.repository_id) as repositories,
        max(attempts.caused_by_incident) as caused_by_incident,
        max(attempts.fixes_deployment) as fixes_deployment,
    from core.rollouts as rollouts
    inner join core.deployment_attempts as attempts on rollouts.attempt_id = attempts.attempt_id
    group by rollouts.deployment_id
    having count(*) > 1
),

successes as (
    select
        first_attempts.place,
        first_attempts.revision,
        min(first_attempts.finished_at) as first_succeeded_at,
    from first_attempts
    where first_attempts.is_success and first_attempts.revision is not null
    group by first_attempts.place, first_attempts.revision
),

dated as (
    select
        first_attempts.*,
        successes.first_succeeded_at,
    from first_attempts
    left join successes
        on
            first_attempts.place = successes.place
            and first_attempts.revision = successes.revision
),

followed as (
    select
        dated.*,
        last_value(case when dated.is_success then dated.revision end ignore nulls)
            over earlier as current_revision,
        last_value(case when dated.is_success then dated.sha end ignore nulls)
            over earlier as current_sha,
        last_value(case when dated.is_success then dated.first_succeeded_at end ignore nulls)
            over earlier as current_since,
    from dated
    window
        earlier as (
            partition by dated.place
            order by dated.finished_at, dated.attempt_id
            rows between unbounded preceding and 1 preceding
        )
)

select
    followed.attempt_id as deployment_id,
    followed.first_succeeded_at,
    followed.current_revision,
    followed.current_sha,
    followed.current_since,
    coalesce(combined.attempts, 1) as attempts,
    coalesce(combined.repositories, 1) > 1 as is_of_repositories,
    coalesce(combined.reached_users, followed.reached_users) as reached_users,
    coalesce(combined.started_at, followed.started_at) as started_at,
    coalesce(combined.caused_by_incident, followed.caused_by_incident) as caused_by_incident,
    coalesce(combined.fixes_deployment, followed.fixes_deployment) as fixes_deployment,
from followed
left join combined on followed.attempt_id = combined.deployment_id
