/*---
title     = "AI-assisted changes"
question  = "What share of merged changes had an assistant's hand in it?"
unit      = "%"
better    = "none"
aggregate = "proportion"
measure   = "is_assisted"
entity    = "change"
stream    = "changes"
bots      = "included"
source    = "our own, after DX's AI measurement framework; commit trailers and agents as authors"
caveat    = """
At least: who accepts a suggestion and writes no trailer is not seen. More is neither better nor
worse, and no target; dependency bots are left out."""
decision  = "Read beside rework: growing share with growing rework says where review has to be closer."
---*/
select
    changes.merged_at as occurred_at,
    changes.team,
    changes.service,
    changes.repository,
    changes.change_id as entity_id,
    changes.title,
    changes.url,
    assistance.assistance,
    assistance.is_assisted,
    case when assistance.is_other_bot then 'bot' end as excluded_because,
from core.changes as changes
inner join core.change_assistance as assistance on changes.change_id = assistance.change_id
where
    changes.kind = 'pull_request'
    and changes.merged_at is not null
    and changes.is_on_default_branch
    and not changes.is_draft
