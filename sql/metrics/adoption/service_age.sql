/*---
title      = "Age of services"
question   = "How old are services, and of what kind?"
unit       = "years"
better     = "none"
aggregate  = "median"
measure    = "years"
entity     = "service"
is_current = true
source     = "our own: what else differs between services that adopt and others"
caveat     = "Since the service, or its repository, was made; as of now. Unknown where neither says."
decision   = "Where adopters are younger, compare services of one age before believing a difference."
---*/
select
    today.starts_at as occurred_at,
    services.team,
    services.service,
    services.repository,
    cast(services.tier as varchar) as tier,
    services.language,
    services.type,
    services.lifecycle,
    services.service_id as entity_id,
    services.service as title,
    date_diff('day', coalesce(services.created_at, repositories.created_at), today.starts_at)
    / 365.25 as years,
from core.services as services
cross join core.today as today
left join core.repositories as repositories
    on services.repository_id = repositories.repository_id
