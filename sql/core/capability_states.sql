/*---
grain       = "one row per row of core.capability_units"
key         = ["capability", "unit_kind", "unit_id"]
description = """
adopted: value actions in at least two of the last four weeks, this one among them, or a use that lasts; trial: used
within eight weeks; lapsed: used before; none: never. `is_using` is true with any value action in the last four weeks, or
a use that lasts."""
---*/
with looked as (
    select
        units.*,
        uses.week_on is not null as is_used,
        count(uses.week_on) over (
            partition by units.capability, units.unit_kind, units.unit_id
            order by units.week_on
            range between interval 21 day preceding and current row
        ) as weeks_of_four,
        max(uses.week_on) over (
            partition by units.capability, units.unit_kind, units.unit_id
            order by units.week_on
            rows between unbounded preceding and current row
        ) as used_on,
    from core.capability_units as units
    left join core.capability_weeks as uses
        on
            units.capability = uses.capability
            and units.unit_kind = uses.unit_kind
            and units.unit_id = uses.unit_id
            and units.week_on = uses.week_on
)

select
    looked.capability,
    looked.unit_kind,
    looked.unit_id,
    looked.service,
    looked.team,
    looked.ineligible_because,
    looked.week_on,
    looked.is_used,
    looked.weeks_of_four,
    case
        when looked.weeks_of_four >= 2 or looked.is_made_for then 'adopted'
        when looked.used_on is null then 'none'
        when capabilities.is_lasting then 'adopted'
        when looked.used_on < looked.week_on - interval 49 day then 'lapsed'
        else 'trial'
    end as state,
    looked.is_made_for
    or looked.weeks_of_four > 0
    or (capabilities.is_lasting and looked.used_on is not null) as is_using,
from looked
inner join core.capabilities as capabilities on looked.capability = capabilities.capability
