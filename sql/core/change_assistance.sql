/*---
grain       = "one row per merged change"
description = """
Whether an assistant had a hand in it. `is_assisted` is true where the author is a coding agent or one of its commits
says so by a trailer (before the merge, or the merge commit itself); null where no commit of it was looked at for
trailers, which is not the same as none. `assistance` is agent, trailer or unassisted. A bot that is no agent (dependency
updates) is `is_other_bot`."""
---*/
with agents as (
    select distinct identities.person_id,
    from core.identities as identities
    where identities.kind = 'agent'
),

shas as (
    select
        changes.change_id,
        changes.merge_sha as sha,
    from core.changes as changes
    where changes.merged_at is not null
    union
    select
        commits.source || ':' || commits.change as change_id,
        commits.sha,
    from landing.change_commits as commits
    where commits.deleted_at is null
),

seen as (
    select
        commits.sha,
        bool_or(commits.is_ai_assisted) as is_assisted,
    from landing.commits as commits
    where commits.deleted_at is null and commits.is_ai_assisted is not null
    group by commits.sha
),

trailers as (
    select
        shas.change_id,
        bool_or(seen.is_assisted) as is_assisted,
    from shas
    inner join seen on shas.sha = seen.sha
    group by shas.change_id
)

select
    changes.change_id,
    agents.person_id is not null or trailers.is_assisted as is_assisted,
    case
        when agents.person_id is not null then 'agent'
        when trailers.is_assisted then 'trailer'
        when not trailers.is_assisted then 'unassisted'
    end as assistance,
    coalesce(changes.is_bot, false) and agents.person_id is null as is_other_bot,
from core.changes as changes
left join agents on changes.author_id = agents.person_id
left join trailers on changes.change_id = trailers.change_id
where changes.merged_at is not null
