/*---
title     = "Cost per deployment"
question  = "What does it cost to bring one deployment to users?"
unit      = "money/deployment"
better    = "lower"
aggregate = "rate"
measure   = "amount"
per       = "deployments"
entity    = "charge"
stream    = "costs"
bots      = "included"
source    = "FinOps Foundation, unit economics: direct cost and its part of what is shared, over deployments"
caveat    = """
All cost of the same services and time over their deployments to production, not what a deployment
itself takes. Without a filter what is unallocated is in it. It falls as well when deployments
become smaller and more."""
decision  = "Rising while deployments stay as they are: what grew, by category; falling: say so before anyone cuts."
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
    shares.allocation,
    shares.currency,
    shares.amount,
    case when not shares.is_counted then 'other_currency' end as excluded_because,
from core.cost_shares as shares
