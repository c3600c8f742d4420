/*---
grain       = "one row per service with changes"
description = "A change of no certain service is of none here."
---*/
select
    changes.service_id,
    any_value(changes.repository) as repository,
    min(coalesce(changes.opened_at, changes.merged_at)) as first_at,
    min(changes.opened_at) filter (where changes.kind = 'pull_request') as first_opened_at,
from core.changes as changes
group by changes.service_id
