/*---
title     = "Pipeline duration"
question  = "How long does a pipeline run?"
unit      = "minutes"
better    = "lower"
aggregate = "median"
measure   = "minutes"
entity    = "pipeline_run"
stream    = "pipeline_runs"
bots      = "included"
source    = "OpenTelemetry cicd.pipeline.run.duration, by state"
caveat    = """
From start to finish, waiting for a runner apart. Cancelled and skipped runs are left out."""
decision  = "Over ten minutes people turn to something else: cache, split, or run less."
---*/
select
    runs.finished_at as occurred_at,
    runs.team,
    runs.service,
    runs.repository,
    runs.run_id as entity_id,
    runs.workflow as title,
    runs.url,
    runs.workflow,
    runs.trigger,
    runs.is_on_default_branch,
    runs.result,
    runs.started_at,
    runs.finished_at as ended_at,
    (epoch_us(runs.finished_at) - epoch_us(runs.started_at)) / 6e7 as minutes,
    case
        when runs.result in ('cancellation', 'skip', 'unknown') then runs.result
        when runs.started_at is null then 'start_unknown'
        when runs.finished_at < runs.started_at then 'clock_skew'
    end as excluded_because,
from core.pipeline_runs as runs
where runs.finished_at is not null and runs.result is not null
