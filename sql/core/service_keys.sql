/*---
grain       = "one row per name a record may use for a service, in one source or ('*') in any"
description = "The project's services, those of sources, and those that repositories stand for."
---*/
select
    services.source,
    services.ext_id as key,
    lower(services.name) as service_id,
from landing.services as services
where services.deleted_at is null
union all
select
    '*' as source,
    services.service_id as key,
    services.service_id,
from core.services as services
