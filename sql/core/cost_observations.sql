/*---
grain       = "one row per service and team that bears cost; a service or team may be null"
description = """
Since when and until when costs are known, of all sources that tell of the same bearer: as their bills cover it, else
from the first charge to the end of the last. A day of a bill is a day of the reporting zone."""
---*/
with charged as (
    select
        shares.source,
        shares.service_id,
        shares.team,
        any_value(shares.service) as service,
        min(shares.occurred_at) as first_at,
        max(shares.ends_at) as last_at,
    from core.cost_shares as shares
    group by shares.source, shares.service_id, shares.team
),

covered as (
    select
        coverage.source,
        min(cast(coverage.covered_from at time zone 'UTC' as date)) as covered_from,
        max(cast(coverage.covered_to at time zone 'UTC' as date)) as covered_to,
    from meta.coverage as coverage
    where coverage.stream = 'cost_lines'
    group by coverage.source
)

select
    charged.service_id,
    charged.team,
    any_value(charged.service) as service,
    min(coalesce(
        cast(covered.covered_from as timestamp) at time zone getvariable('reporting_zone'),
        charged.first_at
    )) as observed_from,
    max(coalesce(
        cast(covered.covered_to as timestamp) at time zone getvariable('reporting_zone'),
        charged.last_at
    )) as observed_to,
from charged
left join covered on charged.source = covered.source
group by charged.service_id, charged.team
