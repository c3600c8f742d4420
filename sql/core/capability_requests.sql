/*---
grain       = "one row per value action that succeeded, and fulfilled ticket, of a capability that tickets ask for"
key         = ["utc_on"]
description = "`utc_on` is the day in UTC, by which it is built."

[keys]
"core.capability_tickets" = "date '1970-01-01' + cast(epoch_us(done_at) // 86400000000 as integer)"
---*/
select
    attempts.utc_on,
    attempts.occurred_at,
    attempts.capability,
    attempts.team,
    attempts.service,
    'event:' || attempts.attempt_id as request_id,
    attempts.action as title,
    attempts.url,
    true as is_self_service,
    false as is_duplicate,
from core.capability_attempts as attempts
semi join core.asked_capabilities as asked on attempts.capability = asked.capability
where attempts.is_success
union all
select
    date '1970-01-01' + cast(epoch_us(tickets.done_at) // 86400000000 as integer) as utc_on,
    tickets.done_at as occurred_at,
    tickets.capability,
    tickets.team,
    tickets.service,
    'ticket:' || tickets.ticket_id as request_id,
    tickets.title,
    tickets.url,
    false as is_self_service,
    tickets.is_duplicate,
from core.capability_tickets as tickets
where tickets.is_done and tickets.done_at is not null
