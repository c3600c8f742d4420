/*---
title     = "Open changes"
question  = "How many changes are under way, and how old are they?"
unit      = "changes"
better    = "lower"
aggregate = "stock"
entity    = "change"
stream    = "pull_requests"
bots      = "excluded"
source    = "our own, after Little: work in progress"
caveat    = "Drafts are left out. A change ages from the moment it is ready."
decision  = "Many old ones: finish before starting, close what nobody will finish."
---*/
select
    changes.ready_at as occurred_at,
    changes.team,
    changes.service,
    changes.repository,
    changes.change_id as entity_id,
    changes.title,
    changes.url,
    changes.is_bot,
    changes.ready_at as started_at,
    coalesce(changes.merged_at, changes.closed_at) as ended_at,
    changes.merged_at is null and changes.closed_at is null as is_open,
from core.changes as changes
where
    changes.kind = 'pull_request'
    and changes.ready_at is not null
    and (
        changes.state not in ('merged', 'closed')
        or coalesce(changes.merged_at, changes.closed_at) is not null
    )
