/*---
title     = "Time to resolve"
question  = "How long until an incident is over?"
unit      = "hours"
better    = "lower"
aggregate = "recovery"
measure   = "hours"
entity    = "incident"
stream    = "incidents"
bots      = "included"
source    = "our own: medians of acknowledgement and resolution, known as MTTA and MTTR"
caveat    = """
A median, of all incidents, whatever caused them; failed_deployment_recovery_time is of those that a
deployment caused. Closing a ticket is not always the end of the trouble."""
decision  = "High: mitigate first, find the cause later."
---*/
select
    coalesce(incidents.resolved_at, incidents.detected_at) as occurred_at,
    incidents.team,
    incidents.service,
    incidents.repository,
    incidents.incident_id as entity_id,
    incidents.title,
    incidents.url,
    cast(incidents.severity as varchar) as severity,
    incidents.detected_at as started_at,
    incidents.resolved_at as ended_at,
    incidents.resolved_at is null as is_open,
    (epoch_us(incidents.resolved_at) - epoch_us(incidents.detected_at)) / 3.6e9 as hours,
    case
        when not incidents.is_counted then 'severity'
        when incidents.resolved_at < incidents.detected_at then 'clock_skew'
    end as excluded_because,
from core.incidents as incidents
