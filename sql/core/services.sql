/*---
grain       = "one row per service"
description = """
Declared services, those of `dx.toml` before those of sources, and one for each repository that no declared service
names. A declared service without a repository takes the repository of its own name; one without a team that of its
repository; one that is a whole repository and names no template, or no version of the same one, that of the file in its
repository that does. `path_pattern` is the regular
expression of its path globs over newline-separated paths; null means the whole repository."""
---*/
with ranked as (
    select
        lower(services.name) as service_id,
        row(services.source <> 'project', services.source, services.ext_id) as rank,
        services.source,
        services.name,
        services.team,
        services.repository,
        case when len(services.paths) > 0 then services.paths end as paths,
        services.tier,
        services.type,
        services.lifecycle,
        services.language,
        services.template,
        services.template_version,
        services.created_at,
    from landing.services as services
    where services.deleted_at is null
),

declared as (
    select
        ranked.service_id,
        arg_min(ranked.name, ranked.rank) as service,
        arg_min(ranked.team, ranked.rank) as team,
        arg_min(ranked.repository, ranked.rank) as repository,
        arg_min(case when ranked.repository is not null then ranked.source end, ranked.rank)
            as repository_source,
        arg_min(ranked.paths, ranked.rank) as paths,
        arg_min(ranked.tier, ranked.rank) as tier,
        arg_min(ranked.type, ranked.rank) as type,
        arg_min(ranked.lifecycle, ranked.rank) as lifecycle,
        arg_min(ranked.language, ranked.rank) as language,
        arg_min(ranked.template, ranked.rank) as template,
        arg_min(ranked.template_version, ranked.rank) as template_version,
        min(ranked.created_at) as created_at,
    from ranked
    group by ranked.service_id
),

placed as (
    select
        declared.*,
        coalesce(own.repository_id, named.repository_id, lower(declared.repository))
            as repository_id,
    from declared
    left join core.repository_keys as own
        on
            declared.repository_source = own.source
            and declared.repository = own.key
    left join core.repository_keys as named
        on
            named.source = '*'
            and lower(declared.repository) = named.key
),

unclaimed as (
    select
        repositories.repository_id,
        repositories.repository,
        repositories.short_name,
        repositories.created_at,
        count(*) over (partition by repositories.short_name) as namesakes,
    from core.repositories as repositories
    where
        not exists (
            select 1 as found,
            from placed
            where placed.repository_id = repositories.repository_id
        )
),

complete as (
    select
        placed.service_id,
        placed.service,
        placed.team,
        coalesce(placed.repository_id, unclaimed.repository_id) as repository_id,
        placed.paths,
        placed.tier,
        placed.type,
        placed.lifecycle,
        placed.language,
        placed.template,
        placed.template_version,
        placed.created_at,
        true as is_declared,
    from placed
    left join unclaimed
        on
            placed.service_id = unclaimed.short_name
            and placed.repository_id is null
            and unclaimed.namesakes = 1
    union all
    select
        case
            when unclaimed.namesakes = 1 then unclaimed.short_name
            else unclaimed.repository_id
        end as service_id,
        case
            when unclaimed.namesakes = 1 then regexp_extract(unclaimed.repository, '[^/]+$')
            else unclaimed.repository
        end as service,
        null as team,
        unclaimed.repository_id,
        null as paths,
        null as tier,
        null as type,
        null as lifecycle,
        null as language,
        null as template,
        null as template_version,
        unclaimed.created_at,
        false as is_declared,
    from unclaimed
    where
        unclaimed.namesakes > 1
        or not exists (
            select 1 as found,
            from placed
            where placed.service_id = unclaimed.short_name
        )
),

made_from as (
    select
        coalesce(own.repository_id, named.repository_id, lower(uses.repository)) as repository_id,
        arg_min(uses.template, row(uses.source, uses.ext_id)) as template,
        nullif(arg_min(coalesce(uses.version, ''), row(uses.source, uses.ext_id)), '') as version,
    from landing.template_uses as uses
    left join core.repository_keys as own
        on
            uses.source = own.source
            and uses.repository = own.key
    left join core.repository_keys as named
        on
            named.source = '*'
            and lower(uses.repository) = named.key
    where uses.deleted_at is null
    group by coalesce(own.repository_id, named.repository_id, lower(uses.repository))
),

globs as (
    select
        complete.service_id,
        rtrim(unnest(complete.paths), '/') as glob_text,
    from complete
),

-- '**' crosses folders, '*' and '?' do not; a path without any of them is a folder or a file
marked as (
    select
        globs.service_id,
        regexp_replace(
            case
                when regexp_matches(globs.glob_text, '[*?]') then globs.glob_text
                else globs.glob_text || '/**'
            end,
            '([.+()\[\]{}^$|\\])', '\\\1', 'g'
        ) as escaped,
    from globs
),

translated as (
    select
        marked.service_id,
        replace(
            replace(
                replace(replace(marked.escaped, '/**/', chr(1)), '**/', chr(2)), '/**', chr(3)
            ),
            '**', chr(4)
        ) as double_stars,
    from marked
),

written as (
    select
        translated.service_id,
        replace(
            replace(
                replace(
                    replace(
                        replace(replace(translated.double_stars, '*', '[^/]*'), '?', '[^/]'),
                        chr(1), '/(.*/)?'
                    ),
                    chr(2), '(.*/)?'
                ),
                chr(3), '(/.*)?'
            ),
            chr(4), '.*'
        ) as expression,
    from translated
),

patterns as (
    select
        written.service_id,
        '(?m)^(' || string_agg(written.expression, '|' order by written.expression) || ')$'
            as path_pattern,
    from written
    group by written.service_id
)

select
    complete.service_id,
    complete.service,
    coalesce(team_keys.team, complete.team, owners.team, repositories.team) as team,
    complete.repository_id,
    coalesce(repositories.repository, complete.repository_id) as repository,
    complete.paths,
    patterns.path_pattern,
    complete.tier,
    complete.type,
    complete.lifecycle,
    complete.language,
    coalesce(complete.template, made_from.template) as template,
    coalesce(
        complete.template_version,
        -- a catalogue and the file may write the same template differently: `service`, `github.com/acme/service`
        case
            when
                lower(regexp_extract(coalesce(complete.template, made_from.template), '[^/:]+$'))
                = lower(regexp_extract(made_from.template, '[^/:]+$'))
                then made_from.version
        end
    ) as template_version,
    complete.created_at,
    complete.is_declared,
from complete
left join patterns on complete.service_id = patterns.service_id
left join made_from
    on
        complete.repository_id = made_from.repository_id
        and complete.paths is null
left join core.team_keys as team_keys on lower(complete.team) = team_keys.key
left join core.repositories as repositories
    on complete.repository_id = repositories.repository_id
left join core.team_keys as owners
    on
        complete.team is null
        and lower(repositories.team) = owners.key
