/*---
title     = "Unallocated cost"
question  = "What share of the money belongs to nobody?"
unit      = "%"
better    = "lower"
aggregate = "rate"
measure   = "amount"
per       = "cost"
scale     = 100.0
entity    = "charge"
stream    = "costs"
bots      = "included"
source    = "FinOps Foundation, allocation"
caveat    = """
Charges that name neither a service nor a team and are not said to be shared, over all. Cost per team or
service rests on the rest."""
decision  = "High: tag the accounts (`resource`) that it is most of, before any number by team is discussed."
---*/
select
    shares.occurred_at,
    shares.share_id as entity_id,
    coalesce(shares.category, shares.provider) as title,
    shares.url,
    shares.provider,
    shares.category,
    shares.resource,
    shares.currency,
    shares.amount,
    case when not shares.is_counted then 'other_currency' end as excluded_because,
from core.cost_shares as shares
where shares.allocation = 'unallocated'
