/*---
title     = "Time to fulfil a ticket"
question  = "How long do people wait for what they ask the platform team for?"
unit      = "hours"
better    = "lower"
aggregate = "recovery"
measure   = "hours"
entity    = "ticket"
source    = "CNCF platforms paper, latency from request to fulfilment"
caveat    = """
From creation until done, nights and weekends too. Tickets that still wait count as waiting
(Kaplan-Meier); duplicates are left out."""
decision  = "What waits longest is worth a self-service first."
---*/
select
    coalesce(tickets.done_at, tickets.created_at) as occurred_at,
    tickets.capability,
    capabilities.capability_title,
    tickets.team,
    tickets.service,
    tickets.ticket_id as entity_id,
    tickets.title,
    tickets.url,
    tickets.created_at as started_at,
    tickets.done_at as ended_at,
    not tickets.is_done as is_open,
    (epoch_us(tickets.done_at) - epoch_us(tickets.created_at)) / 3.6e9 as hours,
    case
        when tickets.is_duplicate then 'duplicate'
        when tickets.is_done and tickets.done_at is null then 'end_unknown'
        when tickets.done_at < tickets.created_at then 'clock_skew'
    end as excluded_because,
from core.capability_tickets as tickets
inner join core.capabilities as capabilities on tickets.capability = capabilities.capability
