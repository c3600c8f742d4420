/*---
title     = "Coding time"
question  = "How long is a change worked on before others see it?"
unit      = "hours"
better    = "lower"
aggregate = "median"
measure   = "hours"
entity    = "change"
stream    = "changes"
bots      = "excluded"
source    = "our own, after CHAOSS"
caveat    = """
From the first commit until the change is open and out of draft. A rebase can lose the first commit."""
decision  = "High: split work so that it can be shown earlier."
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
    changes.first_commit_at as started_at,
    changes.ready_at as ended_at,
    (epoch_us(changes.ready_at) - epoch_us(changes.first_commit_at)) / 3.6e9 as hours,
    case
        when changes.first_commit_at is null then 'first_commit_unknown'
        when changes.ready_at is null then 'opening_unknown'
        when changes.ready_at < changes.first_commit_at then 'clock_skew'
    end as excluded_because,
from core.changes as changes
where
    changes.kind = 'pull_request'
    and changes.merged_at is not null
    and changes.is_on_default_branch
    and not changes.is_draft
