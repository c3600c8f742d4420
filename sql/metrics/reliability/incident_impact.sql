/*---
title     = "Incident impact"
question  = "For how many hours were users hurt?"
unit      = "hours"
better    = "lower"
aggregate = "sum"
measure   = "hours"
entity    = "impact"
stream    = "incidents"
bots      = "included"
source    = "our own: medians of acknowledgement and resolution, known as MTTA and MTTR"
caveat    = """
Hours in which at least one incident of a service was open: overlapping ones count once. Counted
where an impact begins; open ones are left out."""
decision  = """
Says what change fail rate cannot: a rare long outage weighs more than many short ones."""
---*/
with closed as (
    select
        incidents.incident_id,
        incidents.service_id,
        incidents.service,
        incidents.team,
        incidents.repository,
        incidents.title,
        incidents.url,
        coalesce(incidents.started_at, incidents.detected_at) as began_at,
        incidents.resolved_at,
        max(incidents.resolved_at) over (
            partition by incidents.service_id
            order by coalesce(incidents.started_at, incidents.detected_at), incidents.incident_id
            rows between unbounded preceding and 1 preceding
        ) as over_at,
    from core.incidents as incidents
    where incidents.is_counted and incidents.resolved_at is not null
),

numbered as (
    select
        closed.*,
        sum(case when closed.began_at <= closed.over_at then 0 else 1 end) over (
            partition by closed.service_id
            order by closed.began_at, closed.incident_id
            rows between unbounded preceding and current row
        ) as impact,
    from closed
)

select
    min(numbered.began_at) as occurred_at,
    any_value(numbered.team) as team,
    any_value(numbered.service) as service,
    any_value(numbered.repository) as repository,
    arg_min(numbered.incident_id, numbered.began_at) as entity_id,
    arg_min(numbered.title, numbered.began_at) as title,
    arg_min(numbered.url, numbered.began_at) as url,
    count(*) as incidents,
    min(numbered.began_at) as started_at,
    max(numbered.resolved_at) as ended_at,
    (epoch_us(max(numbered.resolved_at)) - epoch_us(min(numbered.began_at))) / 3.6e9 as hours,
from numbered
group by numbered.service_id, numbered.impact
