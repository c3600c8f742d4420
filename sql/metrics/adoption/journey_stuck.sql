/*---
title     = "Services on their way"
question  = "How many new services wait before which step to production, and for how long?"
unit      = "services"
better    = "lower"
aggregate = "stock"
entity    = "service"
source    = "HEART (Google), task success: who has not taken the next step"
caveat    = """
Cut by `step`, the one they wait for. What is never meant to be deployed, a library say, waits here for
ever: name its type, and leave it out."""
decision  = "Ask the teams of those that wait longest what stands in their way."
---*/
select
    steps.before_at as occurred_at,
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
    case when steps.excluded_because = 'step_skipped' then steps.excluded_because end
        as excluded_because,
from core.journey_steps as steps
where steps.step <> 'made'
