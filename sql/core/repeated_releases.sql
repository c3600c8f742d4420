/*---
grain       = "one row per release that another source tells of better"
description = "A release at the host is a tag in its mirror; the one that names its commit stays, then the first source's."
---*/
with releases as (
    select
        deployments.source,
        deployments.ext_id,
        deployments.sha,
        coalesce(own.repository_id, by_name.repository_id, lower(deployments.repository))
            as repository_id,
        regexp_extract(lower(deployments.version), '\d+(\.\d+)*[\w.+-]*$') as version,
    from landing.deployments as deployments
    left join core.repository_keys as own
        on
            deployments.source = own.source
            and deployments.repository = own.key
    left join core.repository_keys as by_name
        on
            by_name.source = '*'
            and lower(deployments.repository) = by_name.key
    where
        deployments.deleted_at is null
        and deployments.via = 'release'
        and deployments.version is not null
),

best as (
    select
        releases.repository_id,
        releases.version,
        arg_min(releases.source, row(releases.sha is null, releases.source)) as source,
    from releases
    group by releases.repository_id, releases.version
    having count(distinct releases.source) > 1
)

select
    releases.source,
    releases.ext_id,
from releases
inner join best
    on
        releases.repository_id = best.repository_id
        and releases.version = best.version
        and releases.source <> best.source
