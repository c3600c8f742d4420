/*---
title     = "Cost"
question  = "What do services and teams cost, and what of it belongs to nobody?"
unit      = "money"
better    = "none"
aggregate = "sum"
measure   = "amount"
entity    = "charge"
stream    = "costs"
bots      = "included"
source    = "FOCUS, focus.finops.org; FinOps Foundation, allocation"
caveat    = """
The sum of charges, credits taken off, each where its period begins; a month that is not over is not
whole. `allocation` says what is direct, what is a part of what all share (split as [cost] shared
says), and what is unallocated: always show that. Currencies are never added up: `currency` says
which one counts. CI minutes are not in it but where a bill has them."""
decision  = "A unit that costs more than it did: ask its team first; much unallocated: tag it before cutting anything."
---*/
select
    shares.occurred_at,
    shares.team,
    shares.service,
    shares.share_id as entity_id,
    coalesce(shares.category, shares.provider) as title,
    shares.url,
    shares.provider,
    shares.category,
    shares.resource,
    shares.capability,
    shares.allocation,
    shares.currency,
    shares.amount,
    case when not shares.is_counted then 'other_currency' end as excluded_because,
from core.cost_shares as shares
