/*---
title     = "Incidents"
question  = "How often are users hurt?"
unit      = "incidents"
better    = "lower"
aggregate = "count"
entity    = "incident"
stream    = "incidents"
bots      = "included"
source    = "our own; interval by Garwood"
caveat    = """
As many as are logged: a team that logs more is not worse. An incident of several services is of the
first one named."""
decision  = "Read beside severity and change fail rate."
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
