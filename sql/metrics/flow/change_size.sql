/*---
title     = "Change size"
question  = "How many lines does a merged change touch?"
unit      = "lines"
better    = "lower"
aggregate = "median"
measure   = "lines"
entity    = "change"
stream    = "changes"
bots      = "excluded"
source    = "our own; lines as the host counts them"
caveat    = """
Added and deleted lines as the source counts them, generated files included. Unknown where line
counts are not collected."""
decision  = "High: small changes are reviewed sooner and fail less; split by step, not by file."
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
    changes.lines_changed as lines,
    case when changes.lines_changed is null then 'lines_unknown' end as excluded_because,
from core.changes as changes
where
    changes.kind = 'pull_request'
    and changes.merged_at is not null
    and changes.is_on_default_branch
    and not changes.is_draft
