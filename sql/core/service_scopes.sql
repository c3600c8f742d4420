/*---
grain       = "one row per service and scope of a source that tells of it"
description = "Through its own record, its repository's, its deployments and its incidents."
---*/
select
    services.service_id,
    repositories.source,
    repositories.scope,
from core.services as services
inner join landing.repositories as repositories
    on
        services.repository_id = lower(repositories.name)
        and repositories.deleted_at is null
union
select
    lower(services.name) as service_id,
    services.source,
    services.scope,
from landing.services as services
where services.deleted_at is null
union
select
    attempts.service_id,
    attempts.source,
    attempts.scope,
from core.deployment_attempts as attempts
where attempts.service_id is not null
union
select
    incidents.service_id,
    incidents.source,
    incidents.scope,
from core.incidents as incidents
where incidents.service_id is not null
