/*---
title    = "Every exemption is of a standard and a service, and not over"
severity = "warning"
remedy   = "Correct or remove it under [[exemptions]] in dx.toml."
---*/
select
    exemptions.position,
    exemptions.standard,
    exemptions.until_on,
from core.standard_exemptions as exemptions
cross join core.today as today
left join core.standard_results as results
    on
        exemptions.standard = results.standard
        and regexp_matches(results.service, exemptions.service_pattern)
where
    results.service_id is null
    or exemptions.until_on <= today.today_on
group by exemptions.position, exemptions.standard, exemptions.until_on
