/*---
grain       = "one row per commit, repository and source"
materialize = "view"
description = "History as collected; the same repository may be seen by two sources."
---*/
select
    commits.source,
    coalesce(own.repository_id, named.repository_id, lower(commits.repository)) as repository_id,
    commits.sha,
    commits.parents,
    commits.authored_at,
    commits.committed_at,
    commits.author,
    commits.headline,
    commits.cherry_pick_of,
    commits.url,
from landing.commits as commits
left join core.repository_keys as own
    on
        commits.source = own.source
        and commits.repository = own.key
left join core.repository_keys as named
    on
        named.source = '*'
        and lower(commits.repository) = named.key
where commits.deleted_at is null
