/*---
title     = "Merged, not deployed"
question  = "How many merged changes wait for their first deployment, and how long already?"
unit      = "changes"
better    = "lower"
aggregate = "stock"
entity    = "change"
stream    = "deployments"
bots      = "included"
source    = "our own, beside DORA change lead time"
caveat    = """
Only of services whose production deployments are known, and changes merged since. Stopping
deployments improves lead time and shows here."""
decision  = "Growing: release what is done before starting more."
---*/
select
    waiting.merged_at as occurred_at,
    waiting.team,
    waiting.service,
    waiting.repository,
    waiting.change_id as entity_id,
    waiting.title,
    waiting.url,
    waiting.kind,
    waiting.is_bot,
    waiting.merged_at as started_at,
    waiting.deployed_at as ended_at,
    waiting.deployed_at is null as is_open,
from core.change_deployments as waiting
where
    waiting.merged_at is not null
    and (waiting.deployed_at is null or waiting.deployed_at > waiting.merged_at)
