/*---
grain       = "one row per ISO week since a capability was first in use"
description = "Until the one that is still running."
---*/
with first_week as (
    select min(starts.first_week_on) as week_on,
    from core.capability_starts as starts
),

listed as (
    select
        cast(date_trunc('week', today.today_on) as date) as running_on,
        cast(
            unnest(
                generate_series(
                    first_week.week_on, date_trunc('week', today.today_on), interval 7 day
                )
            ) as date
        ) as week_on,
    from core.today as today
    cross join first_week
)

select
    listed.week_on,
    listed.week_on = listed.running_on as is_running,
    cast(listed.week_on as timestamp) at time zone getvariable('reporting_zone') as starts_at,
from listed
