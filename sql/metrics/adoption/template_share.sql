/*---
title     = "New services from a template"
question  = "What share of new services was made from one of the platform's templates?"
unit      = "%"
better    = "none"
aggregate = "proportion"
measure   = "is_from_template"
entity    = "service"
source    = "MONK (Octopus Deploy), market share: of the services that are made"
caveat    = """
By when the service, or its repository, was made; archived repositories and forks are left out. Where no
service at all says which template it comes from, it is not known of any."""
decision  = "Falling: ask what those who began from nothing missed in the templates."
---*/
with known as (
    select count(services.template) as templates,
    from core.services as services
)

select
    coalesce(services.created_at, repositories.created_at) as occurred_at,
    services.team,
    services.service,
    services.repository,
    services.template,
    services.service_id as entity_id,
    services.service as title,
    case when known.templates > 0 then services.template is not null end as is_from_template,
    case
        when repositories.is_archived then 'archived'
        when repositories.is_fork then 'fork'
    end as excluded_because,
from core.services as services
cross join known
left join core.repositories as repositories
    on services.repository_id = repositories.repository_id
where coalesce(services.created_at, repositories.created_at) is not null
