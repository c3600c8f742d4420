/*---
title     = "Pipeline rerun rate"
question  = "What share of pipeline runs repeats one that had run already?"
unit      = "%"
better    = "lower"
aggregate = "proportion"
measure   = "is_rerun"
entity    = "pipeline_run"
stream    = "pipeline_runs"
bots      = "included"
source    = "OpenTelemetry cicd.pipeline.result, attempts after the first"
caveat    = "An attempt after the first. Flaky tests are the usual reason, not the only one."
decision  = "High: find the tests that pass the second time, and mend or quarantine them."
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
    runs.attempt > 1 as is_rerun,
from core.pipeline_runs as runs
where runs.finished_at is not null and runs.result is not null
