/*---
title  = "Has an owner"
tier   = "bronze"
remedy = "Name its team in dx.toml or in the catalog; without one nobody is told when it breaks."
---*/
select
    services.service_id,
    case when services.team is null then 'fail' else 'pass' end as status,
    case when services.team is null then services.created_at end as failing_since,
    null as detail,
from core.services as services
