/*---
grain       = "one row per template and version that a service has"
description = """
`age` is 0 for the newest version, 1 for the one before it. Versions are compared number by number, as 1.10.0 is newer
than 1.9.2. `released_at` is when the repository that has the template's name released it; null: not known. A version
that is a commit has the age of the release that was made of it, and no row where none was."""
---*/
with used as (
    select distinct
        services.template,
        ltrim(services.template_version, 'v') as version,
        regexp_matches(services.template_version, '^[0-9a-f]{7,40}$')
        and (
            length(services.template_version) = 40
            or regexp_matches(services.template_version, '[a-f]')
        ) as is_commit,
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

releases as (
    select
        templates.template,
        ltrim(releases.version, 'v') as version,
        releases.sha,
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
    group by templates.template, ltrim(releases.version, 'v'), releases.sha
),

released as (
    select
        releases.template,
        releases.version,
        min(releases.released_at) as released_at,
    from releases
    group by releases.template, releases.version
),

versions as (
    select
        used.template,
        used.version,
    from used
    where not used.is_commit
    union
    select
        released.template,
        released.version,
    from released
),

ranked as (
    select
        versions.template,
        versions.version,
        released.released_at,
        dense_rank() over (
            partition by versions.template
            order by cast(regexp_extract_all(versions.version, '[0-9]{1,18}') as hugeint[]) desc
        ) - 1 as age,
        max(released.released_at) over (partition by versions.template) as newest_released_at,
    from versions
    left join released
        on
            versions.template = released.template
            and versions.version = released.version
)

select
    ranked.template,
    ranked.version,
    ranked.released_at,
    ranked.age,
    ranked.newest_released_at,
from ranked
union all
select
    used.template,
    used.version,
    arg_min(ranked.released_at, ranked.age) as released_at,
    min(ranked.age) as age,
    any_value(ranked.newest_released_at) as newest_released_at,
from used
inner join releases
    on
        used.template = releases.template
        and starts_with(releases.sha, used.version)
inner join ranked
    on
        releases.template = ranked.template
        and releases.version = ranked.version
where used.is_commit
group by used.template, used.version
