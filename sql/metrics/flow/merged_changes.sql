/*---
title     = "Merged changes"
question  = "How many changes are merged?"
unit      = "changes"
better    = "none"
aggregate = "count"
entity    = "change"
stream    = "changes"
bots      = "excluded"
source    = "OpenTelemetry vcs.change.count, merged and not by bots"
caveat    = "Activity, not productivity: never a target, never by person."
decision  = "Read beside lead time and change size: the same work in more, smaller changes is fine."
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
    changes.kind,
    changes.merge_method,
from core.changes as changes
where
    changes.kind = 'pull_request'
    and changes.merged_at is not null
    and changes.is_on_default_branch
    and not changes.is_draft
