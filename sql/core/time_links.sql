/*---
grain       = "one row per change and service linked by time alone"
description = """
Only of repositories whose commits are not collected: the first successful production deployment after the merge, of a
service whose deployments were already observed when the change was merged."""
---*/
with successes as (
    select
        deployments.deployment_id,
        deployments.service_id,
        deployments.repository_id,
        deployments.finished_at,
    from core.deployments as deployments
    where
        deployments.is_production
        and deployments.status = 'success'
        and deployments.service_id is not null
),

deployers as (
    select
        successes.repository_id,
        list(distinct successes.service_id) as service_ids,
    from successes
    group by successes.repository_id
),

merged as (
    select
        changes.change_id,
        changes.merged_at,
        unnest(coalesce(changes.service_ids, deployers.service_ids)) as service_id,
    from core.changes as changes
    inner join core.repository_streams as streams
        on
            changes.repository_id = streams.repository_id
            and not streams.has_commits
    left join deployers on changes.repository_id = deployers.repository_id
    where changes.merged_at is not null
),

events as (
    select
        merged.service_id,
        merged.merged_at as happened_at,
        merged.change_id,
        null as deployment_id,
    from merged
    union all
    select
        successes.service_id,
        successes.finished_at as happened_at,
        null as change_id,
        successes.deployment_id,
    from successes
    where
        successes.service_id in (
            select merged.service_id,
            from merged
        )
),

followed as (
    select
        events.service_id,
        events.happened_at,
        events.change_id,
        last_value(events.deployment_id ignore nulls) over (
            partition by events.service_id
            order by events.happened_at desc, events.change_id asc nulls first
            rows between unbounded preceding and current row
        ) as deployment_id,
    from events
)

select
    followed.change_id,
    followed.service_id,
    followed.deployment_id,
    successes.finished_at as deployed_at,
from followed
inner join successes
    on
        followed.deployment_id = successes.deployment_id
        and followed.service_id = successes.service_id
inner join core.deployment_starts as starts
    on
        followed.service_id = starts.service_id
        and followed.happened_at >= starts.observed_from
where followed.change_id is not null
