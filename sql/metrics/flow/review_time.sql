/*---
title     = "Review time"
question  = "How long from the first review to the last approval?"
unit      = "hours"
better    = "lower"
aggregate = "median"
measure   = "hours"
entity    = "change"
stream    = "changes"
bots      = "excluded"
source    = "OpenTelemetry vcs.change.time_to_approval, from the first review on"
caveat    = """
A change approved at first sight took no review time. Changes without approval are left out and
counted."""
decision  = "High: smaller changes, and talking instead of a third round of comments."
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
    changes.first_review_at as started_at,
    changes.approved_at as ended_at,
    (epoch_us(changes.approved_at) - epoch_us(changes.first_review_at)) / 3.6e9 as hours,
    case
        when not coalesce(streams.has_reviews, false) then 'reviews_not_collected'
        when changes.first_review_at is null then 'unreviewed'
        when changes.approved_at is null then 'not_approved'
    end as excluded_because,
from core.changes as changes
left join core.repository_streams as streams on changes.repository_id = streams.repository_id
where
    changes.kind = 'pull_request'
    and changes.merged_at is not null
    and changes.is_on_default_branch
    and not changes.is_draft
