/*---
grain       = "one row per deployment of a service: a rollout to many regions is one"
key         = ["deployment_id"]
description = """
What was deployed and why. `kind`, first rule that applies: what the source states; a revision that succeeded here
before and is older than the current one: rollback, that is the current one: redeploy; a repair of an incident or of a
failed deployment, a patch release linked to what it patches, or a deployed change whose branch, label or title says
hotfix: hotfix; else change. `kind_evidence` is explicit, inferred (from revisions and names) or proxy. `is_counted`
marks what change fail rate counts: production changes, hotfixes and configuration that reached users."""

[keys]
"core.deployment_attempts" = "attempt_id"

[affects]
"core.changes" = """
select attempts.attempt_id
from delta.changed as changed
inner join core.deployment_attempts as attempts
    on changed.is_hotfix and changed.merge_sha = attempts.sha
union all
select attempts.attempt_id
from delta.changed as changed
inner join core.deployment_attempts as attempts
    on changed.is_hotfix and changed.head_sha = attempts.sha"""
"landing.links" = """
select attempts.attempt_id
from delta.changed as changed
inner join core.deployment_attempts as attempts
    on changed.source = attempts.source and changed.to_id = attempts.ext_id"""
"core.incident_keys" = """
select history.deployment_id
from delta.changed as changed
inner join core.deployment_history as history
    on changed.key = history.caused_by_incident"""
---*/
with links as (
    select
        links.source,
        links.to_id as ext_id,
        bool_and(links.confidence < 1) as is_proxy,
    from landing.links as links
    where
        links.deleted_at is null
        and links.from_kind = 'deployment'
        and links.relation = 'caused'
        and links.to_kind = 'deployment'
    group by links.source, links.to_id
),

hotfixes as (
    select
        changes.repository_id,
        changes.merge_sha as sha,
    from core.changes as changes
    where changes.is_hotfix and changes.merge_sha is not null
    union
    select
        changes.repository_id,
        changes.head_sha as sha,
    from core.changes as changes
    where changes.is_hotfix and changes.head_sha is not null
),

compared as (
    select
        attempts.*,
        history.deployment_id,
        history.first_succeeded_at,
        history.current_revision,
        history.current_sha,
        history.current_since,
        history.attempts,
        history.is_of_repositories,
        history.reached_users as has_reached_users,
        history.started_at as began_at,
        history.caused_by_incident as repaired_incident,
        history.fixes_deployment as repaired_deployment,
        links.is_proxy as is_linked_by_proxy,
        hotfixes.sha is not null as is_hotfix,
    from core.deployment_history as history
    inner join core.deployment_attempts as attempts on history.deployment_id = attempts.attempt_id
    left join links
        on
            attempts.source = links.source
            and attempts.ext_id = links.ext_id
    left join hotfixes
        on
            attempts.repository_id = hotfixes.repository_id
            and attempts.sha = hotfixes.sha
),

explained as (
    select
        compared.*,
        case
            when compared.stated_kind is not null then 'stated'
            when
                compared.first_succeeded_at < compared.finished_at
                and compared.revision = compared.current_revision
                -- a region that fails while others succeed fails the rollout, not a redeployment
                and (
                    compared.status = 'success'
                    or date_diff('second', compared.first_succeeded_at, compared.finished_at)
                    > 60 * getvariable('fan_out_minutes')
                )
                then 'same revision'
            when
                compared.first_succeeded_at < compared.finished_at
                and compared.first_succeeded_at < compared.current_since
                then 'older revision'
            when
                compared.repaired_incident is not null
                or compared.repaired_deployment is not null
                or not compared.is_linked_by_proxy
                then 'repair'
            when compared.is_hotfix then 'name'
            when compared.is_linked_by_proxy then 'proxy'
            else 'default'
        end as kind_reason,
    from compared
),

classified as (
    select
        explained.*,
        case explained.kind_reason
            when 'stated' then explained.stated_kind
            when 'same revision' then 'redeploy'
            when 'older revision' then 'rollback'
            when 'default' then 'change'
            else 'hotfix'
        end as kind,
        case
            when explained.kind_reason in ('stated', 'repair') then 'explicit'
            when explained.kind_reason = 'proxy' then 'proxy'
            else 'inferred'
        end as kind_evidence,
    from explained
)

select
    classified.deployment_id,
    classified.source,
    classified.ext_id,
    classified.service_id,
    classified.service,
    classified.team,
    case when not classified.is_of_repositories then classified.repository_id end as repository_id,
    case when not classified.is_of_repositories then classified.repository end as repository,
    classified.environment,
    classified.is_production,
    classified.place,
    classified.status,
    classified.has_reached_users as reached_users,
    classified.kind,
    classified.kind_reason,
    classified.kind_evidence,
    classified.is_production
    and classified.has_reached_users
    and classified.kind in ('change', 'hotfix', 'config') as is_counted,
    classified.kind in ('hotfix', 'rollback') or classified.repaired_incident is not null
        as is_rework,
    coalesce(own.incident_id, other.incident_id) as caused_by_incident_id,
    classified.repaired_deployment as fixes_deployment,
    classified.rollout as rollout_id,
    classified.attempts,
    coalesce(
        classified.version, substr(classified.sha, 1, 10), classified.revision, classified.ext_id
    ) as title,
    classified.revision,
    classified.sha,
    coalesce(classified.previous_sha, classified.current_sha) as previous_sha,
    classified.version,
    classified.line,
    classified.url,
    classified.via,
    classified.actor_id,
    classified.began_at as started_at,
    classified.finished_at,
from classified
left join core.incident_keys as own
    on
        classified.source = own.source
        and classified.repaired_incident = own.key
left join core.incident_keys as other
    on
        other.source = '*'
        and classified.repaired_incident = other.key
