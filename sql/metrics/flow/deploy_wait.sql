/*---
title     = "Deploy wait"
question  = "How long does a merged change wait for production?"
unit      = "hours"
better    = "lower"
aggregate = "median"
measure   = "hours"
entity    = "change"
stream    = "deployments"
bots      = "excluded"
coverage  = "deployment_linkage"
source    = "DORA change lead time, from the merge on"
caveat    = "The last stage of a change; delivery_lead_time is the same with pushes and bots."
decision  = "High: deploy each merge by itself."
---*/
select
    shipped.deployed_at as occurred_at,
    shipped.team,
    shipped.service,
    shipped.repository,
    shipped.change_id as entity_id,
    shipped.title,
    shipped.url,
    shipped.is_bot,
    shipped.link,
    shipped.merged_at as started_at,
    shipped.deployed_at as ended_at,
    (epoch_us(shipped.deployed_at) - epoch_us(shipped.merged_at)) / 3.6e9 as hours,
    case
        when shipped.deployed_at < shipped.merged_at then 'deployed_before_merge'
    end as excluded_because,
from core.change_deployments as shipped
where
    shipped.kind = 'pull_request'
    and shipped.deployed_at is not null
    and shipped.merged_at is not null
