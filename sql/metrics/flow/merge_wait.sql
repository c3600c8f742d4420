/*---
title     = "Merge wait"
question  = "How long does an approved change wait to be merged?"
unit      = "hours"
better    = "lower"
aggregate = "median"
measure   = "hours"
entity    = "change"
stream    = "changes"
bots      = "excluded"
source    = "OpenTelemetry vcs.change.time_to_merge, from the last approval on"
caveat    = "Merge queues and slow pipelines are in here."
decision  = "High: let approved changes merge by themselves once checks pass."
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
    changes.approved_at as started_at,
    changes.merged_at as ended_at,
    (epoch_us(changes.merged_at) - epoch_us(changes.approved_at)) / 3.6e9 as hours,
    case
        when not coalesce(streams.has_reviews, false) then 'reviews_not_collected'
        when changes.approved_at is null then 'not_approved'
    end as excluded_because,
from core.changes as changes
left join core.repository_streams as streams on changes.repository_id = streams.repository_id
where
    changes.kind = 'pull_request'
    and changes.merged_at is not null
    and changes.is_on_default_branch
    and not changes.is_draft
