/*---
title    = "Costs are in one currency"
severity = "warning"
remedy   = "Other currencies count nowhere: set [cost] currency to the one that matters, or have bills sent in one."
---*/
select
    lines.source,
    lines.currency,
    sum(lines.amount) as amount,
from core.cost_lines as lines
where not lines.is_counted
group by lines.source, lines.currency
