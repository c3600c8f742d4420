/*---
title  = "Its criticality is known"
tier   = "bronze"
remedy = "Give it a tier in dx.toml or in the catalog: 1 for what the company stands still without."
---*/
select
    services.service_id,
    case when services.tier is null then 'fail' else 'pass' end as status,
    case when services.tier is null then services.created_at end as failing_since,
    null as detail,
from core.services as services
