/*---
title       = "Changes are reviewed"
tier        = "silver"
weight      = 2
remedy      = "Require a review before the merge: nine of ten changes of people have to have one."
description = "Of pull requests merged in the last 90 days, bots left out; applies where there are five and reviews are collected."
---*/
with merged as (
    select
        changes.service_id,
        count(*) as changes,
        count(changes.first_review_at) as reviewed,
    from core.changes as changes
    cross join core.today as today
    where
        changes.kind = 'pull_request'
        and not coalesce(changes.is_bot, false)
        and changes.merged_at >= today.starts_at - interval 90 day
    group by changes.service_id
)

select
    services.service_id,
    case
        when coalesce(merged.changes, 0) < 5 or not coalesce(streams.has_reviews, false)
            then 'not_applicable'
        when merged.reviewed >= 0.9 * merged.changes then 'pass'
        else 'fail'
    end as status,
    cast(null as timestamp with time zone) as failing_since,
    merged.reviewed || ' of ' || merged.changes || ' changes' as detail,
from core.services as services
left join merged on services.service_id = merged.service_id
left join core.repository_streams as streams
    on services.repository_id = streams.repository_id
