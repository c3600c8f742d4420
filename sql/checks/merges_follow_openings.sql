/*---
title    = "Changes are merged after they were opened"
severity = "warning"
remedy   = "The source reports times in another order: see the changes named, and the time zone of the source."
---*/
select
    changes.change_id,
    changes.opened_at,
    changes.merged_at,
from core.changes as changes
where changes.merged_at < changes.opened_at
