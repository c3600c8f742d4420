/*---
grain       = "one row per declared capability that is in use"
description = """
The week it is looked at from on: the one dx.toml says it was offered since, else of its first use, or of the first
service made from one of its templates. One that nobody was ever seen to use, and that does not say since when it is
there, is not in here: whether it is unused or unseen is not known."""
---*/
with seen as (
    select
        weeks.capability,
        min(weeks.week_on) as week_on,
    from core.capability_weeks as weeks
    group by weeks.capability
    union all
    select
        eligibility.capability,
        min(cast(date_trunc('week', eligibility.created_on) as date)) as week_on,
    from core.capability_eligibility as eligibility
    where
        eligibility.is_made_for
        and eligibility.created_on is not null
    group by eligibility.capability
)

select
    capabilities.capability,
    coalesce(cast(date_trunc('week', capabilities.since_on) as date), min(seen.week_on))
        as first_week_on,
from core.capabilities as capabilities
left join seen on capabilities.capability = seen.capability
group by capabilities.capability, capabilities.since_on
having coalesce(capabilities.since_on, min(seen.week_on)) is not null
