/*---
title     = "Revert rate"
question  = "What share of merged changes takes another one back?"
unit      = "%"
better    = "lower"
aggregate = "proportion"
measure   = "is_revert"
entity    = "change"
stream    = "changes"
bots      = "excluded"
source    = "our own"
caveat    = "Reverts by title or commit message; not the deployment rework rate."
decision  = "Rising: find what tests and reviews let through."
---*/
select
    changes.merged_at as occurred_at,
    changes.team,
    changes.service,
    changes.repository,
    changes.change_id as entity_id,
    changes.title,
    changes.url,
    changes.is_bot,
    changes.is_revert,
from core.changes as changes
where
    changes.kind = 'pull_request'
    and changes.merged_at is not null
    and changes.is_on_default_branch
    and not changes.is_draft
