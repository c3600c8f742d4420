/*---
grain       = "one row per person of whom it is known when they joined"
description = """
The first day in any team, from the midnight that began it; machines and those who were there before changes were observed
are left out. When their first and tenth change was merged, and their first one reached production. `team` is the one they
joined, null where fewer than five joined it: its rows would tell of persons. `is_few`
where fewer than five share it."""
---*/
with machines as (
    select distinct identities.person_id,
    from core.identities as identities
    where identities.is_bot
),

joined as (
    select
        memberships.person_id,
        min(memberships.valid_from_at) as joined_at,
        arg_min(memberships.team, memberships.valid_from) as team,
    from core.memberships as memberships
    anti join machines on memberships.person_id = machines.person_id
    group by memberships.person_id
    having min(memberships.valid_from) > date '1900-01-01'
),

observed as (
    select min(observations.observed_from) as observed_from,
    from core.observations as observations
    where observations.stream = 'changes'
),

merged as (
    select
        changes.change_id,
        changes.author_id,
        changes.merged_at,
        row_number() over (
            partition by changes.author_id
            order by changes.merged_at, changes.change_id
        ) as position,
    from core.changes as changes
    inner join joined on changes.author_id = joined.person_id
    where
        changes.merged_at is not null
        and changes.is_on_default_branch
),

milestones as (
    select
        merged.author_id,
        min(merged.merged_at) as first_merged_at,
        min(merged.merged_at) filter (where merged.position = 10) as tenth_merged_at,
    from merged
    group by merged.author_id
),

shipped as (
    select
        merged.author_id,
        min(deployed.deployed_at) as first_deployed_at,
    from merged
    inner join core.change_deployments as deployed on merged.change_id = deployed.change_id
    group by merged.author_id
),

known as (
    select
        joined.*,
        case when count(*) over (partition by joined.team) >= 5 then joined.team end as told_team,
    from joined
    inner join observed on joined.joined_at >= observed.observed_from
)

select
    known.person_id,
    known.told_team as team,
    count(*) over (partition by known.told_team) < 5 as is_few,
    known.joined_at,
    milestones.first_merged_at,
    milestones.tenth_merged_at,
    shipped.first_deployed_at,
from known
left join milestones on known.person_id = milestones.author_id
left join shipped on known.person_id = shipped.author_id
