/*---
title    = "What is borne adds up to what is charged"
severity = "error"
remedy   = "Report this with the month and currency: core.cost_shares loses or invents money."
---*/
with charged as (
    select
        lines.occurred_at,
        lines.currency,
        sum(lines.amount) as amount,
    from core.cost_lines as lines
    group by lines.occurred_at, lines.currency
),

borne as (
    select
        shares.occurred_at,
        shares.currency,
        sum(shares.amount) as amount,
    from core.cost_shares as shares
    group by shares.occurred_at, shares.currency
)

select
    charged.occurred_at,
    charged.currency,
    charged.amount as charged,
    borne.amount as borne,
from charged
left join borne
    on
        charged.occurred_at = borne.occurred_at
        and charged.currency = borne.currency
where charged.amount <> coalesce(borne.amount, 0)
