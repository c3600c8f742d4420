/*---
title     = "Delivery lead time"
question  = "Once merged, how long until a change runs in production?"
unit      = "hours"
better    = "lower"
aggregate = "median"
measure   = "hours"
entity    = "change"
stream    = "deployments"
bots      = "included"
coverage  = "deployment_linkage"
band      = "change_lead_time"
source    = "DORA change lead time, from the merge on"
caveat    = """
From the merge, so it says nothing of writing and reviewing. Changes deployed from their branch are
left out and counted."""
decision  = """
High: the path from merge to production waits for a person, a window or a slow pipeline."""
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
    shipped.merged_at as started_at,
    shipped.deployed_at as ended_at,
    (epoch_us(shipped.deployed_at) - epoch_us(shipped.merged_at)) / 3.6e9 as hours,
    case
        when shipped.merged_at is null then 'merge_unknown'
        when shipped.deployed_at < shipped.merged_at then 'deployed_before_merge'
        when shipped.deployed_at = shipped.merged_at then 'clock_skew'
    end as excluded_because,
from core.change_deployments as shipped
where shipped.deployed_at is not null
