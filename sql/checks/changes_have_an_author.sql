/*---
title    = "Merged changes have an author"
severity = "warning"
remedy   = "The source does not say who wrote them: their team, and whether a bot did, is unknown."
---*/
select
    changes.repository,
    count(*) as changes,
from core.changes as changes
where changes.merged_at is not null and changes.author_id is null
group by changes.repository
