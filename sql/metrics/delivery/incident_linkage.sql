/*---
title     = "Incident linkage"
question  = "Of how many incidents do we know the deployment that caused them?"
unit      = "%"
better    = "higher"
aggregate = "proportion"
measure   = "is_linked"
entity    = "incident"
stream    = "incidents"
bots      = "included"
source    = "our own, beside DORA change fail rate"
caveat    = """
Not every incident has a deployment as its cause: hardware and other people's outages do not."""
decision  = """
Low: record the causing deployment when an incident is closed, or name services alike in both tools."""
---*/
with linked as (
    select
        causes.incident_id,
        min(causes.confidence) as confidence,
    from core.incident_causes as causes
    group by causes.incident_id
)

select
    incidents.detected_at as occurred_at,
    incidents.team,
    incidents.service,
    incidents.repository,
    incidents.incident_id as entity_id,
    incidents.title,
    incidents.url,
    linked.confidence as evidence,
    linked.confidence is not null as is_linked,
    case when not incidents.is_counted then 'severity' end as excluded_because,
from core.incidents as incidents
left join linked on incidents.incident_id = linked.incident_id
