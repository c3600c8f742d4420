/*---
grain       = "one row per service whose sources state since when all its deployments are known"
description = "The first deployment of a service claims nothing older than this."
---*/
select
    scopes.service_id,
    min(coverage.covered_from) as covered_from,
from core.service_scopes as scopes
inner join meta.coverage as coverage
    on
        scopes.source = coverage.source
        and scopes.scope = coverage.scope
        and coverage.stream = 'deployments'
group by scopes.service_id
