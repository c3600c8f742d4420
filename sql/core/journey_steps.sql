/*---
grain       = "one row per service and step of its way to production that it stands before or has taken"
description = """
`step` is made, built, tried or live; `before_at` is when the step before was taken. It is reached within 30 days of the
service's making; `pending` while these are not over."""
---*/
with steps as (
    select
        journeys.service_id,
        1 as position,
        'made' as step,
        journeys.made_at as before_at,
        journeys.made_at as step_at,
    from core.journeys as journeys
    union all
    select
        journeys.service_id,
        2 as position,
        'built' as step,
        journeys.made_at as before_at,
        journeys.built_at as step_at,
    from core.journeys as journeys
    where journeys.has_builds
    union all
    select
        journeys.service_id,
        3 as position,
        'tried' as step,
        case when journeys.has_builds then journeys.built_at else journeys.made_at end as before_at,
        journeys.tried_at as step_at,
    from core.journeys as journeys
    where journeys.has_trials
    union all
    select
        journeys.service_id,
        4 as position,
        'live' as step,
        case
            when journeys.has_trials then journeys.tried_at
            when journeys.has_builds then journeys.built_at
            else journeys.made_at
        end as before_at,
        journeys.live_at as step_at,
    from core.journeys as journeys
)

select
    steps.service_id,
    journeys.service,
    journeys.team,
    journeys.repository,
    journeys.template,
    steps.position,
    steps.step,
    journeys.made_at,
    steps.before_at,
    steps.step_at,
    coalesce(steps.step_at <= journeys.made_at + interval 30 day, false) as is_reached,
    steps.before_at <= journeys.made_at + interval 30 day as was_in_time,
    case
        when steps.step_at <= journeys.made_at + interval 30 day then null
        when steps.step_at is null and journeys.is_skipping then 'step_skipped'
        when journeys.made_at + interval 30 day > today.starts_at then 'pending'
    end as excluded_because,
from steps
inner join core.journeys as journeys on steps.service_id = journeys.service_id
cross join core.today as today
where steps.before_at is not null
