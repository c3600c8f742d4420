/*---
title     = "Large changes"
question  = "What share of merged changes is too large to review well?"
unit      = "%"
better    = "lower"
aggregate = "proportion"
measure   = "is_large"
entity    = "change"
stream    = "changes"
bots      = "excluded"
source    = "our own; lines as the host counts them"
caveat    = "More lines than [changes] large_lines, 400 if not set."
decision  = "High: agree on a size above which a change is split or walked through together."
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
    changes.lines_changed,
    changes.is_large,
    case when changes.lines_changed is null then 'lines_unknown' end as excluded_because,
from core.changes as changes
where
    changes.kind = 'pull_request'
    and changes.merged_at is not null
    and changes.is_on_default_branch
    and not changes.is_draft
