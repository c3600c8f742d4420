/*---
title     = "CI cost"
question  = "What do pipelines cost, and how much of it is spent on running again?"
unit      = "money"
better    = "lower"
aggregate = "sum"
measure   = "amount"
entity    = "job"
stream    = "pipeline_runs"
bots      = "included"
source    = "our own: billable time of jobs by the price of their runner"
caveat    = """
Minutes that the CI system bills, times [cost] ci_prices. Jobs of unknown time or price are counted,
never guessed. Not a part of Cost, whose bills may hold the same minutes."""
decision  = "Much of it is reruns (`is_rerun`): mend flaky tests; a few jobs are most of it: cache or split those."
---*/
select
    jobs.finished_at as occurred_at,
    runs.team,
    runs.service,
    runs.repository,
    jobs.job_id as entity_id,
    jobs.job as title,
    coalesce(jobs.url, runs.url) as url,
    runs.workflow,
    runs.trigger,
    runs.is_on_default_branch,
    jobs.task_type,
    jobs.runner,
    jobs.attempt > 1 or runs.attempt > 1 as is_rerun,
    runners.currency,
    jobs.billable_seconds / 60.0 * runners.per_minute as amount,
    case
        when runners.per_minute is null then 'price_unknown'
        when jobs.billable_seconds is null then 'time_unknown'
    end as excluded_because,
from core.jobs as jobs
inner join core.pipeline_runs as runs on jobs.run_id = runs.run_id
left join core.cost_runners as runners on coalesce(jobs.runner, '') = runners.runner
where jobs.finished_at is not null
