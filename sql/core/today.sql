/*---
grain       = "one row"
description = "The day in the reporting zone until which the data reaches, and when it began."
---*/
with today as (
    select
        cast(
            cast(json_extract_string(facts.value, '$') as timestamp with time zone)
            at time zone getvariable('reporting_zone') as date
        ) as today_on,
    from meta.facts as facts
    where facts.name = 'as_of'
)

select
    today.today_on,
    cast(today.today_on as timestamp) at time zone getvariable('reporting_zone') as starts_at,
from today
