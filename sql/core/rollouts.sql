/*---
grain       = "one row per attempt that is not the only one of its deployment"
key         = ["bundle"]
description = """
Attempts of one rollout, and attempts of one revision of a service in one tier, are one deployment where their outcome
is the same and, without a rollout id, they finished within `fan_out_minutes` of its first. The first attempt gives the
deployment its id. Attempts that say neither revision nor rollout stand alone."""
---*/
with recursive several as (
    select
        attempts.attempt_id,
        attempts.finished_at,
        attempts.rollout is not null as is_rollout,
        attempts.bundle,
        coalesce(
            date_diff(
                'second',
                lag(attempts.finished_at) over (
                    partition by attempts.bundle
                    order by attempts.finished_at, attempts.attempt_id
                ),
                attempts.finished_at
            ) > 60 * getvariable('fan_out_minutes'),
            false
        ) and attempts.rollout is null as is_apart,
    from core.deployment_attempts as attempts
    where
        attempts.bundle in (
            select together.bundle,
            from core.deployment_attempts as together
            group by together.bundle
            having count(*) > 1
        )
),

chained as (
    select
        several.attempt_id,
        several.finished_at,
        several.is_rollout,
        several.bundle,
        sum(case when several.is_apart then 1 else 0 end) over (
            partition by several.bundle
            order by several.finished_at, several.attempt_id
        ) as chain,
    from several
),

-- a chain of close attempts may last longer than one deployment: each next one begins after the time is over
starts as (
    select
        chained.bundle,
        chained.chain,
        min(chained.finished_at) as first_at,
        bool_or(chained.is_rollout) as is_rollout,
        max(chained.finished_at) as last_at,
    from chained
    group by chained.bundle, chained.chain
    having count(*) > 1
    union all
    select
        starts.bundle,
        starts.chain,
        min(chained.finished_at) as first_at,
        starts.is_rollout,
        starts.last_at,
    from starts
    inner join chained
        on
            starts.bundle = chained.bundle
            and starts.chain = chained.chain
            and date_diff('second', starts.first_at, chained.finished_at)
            > 60 * getvariable('fan_out_minutes')
    where
        not starts.is_rollout
        and date_diff('second', starts.first_at, starts.last_at)
        > 60 * getvariable('fan_out_minutes')
    group by starts.bundle, starts.chain, starts.is_rollout, starts.last_at, starts.first_at
),

parts as (
    select
        chained.attempt_id,
        chained.finished_at,
        chained.bundle,
        chained.chain,
        max(starts.first_at) as first_at,
    from chained
    inner join starts
        on
            chained.bundle = starts.bundle
            and chained.chain = starts.chain
            and chained.finished_at >= starts.first_at
    group by chained.attempt_id, chained.finished_at, chained.bundle, chained.chain
)

select
    parts.bundle,
    parts.attempt_id,
    parts.first_at as finished_at,
    first_value(parts.attempt_id) over (
        partition by parts.bundle, parts.chain, parts.first_at
        order by parts.finished_at, parts.attempt_id
    ) as deployment_id,
from parts
