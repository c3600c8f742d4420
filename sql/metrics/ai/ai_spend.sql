/*---
title     = "Spend on AI assistants"
question  = "What is charged for AI assistants?"
unit      = "money"
better    = "none"
aggregate = "sum"
measure   = "amount"
materialize = "table"
entity    = "charge"
source    = "our own, from what vendors charge: billed cost of the category ai_assistant"
caveat    = """
A charge counts where its period begins, so a month that is still running is not whole. Currencies are
never added up: only charges in the one with the most of them count, `currency` says which."""
decision  = "Read per merged change and beside rework: spend that grows faster than what it brings is cut first."
---*/
with charges as (
    select lines.*,
    from landing.cost_lines as lines
    where
        lines.deleted_at is null
        and lines.category = 'ai_assistant'
        and lines.cost_kind = 'billed'
),

usual as (
    select charges.currency,
    from charges
    group by charges.currency
    order by count(*) desc, charges.currency asc
    limit 1
)

select
    cast(charges.period_start as timestamp) at time zone getvariable('reporting_zone')
        as occurred_at,
    coalesce(team_keys.team, charges.team) as team,
    charges.source || ':' || charges.ext_id as entity_id,
    charges.resource as title,
    charges.url,
    charges.provider,
    charges.currency,
    charges.amount,
    case when charges.currency <> usual.currency then 'other_currency' end as excluded_because,
from charges
cross join usual
left join core.team_keys as team_keys on lower(charges.team) = team_keys.key
