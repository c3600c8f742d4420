/*---
title     = "Incidents per 100 deployments"
question  = "How many incidents come with a hundred deployments?"
unit      = "incidents"
better    = "lower"
aggregate = "rate"
per       = "deployments"
scale     = 100
entity    = "incident"
stream    = "incidents"
bots      = "included"
source    = "our own; interval by Garwood"
caveat    = """
All incidents, whatever caused them; it can exceed 100 and is not the change fail rate."""
decision  = """
Read beside change fail rate: much higher means that something else than changes hurts users."""
---*/
select
    incidents.detected_at as occurred_at,
    incidents.team,
    incidents.service,
    incidents.repository,
    incidents.incident_id as entity_id,
    incidents.title,
    incidents.url,
    cast(incidents.severity as varchar) as severity,
    case when not incidents.is_counted then 'severity' end as excluded_because,
from core.incidents as incidents
