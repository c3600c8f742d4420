/*---
title    = "What is collected has no gaps in time"
severity = "warning"
remedy   = "Collect the scope again from before the gap; until then periods in it look quieter than they were."
---*/
select
    parts.source,
    parts.stream,
    parts.scope,
    parts.covered_to as gap_from,
    parts.next_from as gap_to,
from (
    select
        coverage.source,
        coverage.stream,
        coverage.scope,
        coverage.covered_to,
        lead(coverage.covered_from) over (
            partition by coverage.source, coverage.stream, coverage.scope
            order by coverage.covered_from
        ) as next_from,
    from meta.coverage as coverage
) as parts
where parts.next_from > parts.covered_to
