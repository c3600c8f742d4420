/*---
grain       = "one row per repository, whichever sources know it"
description = """
A repository seen by two sources (its git mirror and its host) is one repository: `repository_id` is the name,
`host/org/name`, in lower case."""
---*/
select
    lower(repositories.name) as repository_id,
    arg_min(repositories.name, row(repositories.source, repositories.ext_id)) as repository,
    min(repositories.source) as source,
    arg_min(repositories.ext_id, row(repositories.source, repositories.ext_id)) as ext_id,
    regexp_extract(lower(repositories.name), '[^/]+$') as short_name,
    arg_min(repositories.url, row(repositories.source, repositories.ext_id))
    filter (where repositories.url is not null) as web_url,
    arg_min(repositories.default_branch, row(repositories.source, repositories.ext_id))
    filter (where repositories.default_branch is not null) as default_branch,
    arg_min(repositories.team, row(repositories.source, repositories.ext_id))
    filter (where repositories.team is not null) as team,
    bool_or(repositories.is_archived) as is_archived,
    bool_or(repositories.is_fork) as is_fork,
    min(repositories.created_at) as created_at,
from landing.repositories as repositories
where repositories.deleted_at is null
group by lower(repositories.name)
