/*---
title       = "Its changes are checked by CI"
tier        = "bronze"
remedy      = "Run a pipeline on every change; a template brings one along."
grace_days  = 30
description = "Applies where changes were merged in the last 90 days, and pipelines of any repository are known."
---*/
with merged as (
    select
        changes.service_id,
        max(changes.merged_at) as last_merged_at,
    from core.changes as changes
    cross join core.today as today
    where changes.merged_at >= today.starts_at - interval 90 day
    group by changes.service_id
),

checked as (
    select
        runs.service_id,
        max(coalesce(runs.finished_at, runs.started_at)) as last_run_at,
    from core.pipeline_runs as runs
    where runs.service_id is not null
    group by runs.service_id
),

seen as (
    select count(*) as services,
    from checked
)

select
    services.service_id,
    case
        when merged.service_id is null or seen.services = 0 then 'not_applicable'
        when checked.last_run_at >= today.starts_at - interval 90 day then 'pass'
        else 'fail'
    end as status,
    checked.last_run_at + interval 90 day as failing_since,
    null as detail,
from core.services as services
cross join core.today as today
cross join seen
left join merged on services.service_id = merged.service_id
left join checked on services.service_id = checked.service_id
