/*---
title     = "Time to acknowledge"
question  = "How long until someone takes an incident up?"
unit      = "hours"
better    = "lower"
aggregate = "recovery"
measure   = "hours"
entity    = "incident"
stream    = "incidents"
bots      = "included"
source    = "our own: medians of acknowledgement and resolution, known as MTTA and MTTR"
caveat    = """
A median, of all incidents, whatever caused them. Incidents nobody has acknowledged yet count as
open."""
decision  = "High: look at who is called, and how."
---*/
select
    coalesce(incidents.acknowledged_at, incidents.detected_at) as occurred_at,
    incidents.team,
    incidents.service,
    incidents.repository,
    incidents.incident_id as entity_id,
    incidents.title,
    incidents.url,
    cast(incidents.severity as varchar) as severity,
    incidents.detected_at as started_at,
    incidents.acknowledged_at as ended_at,
    incidents.acknowledged_at is null and incidents.resolved_at is null as is_open,
    (epoch_us(incidents.acknowledged_at) - epoch_us(incidents.detected_at)) / 3.6e9 as hours,
    case
        when not incidents.is_counted then 'severity'
        when incidents.acknowledged_at is null and incidents.resolved_at is not null
            then 'not_acknowledged'
        when incidents.acknowledged_at < incidents.detected_at then 'clock_skew'
    end as excluded_because,
from core.incidents as incidents
