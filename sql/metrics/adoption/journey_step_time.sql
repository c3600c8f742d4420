/*---
title     = "Time from step to step"
question  = "How long does a new service take from one step on its way to production to the next?"
unit      = "hours"
better    = "lower"
aggregate = "recovery"
measure   = "hours"
entity    = "step"
source    = "CNCF platforms paper: latency to build and deploy a new service, step by step"
caveat    = """
Cut by `step`: from the step before it until then. Services that still stand before it count as waiting
(Kaplan-Meier), also those that will never take it."""
decision  = "The longest step is where the platform can save a new service most time."
---*/
select
    coalesce(steps.step_at, steps.before_at) as occurred_at,
    steps.team,
    steps.service,
    steps.repository,
    steps.step,
    steps.template is not null as is_from_template,
    steps.step || '/' || steps.service_id as entity_id,
    steps.service as title,
    steps.before_at as started_at,
    steps.step_at as ended_at,
    steps.step_at is null as is_open,
    (epoch_us(steps.step_at) - epoch_us(steps.before_at)) / 3.6e9 as hours,
    case when steps.excluded_because = 'step_skipped' then steps.excluded_because end
        as excluded_because,
from core.journey_steps as steps
where steps.step <> 'made'
