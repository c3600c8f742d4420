/*---
grain       = "one row per task of a pipeline run"
materialize = "view"
description = "Jobs as collected; their run says which service and team they are of."
---*/
select
    jobs.source || ':' || jobs.ext_id as job_id,
    jobs.source || ':' || jobs.pipeline_run as run_id,
    jobs.name as job,
    jobs.task_type,
    jobs.runner,
    jobs.attempt,
    jobs.result,
    jobs.queued_at,
    jobs.started_at,
    jobs.finished_at,
    jobs.billable_seconds,
    jobs.url,
from landing.jobs as jobs
where jobs.deleted_at is null
