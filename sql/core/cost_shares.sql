/*---
grain       = "one row per charge that somebody bears, and per part of a shared one and who bears it"
description = """
What all share is split in each month among the services, and teams where no service is known, that have direct cost in
it: as they cost themselves (`usage`), or the same for each (`even`). The parts add up to the charge to the last digit:
what rounding leaves goes to the largest. In a month in which nobody has direct cost it stays with nobody, and so does
what is `unallocated`: that is never split. Before it is split, what is alike but for resource is one charge."""
---*/
with spent as (
    select
        lines.month_on,
        lines.currency,
        lines.service_id,
        lines.team,
        any_value(lines.service) as service,
        case getvariable('cost_shared')
            when 'even' then 1.0
            else greatest(cast(sum(lines.amount) as double), 0.0)
        end as weight,
    from core.cost_lines as lines
    where lines.allocation = 'direct'
    group by lines.month_on, lines.currency, lines.service_id, lines.team
),

-- credits can leave a month in which nobody has cost anything: all are alike then
bearers as (
    select
        spent.*,
        case
            when max(spent.weight) over (partition by spent.month_on, spent.currency) = 0 then 1.0
            else spent.weight
        end as part,
    from spent
),

weighed as (
    select
        bearers.*,
        bearers.part
        / sum(bearers.part) over (partition by bearers.month_on, bearers.currency) as fraction,
        row_number() over (
            partition by bearers.month_on, bearers.currency
            order by bearers.part desc, bearers.service_id asc, bearers.team asc
        ) as place,
    from bearers
),

pools as (
    select
        min(lines.cost_id) as pool_id,
        lines.source,
        lines.provider,
        lines.category,
        lines.capability,
        lines.month_on,
        lines.occurred_at,
        lines.currency,
        lines.is_counted,
        sum(lines.amount) as amount,
        max(lines.ends_at) as ends_at,
    from core.cost_lines as lines
    where lines.allocation = 'shared'
    group by
        lines.source, lines.provider, lines.category, lines.capability, lines.month_on,
        lines.occurred_at, lines.currency, lines.is_counted
),

split as (
    select
        pools.*,
        weighed.service_id,
        weighed.service,
        weighed.team,
        weighed.place,
        cast(
            round(cast(pools.amount as double) * coalesce(weighed.fraction, 1.0), 6)
            as decimal(18, 6)
        ) as rounded,
    from pools
    left join weighed
        on
            pools.month_on = weighed.month_on
            and pools.currency = weighed.currency
),

parts as (
    select
        split.*,
        cast(
            case
                when coalesce(split.place, 1) = 1
                    then
                        split.rounded + split.amount
                        - sum(split.rounded) over (partition by split.pool_id)
                else split.rounded
            end
            as decimal(18, 6)
        ) as part,
    from split
)

select
    lines.cost_id as share_id,
    lines.source,
    lines.provider,
    lines.resource,
    lines.category,
    lines.capability,
    lines.service_id,
    lines.service,
    lines.team,
    lines.allocation,
    lines.amount,
    lines.currency,
    lines.is_counted,
    lines.url,
    lines.occurred_at,
    lines.ends_at,
from core.cost_lines as lines
where lines.allocation <> 'shared'
union all
select
    concat_ws('#', parts.pool_id, parts.service_id, parts.team) as share_id,
    parts.source,
    parts.provider,
    null as resource,
    parts.category,
    parts.capability,
    parts.service_id,
    parts.service,
    parts.team,
    'shared' as allocation,
    parts.part as amount,
    parts.currency,
    parts.is_counted,
    null as url,
    parts.occurred_at,
    parts.ends_at,
from parts
where parts.part <> 0
