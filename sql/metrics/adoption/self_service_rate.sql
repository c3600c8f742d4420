/*---
title     = "Self-service rate"
question  = "How often do people get what they need from the platform without a ticket?"
unit      = "%"
better    = "higher"
aggregate = "proportion"
measure   = "is_self_service"
entity    = "request"
source    = "CNCF platform maturity model, interfaces: without a ticket"
caveat    = """
Value actions that succeeded, and tickets for the same capability that were fulfilled; what failed and
became a ticket counts once, as the ticket. Only capabilities that tickets ask for, or that name labels
of tickets: of the others it is not known what was asked for. Duplicates are left out."""
decision  = "The capability with the most tickets is the next one to automate."
---*/
select
    requests.occurred_at,
    requests.capability,
    capabilities.capability_title,
    requests.team,
    requests.service,
    requests.request_id as entity_id,
    requests.title,
    requests.url,
    requests.is_self_service,
    case when requests.is_duplicate then 'duplicate' end as excluded_because,
from core.capability_requests as requests
inner join core.capabilities as capabilities on requests.capability = capabilities.capability
