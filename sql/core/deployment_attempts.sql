/*---
grain       = "one row per reported deployment and service it deploys"
key         = ["source", "ext_id"]
description = """
A deployment that names no service is of every service of its repository. `revision` is what was deployed: the commit,
else the artifact, else the version. Environments that count as production are one tier. A `place` is where one
deployment replaces another: service, tier and release line. A `bundle` is what may be one rollout."""

[keys]
"core.reported_deployments" = ["source", "ext_id"]
---*/
with resolved as (
    select
        deployments.*,
        coalesce(own.repository_id, by_name.repository_id, lower(deployments.repository))
            as own_repository_id,
        coalesce(own_service.service_id, named_service.service_id, lower(deployments.service))
            as own_service_id,
    from core.reported_deployments as deployments
    left join core.repository_keys as own
        on
            deployments.source = own.source
            and deployments.repository = own.key
    left join core.repository_keys as by_name
        on
            by_name.source = '*'
            and lower(deployments.repository) = by_name.key
    left join core.service_keys as own_service
        on
            deployments.source = own_service.source
            and deployments.service = own_service.key
    left join core.service_keys as named_service
        on
            named_service.source = '*'
            and lower(deployments.service) = named_service.key
),

placed as (
    select
        resolved.*,
        unnest(case
            when resolved.own_service_id is not null then [resolved.own_service_id]
            when repository_services.services is null then [null]
            else list_transform(
                repository_services.services,
                lambda one: one['service_id'] -- noqa: RF02
            )
        end) as service_id,
        resolved.own_service_id is null and len(repository_services.services) > 1 as is_of_many,
        regexp_matches(resolved.environment, getvariable('production_pattern')) as is_production,
    from resolved
    left join core.repository_services as repository_services
        on resolved.own_repository_id = repository_services.repository_id
)

select
    concat_ws(
        chr(31),
        coalesce(placed.service_id, placed.own_repository_id, ''),
        case when placed.is_production then 'production' else placed.environment end,
        coalesce(placed.line, '')
    ) as place,
    concat_ws(
        chr(31),
        coalesce(placed.service_id, placed.own_repository_id, ''),
        case when placed.is_production then 'production' else placed.environment end,
        placed.status,
        coalesce(
            '=' || placed.rollout,
            '@' || coalesce(placed.sha, placed.artifact, placed.version),
            '#' || placed.source || ':' || placed.ext_id
        )
    ) as bundle,
    placed.source || ':' || placed.ext_id
    || case when placed.is_of_many then '#' || placed.service_id else '' end as attempt_id,
    placed.source,
    placed.ext_id,
    placed.scope,
    placed.service_id,
    coalesce(services.service, placed.service_id) as service,
    services.team,
    coalesce(placed.own_repository_id, services.repository_id) as repository_id,
    coalesce(repositories.repository, placed.repository) as repository,
    placed.environment,
    placed.is_production,
    placed.status,
    placed.status = 'success'
    or (placed.status = 'failure' and coalesce(placed.reached_users, false))
        as reached_users,
    placed.kind as stated_kind,
    coalesce(placed.sha, placed.artifact, placed.version) as revision,
    placed.sha,
    placed.previous_sha,
    placed.version,
    placed.line,
    placed.rollout,
    placed.url,
    placed.via,
    coalesce(actors.person_id, placed.source || ':' || placed.actor) as actor_id,
    placed.created_at,
    placed.started_at,
    coalesce(placed.finished_at, placed.started_at, placed.created_at) as finished_at,
    placed.changes,
    placed.caused_by_incident,
    placed.fixes_deployment,
    placed.is_by_rule,
from placed
left join core.services as services on placed.service_id = services.service_id
left join core.repositories as repositories
    on coalesce(placed.own_repository_id, services.repository_id) = repositories.repository_id
left join core.identities as actors
    on
        placed.source = actors.source
        and placed.actor = actors.account
