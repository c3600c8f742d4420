/*---
title     = "Change lead time"
question  = "Once written, how long until a change runs in production?"
unit      = "hours"
better    = "lower"
aggregate = "median"
measure   = "hours"
entity    = "change"
stream    = "deployments"
bots      = "included"
coverage  = "deployment_linkage"
band      = "change_lead_time"
source    = "DORA, dora.dev/guides/dora-metrics"
caveat    = """
From the first commit to the first successful production deployment. Changes that were never
deployed are absent: read beside undeployed_changes."""
decision  = "Look at the stages to see where the time goes before asking anyone to be faster."
---*/
select
    shipped.deployed_at as occurred_at,
    shipped.team,
    shipped.service,
    shipped.repository,
    shipped.change_id as entity_id,
    shipped.title,
    shipped.url,
    shipped.kind,
    shipped.is_bot,
    shipped.link,
    case when shipped.link = 'time' then 'inferred' else 'explicit' end as evidence,
    shipped.first_commit_at as started_at,
    shipped.deployed_at as ended_at,
    (epoch_us(shipped.deployed_at) - epoch_us(shipped.first_commit_at)) / 3.6e9 as hours,
    case
        when shipped.first_commit_at is null then 'first_commit_unknown'
        when shipped.deployed_at <= shipped.first_commit_at
            then 'clock_skew'
    end as excluded_because,
from core.change_deployments as shipped
where shipped.deployed_at is not null
