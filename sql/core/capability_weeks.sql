/*---
grain       = "one row per declared capability, ISO week, and person, service or team (`unit_kind`) that used it"
key         = ["week_on"]
description = """
On how many days, and on how many from Monday to Friday. The team of a person is the one of their last use in the week."""
---*/
with days as (
    select
        uses.capability,
        uses.week_on,
        'person' as unit_kind,
        uses.person_id as unit_id,
        uses.used_on,
        max(uses.team) as team,
        bool_or(uses.is_known) as is_known,
    from core.capability_uses as uses
    where uses.person_id is not null
    group by uses.capability, uses.week_on, uses.person_id, uses.used_on
    union all
    select
        uses.capability,
        uses.week_on,
        'service' as unit_kind,
        uses.service_id as unit_id,
        uses.used_on,
        max(uses.team) as team,
        true as is_known,
    from core.capability_uses as uses
    where uses.service_id is not null
    group by uses.capability, uses.week_on, uses.service_id, uses.used_on
    union all
    select
        uses.capability,
        uses.week_on,
        'team' as unit_kind,
        uses.team as unit_id,
        uses.used_on,
        uses.team,
        true as is_known,
    from core.capability_uses as uses
    where uses.team is not null
    group by uses.capability, uses.week_on, uses.team, uses.used_on
)

select
    days.capability,
    days.week_on,
    days.unit_kind,
    days.unit_id,
    arg_max(days.team, days.used_on) as team,
    bool_or(days.is_known) as is_known,
    count(*) as days,
    count(*) filter (where isodow(days.used_on) <= 5) as workdays,
from days
group by days.capability, days.week_on, days.unit_kind, days.unit_id
