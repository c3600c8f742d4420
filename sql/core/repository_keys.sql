/*---
grain       = "one row per name a record may use for a repository, in one source or ('*') in any"
description = """
References resolve within their source by `ext_id`, then across sources by name. A name wins over an alias, so that a
new repository may take over the former name of a renamed one."""
---*/
with names as (
    select
        lower(repositories.name) as name,
        lower(repositories.name) as repository_id,
        0 as rank,
    from landing.repositories as repositories
    where repositories.deleted_at is null
    union all
    select
        lower(aliases.name) as name,
        aliases.repository_id,
        1 as rank,
    from (
        select
            unnest(repositories.aliases) as name,
            lower(repositories.name) as repository_id,
        from landing.repositories as repositories
        where repositories.deleted_at is null
    ) as aliases
)

select
    repositories.source,
    repositories.ext_id as key,
    lower(repositories.name) as repository_id,
from landing.repositories as repositories
where repositories.deleted_at is null
union all
select
    '*' as source,
    names.name as key,
    arg_min(names.repository_id, row(names.rank, names.repository_id)) as repository_id,
from names
group by names.name
