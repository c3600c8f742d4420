/*---
title     = "From made to live"
question  = "Of the services that took the step before, how many take the next one within 30 days?"
unit      = "%"
better    = "higher"
aggregate = "proportion"
measure   = "is_reached"
entity    = "step"
source    = "HEART (Google), task success: the steps of a new service in strict order"
caveat    = """
Cut by `step`: made, built (first successful pipeline), tried (first deployment to anywhere but
production), live. n is of services that took the step before in time, in strict order. Younger than 30
days and not there yet: pending. By the day the service was made; older ones than the data are absent, and
so are steps that are seen of nobody."""
decision  = "Mend the step that loses most; the stuck services say whom to ask."
---*/
select
    steps.made_at as occurred_at,
    steps.team,
    steps.service,
    steps.repository,
    steps.step,
    steps.template,
    steps.template is not null as is_from_template,
    steps.step || '/' || steps.service_id as entity_id,
    steps.service as title,
    steps.is_reached,
    steps.excluded_because,
from core.journey_steps as steps
where steps.was_in_time
