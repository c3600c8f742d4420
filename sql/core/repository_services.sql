/*---
grain       = "one row per repository that has services"
description = "The services of a repository, those with the most specific path globs first."
---*/
select
    services.repository_id,
    list(
        struct_pack(
            service_id := services.service_id, path_pattern := services.path_pattern
        )
        order by coalesce(length(services.path_pattern), 0) desc, services.service_id
    ) as services,
from core.services as services
where services.repository_id is not null
group by services.repository_id
