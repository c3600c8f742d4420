/*---
title     = "Pipeline queue time"
question  = "How long does a pipeline wait for a runner?"
unit      = "minutes"
better    = "lower"
aggregate = "median"
measure   = "minutes"
entity    = "pipeline_run"
stream    = "pipeline_runs"
bots      = "included"
source    = "OpenTelemetry cicd.pipeline.run.duration, by state"
caveat    = "Unknown where the source does not say when a run was queued."
decision  = "High at certain hours: more runners then, or fewer runs."
---*/
select
    runs.started_at as occurred_at,
    runs.team,
    runs.service,
    runs.repository,
    runs.run_id as entity_id,
    runs.workflow as title,
    runs.url,
    runs.workflow,
    runs.trigger,
    runs.is_on_default_branch,
    runs.queued_at,
    runs.started_at as ended_at,
    (epoch_us(runs.started_at) - epoch_us(runs.queued_at)) / 6e7 as minutes,
    case
        when runs.queued_at is null then 'queueing_unknown'
        when runs.started_at < runs.queued_at then 'clock_skew'
    end as excluded_because,
from core.pipeline_runs as runs
where runs.started_at is not null
