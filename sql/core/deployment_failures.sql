/*---
grain       = "one row per deployment that failed, whatever tells so"
description = """
The strongest evidence counts: an incident linked to the deployment, its rollback, a deployment that repairs it, a
failed rollout that reached users (all explicit); an incident on its service within `incident_window_hours` of it, the
latest deployment (inferred); a patch release or a revert of what it shipped (proxy). Proxies are used only for
services whose incidents are not observed. `recovered_at` is when the last of its incidents was resolved, without any
incident when the repair was deployed; null: not yet."""
---*/
with counted as (
    select
        deployments.deployment_id,
        deployments.place,
        deployments.finished_at,
    from core.deployments as deployments
    where deployments.is_counted
),

repairs as (
    select
        coalesce(own.deployment_id, other.deployment_id) as deployment_id,
        case when repair.kind = 'rollback' then 'rollback' else 'hotfix' end as evidence,
        'explicit' as confidence,
        case when repair.status = 'success' then repair.finished_at end as repaired_at,
    from core.deployments as repair
    left join core.deployment_keys as own
        on
            repair.source = own.source
            and repair.fixes_deployment = own.key
    left join core.deployment_keys as other
        on
            other.source = '*'
            and repair.fixes_deployment = other.key
    where repair.fixes_deployment is not null and repair.is_production
    union all
    select
        arg_max(counted.deployment_id, row(counted.finished_at, counted.deployment_id))
            as deployment_id,
        'rollback' as evidence,
        'explicit' as confidence,
        any_value(repair.finished_at) as repaired_at,
    from core.deployments as repair
    inner join counted
        on
            repair.place = counted.place
            and repair.finished_at > counted.finished_at
    where
        repair.kind = 'rollback'
        and repair.status = 'success'
        and repair.fixes_deployment is null
    group by repair.deployment_id
    union all
    select
        failed.deployment_id,
        case
            when starts_with(links.evidence, 'patch_release:') then 'patch_release' else 'hotfix'
        end as evidence,
        case when links.confidence < 1 then 'proxy' else 'explicit' end as confidence,
        case when repair.status = 'success' then repair.finished_at end as repaired_at,
    from landing.links as links
    inner join core.deployment_keys as failed
        on
            links.source = failed.source
            and links.from_id = failed.key
    inner join core.deployment_keys as repairing
        on
            links.source = repairing.source
            and links.to_id = repairing.key
    inner join core.deployments as repair on repairing.deployment_id = repair.deployment_id
    where
        links.deleted_at is null
        and links.from_kind = 'deployment'
        and links.relation = 'caused'
        and links.to_kind = 'deployment'
    union all
    select
        failed.deployment_id,
        'failed_rollout' as evidence,
        'explicit' as confidence,
        min(repair.finished_at) as repaired_at,
    from core.deployments as failed
    left join core.deployments as repair
        on
            failed.place = repair.place
            and repair.status = 'success'
            and failed.finished_at < repair.finished_at
    where failed.is_counted and failed.status = 'failure'
    group by failed.deployment_id
    union all
    select
        reverts.deployment_id,
        'revert' as evidence,
        'proxy' as confidence,
        reverts.repaired_at,
    from core.deployed_reverts as reverts
),

evidence as (
    select
        causes.deployment_id,
        causes.incident_id,
        'incident' as evidence,
        causes.confidence,
        null as repaired_at,
        case causes.confidence when 'explicit' then 1 else 5 end as rank,
    from core.incident_causes as causes
    union all
    select
        repairs.deployment_id,
        null as incident_id,
        repairs.evidence,
        repairs.confidence,
        repairs.repaired_at,
        case repairs.evidence
            when 'rollback' then 2
            when 'hotfix' then 3
            when 'failed_rollout' then 4
            when 'patch_release' then 6
            else 7
        end as rank,
    from repairs
    where repairs.deployment_id is not null
),

weighed as (
    select
        evidence.deployment_id,
        evidence.evidence,
        evidence.confidence,
        evidence.rank,
        evidence.repaired_at,
        incidents.incident_id,
        incidents.resolved_at,
        deployments.finished_at,
        greatest(deployments.finished_at, incidents.started_at) as failed_at,
        evidence.rank = min(case when incidents.incident_id is not null then evidence.rank end)
            over (partition by evidence.deployment_id) as is_decisive,
    from evidence
    inner join core.deployments as deployments
        on
            evidence.deployment_id = deployments.deployment_id
            and deployments.is_production
    left join core.incidents as incidents
        on
            evidence.incident_id = incidents.incident_id
            and incidents.is_counted
    where
        (evidence.incident_id is null or incidents.incident_id is not null)
        and (
            evidence.confidence <> 'proxy'
            or not exists (
                select 1 as found,
                from core.observations as observations
                where
                    observations.stream = 'incidents'
                    and observations.service_id = deployments.service_id
            )
        )
)

select
    weighed.deployment_id,
    arg_min(weighed.evidence, weighed.rank) as evidence,
    arg_min(weighed.confidence, weighed.rank) as confidence,
    min(weighed.incident_id) filter (where weighed.is_decisive) as incident_id,
    count(distinct weighed.incident_id) as incidents,
    coalesce(
        min(weighed.failed_at) filter (where weighed.is_decisive), min(weighed.finished_at)
    ) as failed_at,
    case
        when not coalesce(bool_or(weighed.is_decisive), false) then min(weighed.repaired_at)
        when bool_and(weighed.resolved_at is not null) filter (where weighed.is_decisive)
            then max(weighed.resolved_at) filter (where weighed.is_decisive)
    end as recovered_at,
from weighed
group by weighed.deployment_id
