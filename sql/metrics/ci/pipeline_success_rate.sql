/*---
title     = "Pipeline success rate"
question  = "How often does a pipeline pass at the first attempt?"
unit      = "%"
better    = "higher"
aggregate = "proportion"
measure   = "is_success"
entity    = "pipeline_run"
stream    = "pipeline_runs"
bots      = "included"
source    = "OpenTelemetry cicd.pipeline.result"
caveat    = """
First attempts only, because retries hide failure; cancelled and skipped runs are left out. Read the
default branch apart from changes: a red change did its work."""
decision  = "Low on the default branch: mend the pipeline before anything else."
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
    runs.result = 'success' as is_success,
    case
        when runs.attempt > 1 then 'rerun'
        when runs.result in ('cancellation', 'skip', 'unknown') then runs.result
    end as excluded_because,
from core.pipeline_runs as runs
where runs.finished_at is not null and runs.result is not null
