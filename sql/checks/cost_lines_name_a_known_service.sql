/*---
title    = "Costs name a known service"
severity = "warning"
remedy   = "Correct the tag or label, or declare the service under [[services]]."
---*/
select
    lines.source,
    lines.service,
    sum(lines.amount) as amount,
    lines.currency,
from core.cost_lines as lines
where lines.service_id is not null and lines.known_service_id is null
group by lines.source, lines.service, lines.currency
