/*---
grain       = "one row per incident and service it hurt"
description = "Names resolved in the source, then across sources; a name nobody declared is kept as it is."
---*/
with named as (
    select
        incidents.incident_id,
        incidents.source,
        unnest(incidents.service_references) as service_reference,
    from core.incidents as incidents
)

select distinct
    named.incident_id,
    coalesce(own.service_id, by_name.service_id, lower(named.service_reference)) as service_id,
from named
left join core.service_keys as own
    on
        named.source = own.source
        and named.service_reference = own.key
left join core.service_keys as by_name
    on
        by_name.source = '*'
        and lower(named.service_reference) = by_name.key
