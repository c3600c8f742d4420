/*---
grain       = "one row per change and service: its first successful production deployment, or none yet"
key         = ["change_id"]
description = """
`link`: native, where the source lists what a deployment ships; else ancestry, by the merge commit or, deployed from
its branch, the head commit; else, where a repository's commits are not collected, time. Null: merged into
the default branch since the service's deployments are known, and not deployed yet. The change's own times come along,
so that lead time and its stages are differences of columns."""

[affects]
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

placed as (
    select
        changes.*,
        unnest(coalesce(changes.service_ids, [null])) as own_service_id,
    from core.changes as changes
    where changes.merged_at is not null or changes.merge_sha is not null
),

followed_up as (
    select
        placed.*,
        coalesce(placed.own_service_id, claims.service_id, heads.service_id) as found_service_id,
        case
            when claims.deployed_at <= heads.deployed_at then claims.deployment_id
            else coalesce(heads.deployment_id, claims.deployment_id)
        end as deployment_id,
        least(claims.deployed_at, heads.deployed_at) as deployed_at,
        case
            when coalesce(claims.deployment_id, heads.deployment_id) is not null then 'ancestry'
        end as link,
    from placed
    left join core.first_deployments as claims
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
)

select
    followed_up.change_id,
    followed_up.found_service_id as service_id,
    coalesce(services.service, followed_up.found_service_id) as service,
    coalesce(followed_up.team, services.team) as team,
    followed_up.repository_id,
    followed_up.repository,
    followed_up.deployment_id,
    followed_up.deployed_at,
    followed_up.link,
    followed_up.title,
    followed_up.url,
    followed_up.kind,
    followed_up.is_bot,
    followed_up.first_commit_at,
    followed_up.ready_at,
    followed_up.first_review_at,
    followed_up.approved_at,
    followed_up.merged_at,
from followed_up
anti join links
    on
        followed_up.change_id = links.change_id
        and followed_up.found_service_id = links.service_id
left join core.services as services on followed_up.found_service_id = services.service_id
left join core.repository_streams as streams on followed_up.repository_id = streams.repository_id
left join core.deployment_starts as starts on followed_up.found_service_id = starts.service_id
where
    followed_up.deployed_at is not null
    or (
        followed_up.state = 'merged'
        and followed_up.is_on_default_branch
        and followed_up.merged_at >= starts.observed_from
        and (followed_up.merge_sha is not null or not streams.has_commits)
    )
union all
select
    links.change_id,
    links.service_id,
    coalesce(services.service, links.service_id) as service,
    coalesce(changes.team, services.team) as team,
    changes.repository_id,
    changes.repository,
    links.deployment_id,
    links.deployed_at,
    links.link,
    changes.title,
    changes.url,
    changes.kind,
    changes.is_bot,
    changes.first_commit_at,
    changes.ready_at,
    changes.first_review_at,
    changes.approved_at,
    changes.merged_at,
from links
inner join core.changes as changes on links.change_id = changes.change_id
left join core.services as services on links.service_id = services.service_id
