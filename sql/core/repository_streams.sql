/*---
grain       = "one row per repository of which commits or changes are known"
description = "What is collected of it: its commits (else changes are linked by time), its reviews."
---*/
with named as (
    select distinct
        commits.source,
        commits.repository,
    from landing.commits as commits
    where commits.deleted_at is null
),

seen as (
    select
        coalesce(own.repository_id, by_name.repository_id, lower(named.repository))
            as repository_id,
        true as has_commits,
        false as has_reviews,
    from named
    left join core.repository_keys as own
        on
            named.source = own.source
            and named.repository = own.key
    left join core.repository_keys as by_name
        on
            by_name.source = '*'
            and lower(named.repository) = by_name.key
    union all
    select
        changes.repository_id,
        false as has_commits,
        bool_or(changes.reviews_count > 0) as has_reviews,
    from core.changes as changes
    group by changes.repository_id
)

select
    seen.repository_id,
    bool_or(seen.has_commits) as has_commits,
    bool_or(seen.has_reviews) as has_reviews,
from seen
group by seen.repository_id
