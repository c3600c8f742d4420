/*---
title  = "A standard says pass, fail or not_applicable of every service, once"
remedy = "Correct the file of that name in sql/standards."
---*/
with standards as (
    select distinct verdicts.standard,
    from core.standard_verdicts as verdicts
)

select
    services.service_id,
    standards.standard,
    string_agg(verdicts.status, ', ' order by verdicts.status) as statuses,
from core.services as services
cross join standards
left join core.standard_verdicts as verdicts
    on
        services.service_id = verdicts.service_id
        and standards.standard = verdicts.standard
group by services.service_id, standards.standard
having
    count(*) <> 1
    or not coalesce(bool_and(verdicts.status in ('pass', 'fail', 'not_applicable')), false)
