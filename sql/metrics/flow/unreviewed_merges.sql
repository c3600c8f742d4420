/*---
title     = "Unreviewed merges"
question  = "What share of changes is merged without another person's review?"
unit      = "%"
better    = "lower"
aggregate = "proportion"
measure   = "is_unreviewed"
entity    = "change"
stream    = "changes"
bots      = "excluded"
source    = "CHAOSS time to first response; OpenTelemetry vcs.change"
caveat    = """
A bot's review and the author's own do not count. Only of repositories whose reviews are collected."""
decision  = "Know which of them are meant to be: require reviews where they are not."
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
    changes.reviews_count = 0 as is_unreviewed,
    case
        when not coalesce(streams.has_reviews, false) then 'reviews_not_collected'
    end as excluded_because,
from core.changes as changes
left join core.repository_streams as streams on changes.repository_id = streams.repository_id
where
    changes.kind = 'pull_request'
    and changes.merged_at is not null
    and changes.is_on_default_branch
    and not changes.is_draft
