/*---
grain       = "one row per charge that counts"
description = """
Of each source one kind of cost counts: the one dx.toml asks for, else billed, else effective; list prices only where
they are asked for. A charge counts where its period begins. `allocation` is `direct` where a service or a team is
known, `shared` where all are to share it whoever is named, else `unallocated`. A team that the charge names goes before
its service's. `is_counted` is false in other currencies than the one of dx.toml, or the one most charges are in."""
---*/
with ranked as (
    select
        lines.source,
        lines.cost_kind,
        case
            when lines.cost_kind = getvariable('cost_kind') then 0
            when lines.cost_kind = 'billed' then 1
            when lines.cost_kind = 'effective' then 2
        end as rank,
    from landing.cost_lines as lines
    where lines.deleted_at is null
    group by lines.source, lines.cost_kind
),

kinds as (
    select
        ranked.source,
        arg_min(ranked.cost_kind, ranked.rank) as cost_kind,
    from ranked
    where ranked.rank is not null
    group by ranked.source
),

charges as (
    select lines.*,
    from landing.cost_lines as lines
    inner join kinds
        on
            lines.source = kinds.source
            and lines.cost_kind = kinds.cost_kind
    where lines.deleted_at is null
),

currencies as (
    select
        charges.currency,
        count(*) as charges,
    from charges
    group by charges.currency
),

usual as (
    select
        coalesce(
            cast(getvariable('cost_currency') as varchar),
            arg_min(currencies.currency, row(-currencies.charges, currencies.currency))
        ) as currency,
    from currencies
)

select
    charges.source || ':' || charges.ext_id as cost_id,
    charges.source,
    charges.scope,
    charges.provider,
    charges.resource,
    charges.category,
    charges.capability,
    services.service_id as known_service_id,
    coalesce(services.service_id, lower(charges.service)) as service_id,
    coalesce(services.service, charges.service) as service,
    coalesce(team_keys.team, charges.team, services.team) as team,
    case
        when charges.allocation = 'shared' then 'shared'
        when coalesce(charges.service, charges.team) is null then 'unallocated'
        else 'direct'
    end as allocation,
    charges.cost_kind,
    charges.amount,
    charges.currency,
    charges.currency = usual.currency as is_counted,
    charges.url,
    cast(date_trunc('month', charges.period_start) as date) as month_on,
    cast(charges.period_start as timestamp) at time zone getvariable('reporting_zone')
        as occurred_at,
    cast(charges.period_end as timestamp) at time zone getvariable('reporting_zone')
        as ends_at,
from charges
cross join usual
left join core.service_keys as own
    on
        charges.source = own.source
        and charges.service = own.key
left join core.service_keys as named
    on
        named.source = '*'
        and lower(charges.service) = named.key
left join core.services as services
    on services.service_id = coalesce(own.service_id, named.service_id)
left join core.team_keys as team_keys on lower(charges.team) = team_keys.key
