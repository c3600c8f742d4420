/*---
grain       = "one row per CI job that deploys"
key         = ["source", "ext_id"]
description = "The first rule that matches counts. A job is of its run's commit, branch and repository."

[keys]
"landing.jobs" = ["source", "'job:' || ext_id"]

[affects]
"core.deploying_runs" = """
select
    jobs.source,
    'job:' || jobs.ext_id as ext_id
from delta.changed as changed
inner join landing.jobs as jobs
    on changed.source = jobs.source and changed.run = jobs.pipeline_run"""
---*/
select
    jobs.source,
    'job:' || jobs.ext_id as ext_id,
    jobs.scope,
    coalesce(jobs.url, runs.url) as url,
    runs.repository,
    runs.service,
    runs.environment,
    jobs.result,
    runs.sha,
    coalesce(jobs.queued_at, runs.queued_at) as queued_at,
    jobs.started_at,
    jobs.finished_at,
    runs.rule,
from core.deploying_runs as runs
inner join landing.jobs as jobs
    on
        runs.source = jobs.source
        and runs.run = jobs.pipeline_run
        and regexp_matches(jobs.name, runs.job_pattern)
where runs.job_pattern is not null and jobs.deleted_at is null
qualify
    row_number() over (
        partition by jobs.source, jobs.ext_id
        order by runs.rule
    ) = 1
