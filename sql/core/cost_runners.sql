/*---
grain       = "one row per name of a CI runner"
description = """
What a minute on it costs, by the first price of dx.toml whose pattern matches; null where none does. The runner of a
job that names none is the empty text."""
---*/
with runners as (
    select distinct coalesce(jobs.runner, '') as runner,
    from landing.jobs as jobs
    where jobs.deleted_at is null
),

places as (
    select unnest(range(1, len(getvariable('ci_prices')) + 1)) as place,
),

prices as (
    select
        places.place,
        cast(getvariable('ci_runners') as varchar[])[places.place] as pattern,
        cast(getvariable('ci_prices') as double[])[places.place] as per_minute,
    from places
)

select
    runners.runner,
    arg_min(prices.per_minute, prices.place) as per_minute,
    cast(getvariable('cost_currency') as varchar) as currency,
from runners
left join prices on prices.pattern = '' or regexp_matches(runners.runner, prices.pattern)
group by runners.runner
