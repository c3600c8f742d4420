/*---
title     = "Time to first review"
question  = "How long does a change wait until someone looks at it?"
unit      = "hours"
better    = "lower"
aggregate = "median"
measure   = "hours"
entity    = "change"
stream    = "changes"
bots      = "excluded"
source    = "CHAOSS time to first response; OpenTelemetry vcs.change"
caveat    = """
Until the first review by a person other than the author, the change being out of draft. Elapsed
hours: nights and weekends count. Unreviewed changes are left out and counted."""
decision  = "High: agree when reviews are done, and who does them."
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
    changes.ready_at as started_at,
    changes.first_review_at as ended_at,
    (epoch_us(changes.first_review_at) - epoch_us(changes.ready_at)) / 3.6e9 as hours,
    case
        when not coalesce(streams.has_reviews, false) then 'reviews_not_collected'
        when changes.ready_at is null then 'opening_unknown'
        when changes.first_review_at is null then 'unreviewed'
    end as excluded_because,
from core.changes as changes
left join core.repository_streams as streams on changes.repository_id = streams.repository_id
where
    changes.kind = 'pull_request'
    and changes.merged_at is not null
    and changes.is_on_default_branch
    and not changes.is_draft
