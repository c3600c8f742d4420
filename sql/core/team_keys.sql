/*---
grain       = "one row per slug or name that records use for a team"
description = "The project's own teams win over those a source reports."
---*/
with keys as (
    select
        lower(teams.team_id) as key,
        teams.team,
        case when teams.source = 'project' then 0 else 2 end as rank,
    from core.teams as teams
    union all
    select
        lower(teams.team) as key,
        teams.team,
        case when teams.source = 'project' then 1 else 3 end as rank,
    from core.teams as teams
)

select
    keys.key,
    arg_min(keys.team, row(keys.rank, keys.team)) as team,
from keys
group by keys.key
