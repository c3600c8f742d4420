/*---
grain       = "one row per service whose making is known and lies within what is observed"
description = """
Its way from being made to production: first successful build, first deployment to anywhere else, first to production.
`built_at`, `tried_at` and `live_at` are in strict order: null where a step was not taken, or not after the one before.
Where nobody is seen to build, or to deploy to anywhere but production, that step is left out for everybody
(`has_builds`, `has_trials`). `first_live_at` is of the first production deployment in whatever order; `is_skipping` is
true where it came without a step before it."""
---*/
with observed as (
    select
        min(observations.observed_from) filter (where observations.stream = 'deployments')
            as deployments_from,
        min(observations.observed_from) filter (where observations.stream = 'pipeline_runs')
            as runs_from,
    from core.observations as observations
),

builds as (
    select
        runs.service_id,
        min(coalesce(runs.started_at, runs.finished_at)) as built_at,
    from core.pipeline_runs as runs
    where
        runs.result = 'success'
        and runs.service_id is not null
    group by runs.service_id
),

deployments as (
    select
        attempts.service_id,
        min(attempts.finished_at) filter (where not attempts.is_production) as tried_at,
        min(attempts.finished_at) filter (where attempts.is_production) as live_at,
    from core.deployment_attempts as attempts
    where
        attempts.status = 'success'
        and attempts.service_id is not null
    group by attempts.service_id
),

seen as (
    select
        count(builds.service_id) > 0 as has_builds,
        count(deployments.tried_at) > 0 as has_trials,
    from builds
    full join deployments on builds.service_id = deployments.service_id
),

made as (
    select
        services.service_id,
        services.service,
        services.team,
        services.repository,
        services.template,
        coalesce(services.created_at, repositories.created_at) as made_at,
        seen.has_builds,
        seen.has_trials,
        builds.built_at,
        deployments.tried_at,
        deployments.live_at,
    from core.services as services
    cross join observed
    cross join seen
    left join core.repositories as repositories
        on services.repository_id = repositories.repository_id
    left join builds on services.service_id = builds.service_id
    left join deployments on services.service_id = deployments.service_id
    where
        not coalesce(repositories.is_archived, false)
        and coalesce(services.created_at, repositories.created_at) >= observed.deployments_from
        and coalesce(
            coalesce(services.created_at, repositories.created_at) >= observed.runs_from, true
        )
),

built as (
    select
        made.*,
        case
            when not made.has_builds then made.made_at
            when made.built_at >= made.made_at then made.built_at
        end as after_build_at,
    from made
),

tried as (
    select
        built.*,
        case
            when not built.has_trials then built.after_build_at
            when built.tried_at >= built.after_build_at then built.tried_at
        end as after_trial_at,
    from built
)

select
    tried.service_id,
    tried.service,
    tried.team,
    tried.repository,
    tried.template,
    tried.has_builds,
    tried.has_trials,
    tried.made_at,
    case when tried.has_builds then tried.after_build_at end as built_at,
    case when tried.has_trials then tried.after_trial_at end as tried_at,
    case when tried.live_at >= tried.after_trial_at then tried.live_at end as live_at,
    tried.live_at as first_live_at,
    tried.live_at is not null
    and coalesce(tried.live_at < tried.after_trial_at, true) as is_skipping,
from tried
