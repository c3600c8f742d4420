/*---
title     = "Time to first production deployment"
question  = "How long does a new service take to its first production deployment?"
unit      = "hours"
better    = "lower"
aggregate = "recovery"
measure   = "hours"
entity    = "service"
stream    = "deployments"
source    = "CNCF platforms paper, latency to build and deploy a new service"
caveat    = """
From the making of the service, or of its repository. Services that are not deployed yet count as waiting
(Kaplan-Meier), also those that never will be. Those older than what is observed are left out, and so are
archived ones."""
decision  = "Compare those from a template with the others before promising anybody a fast start."
---*/
select
    coalesce(journeys.first_live_at, journeys.made_at) as occurred_at,
    journeys.team,
    journeys.service,
    journeys.repository,
    journeys.template is not null as is_from_template,
    journeys.service_id as entity_id,
    journeys.service as title,
    journeys.made_at as started_at,
    journeys.first_live_at as ended_at,
    journeys.first_live_at is null as is_open,
    (epoch_us(journeys.first_live_at) - epoch_us(journeys.made_at)) / 3.6e9 as hours,
    case when journeys.first_live_at < journeys.made_at then 'deployed_before_made' end
        as excluded_because,
from core.journeys as journeys
