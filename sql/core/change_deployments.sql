/*---
grain       = "one row per change and service: its first successful production deployment, or none yet"
key         = ["change_id"]
description = """
`link`: native, where the source lists what a deployment ships; else ancestry, by the merge commit or, deployed from
its branch, the head commit; else, where a repository's commits are not collected, time. Null: merged into
the default branch since the service's deployments are known, and not deployed yet. The change's own times come along,
so that lead time and its stages are differences of columns."""

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
    on claims.repository_id = changes.repository_id and claims.sha = changes.merge_sha"""
"core.first_deployments" = """
select changes.change_id
from delta.changed as changed
inner join core.changes as changes
    on changed.repository_id = changes.repository_id and changed.sha = changes.merge_sha"""
---*/
with links as (
    select
        native.change_id,
        native.service_id,
        native.deployment_id,
        native.deployed_at,
        'native' as link,
    from core.native_links as native
    union all
    select
        followed.change_id,
        followed.service_id,
        followed.deployment_id,
        followed.deployed_at,
        'time' as link,
    from core.time_links as followed
    anti join core.native_links as native
        on
            followed.change_id = native.change_id
            and followed.service_id = native.service_id
),

claims as (
    select
        first_deployments.repository_id,
        first_deployments.sha,
        first_deployments.service_id,
        first_deployments.deployment_id,
        deployments.finished_at as deployed_at,
    from core.first_deployments as first_deployments
    inner join core.deployments as deployments
        on first_deployments.deployment_id = deployments.deployment_id
),

placed as (
    select
        changes.change_id,
        changes.repository_id,
        changes.merge_sha,
        changes.merged_at,
        changes.state = 'merged'
        and changes.is_on_default_branch
        and (changes.merge_sha is not null or not streams.has_commits) as is_traceable,
        unnest(coalesce(changes.service_ids, [null])) as own_service_id,
    from core.changes as changes
    left join core.repository_streams as streams
        on changes.repository_id = streams.repository_id
    where changes.merged_at is not null or changes.merge_sha is not null
),

-- keys alone: what a change says of itself is joined once, to what is left
followed_up as (
    select
        placed.change_id,
        coalesce(placed.own_service_id, claims.service_id, heads.service_id) as service_id,
        case
            when claims.deployed_at <= heads.deployed_at then claims.deployment_id
            else coalesce(heads.deployment_id, claims.deployment_id)
        end as deployment_id,
        least(claims.deployed_at, heads.deployed_at) as deployed_at,
        case
            when coalesce(claims.deployment_id, heads.deployment_id) is not null then 'ancestry'
        end as link,
    from placed
    left join core.deployment_starts as starts on placed.own_service_id = starts.service_id
    left join claims
        on
            placed.repository_id = claims.repository_id
            and placed.merge_sha = claims.sha
            and coalesce(placed.own_service_id = claims.service_id, true)
    left join core.head_links as heads
        on
            placed.change_id = heads.change_id
            and coalesce(
                coalesce(placed.own_service_id, claims.service_id) = heads.service_id, true
            )
    where
        claims.deployment_id is not null
        or heads.deployment_id is not null
        or (placed.is_traceable and placed.merged_at >= starts.observed_from)
),

followed as (
    select followed_up.*,
    from followed_up
    anti join links
        on
            followed_up.change_id = links.change_id
            and followed_up.service_id = links.service_id
    union all
    select links.*,
    from links
)

select
    followed.change_id,
    followed.service_id,
    coalesce(services.service, followed.service_id) as service,
    coalesce(changes.team, services.team) as team,
    changes.repository_id,
    changes.repository,
    followed.deployment_id,
    followed.deployed_at,
    followed.link,
    changes.title,
    changes.url,
    changes.kind,
    changes.is_bot,
    changes.first_commit_at,
    changes.ready_at,
    changes.first_review_at,
    changes.approved_at,
    changes.merged_at,
from followed
inner join core.changes as changes on followed.change_id = changes.change_id
left join core.services as services on followed.service_id = services.service_id
