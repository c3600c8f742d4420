/*---
grain       = "one row per template and version that a service has"
description = """
`age` is 0 for the newest version, 1 for the one before it. Versions are compared number by number, as 1.10.0 is newer
than 1.9.2. `released_at` is when the repository that has the template's name released it; null: not known."""
---*/
with used as (
    select distinct
        services.template,
        services.template_version as version,
    from core.services as services
    where
        services.template is not null
        and services.template_version is not null
),

templates as (
    select distinct
        used.template,
        lower(regexp_extract(used.template, '[^/:]+$')) as short_name,
    from used
),

released as (
    select
        templates.template,
        ltrim(releases.version, 'v') as version,
        min(coalesce(releases.finished_at, releases.created_at)) as released_at,
    from landing.deployments as releases
    inner join core.repository_keys as keys
        on
            (releases.source = keys.source and releases.repository = keys.key)
            or (keys.source = '*' and lower(releases.repository) = keys.key)
    inner join core.repositories as repositories on keys.repository_id = repositories.repository_id
    inner join templates on repositories.short_name = templates.short_name
    where
        releases.deleted_at is null
        and releases.via = 'release'
        and releases.version is not null
    group by templates.template, ltrim(releases.version, 'v')
),

versions as (
    select
        used.template,
        ltrim(used.version, 'v') as version,
    from used
    union
    select
        released.template,
        released.version,
    from released
)

select
    versions.template,
    versions.version,
    released.released_at,
    dense_rank() over (
        partition by versions.template
        order by cast(regexp_extract_all(versions.version, '[0-9]+') as hugeint[]) desc
    ) - 1 as age,
    max(released.released_at) over (partition by versions.template) as newest_released_at,
from versions
left join released
    on
        versions.template = released.template
        and versions.version = released.version
