/*---
title    = "People who use a capability are known"
severity = "warning"
remedy   = "Add the account to its person under [[people]], or to a team: they count as users, and in no team."
---*/
select
    uses.capability,
    count(distinct uses.person_id) as people,
from core.capability_uses as uses
where not uses.is_known
group by uses.capability
