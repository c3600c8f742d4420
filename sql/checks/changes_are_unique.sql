/*---
title    = "A change is in core.changes once"
severity = "error"
remedy   = "Two rows of one source have the same id: report it, and look at the names that resolve to two things."
---*/
select
    changes.change_id,
    count(*) as copies,
from core.changes as changes
group by changes.change_id
having count(*) > 1
