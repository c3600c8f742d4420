/*---
grain       = "one row per team and source"
description = "Two teams of one name are told apart by their slug, never pooled."
---*/
with named as (
    select
        teams.name,
        count(distinct teams.ext_id) as teams,
    from landing.teams as teams
    where teams.deleted_at is null
    group by teams.name
)

select
    teams.source,
    teams.ext_id as team_id,
    case
        when named.teams = 1 then teams.name
        else teams.name || ' (' || teams.ext_id || ')'
    end as team,
    teams.parent,
from landing.teams as teams
inner join named on teams.name = named.name
where teams.deleted_at is null
