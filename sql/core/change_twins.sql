/*---
grain       = "one row per change that another source tells of better, and that other"
description = """
A repository may be read from its host and from its mirror. The host knows when a request was opened; the mirror infers
changes from commits. The mirror's gives way where the host's has the same merge commit (which some hosts abbreviate) or
the same number, and where it is a commit that the host replayed when it merged by rebase. Of two hosts' changes of one
number the first source's stays. What the host has not told of stays as the mirror has it."""
---*/
with tellers as (
    select
        changes.source,
        changes.repository,
        bool_or(changes.opened_at is not null) as is_host,
        bool_or(changes.opened_at is null) as is_mirror,
    from landing.changes as changes
    where changes.deleted_at is null
    group by changes.source, changes.repository
),

resolved as (
    select
        tellers.*,
        coalesce(own.repository_id, by_name.repository_id, lower(tellers.repository))
            as repository_id,
    from tellers
    left join core.repository_keys as own
        on
            tellers.source = own.source
            and tellers.repository = own.key
    left join core.repository_keys as by_name
        on
            by_name.source = '*'
            and lower(tellers.repository) = by_name.key
),

told_twice as (
    select
        resolved.source,
        resolved.repository,
        resolved.repository_id,
    from resolved
    where
        resolved.repository_id in (
            select several.repository_id,
            from resolved as several
            group by several.repository_id
            having
                (bool_or(several.is_host) and bool_or(several.is_mirror))
                or count(distinct several.source) filter (where several.is_host) > 1
        )
),

told as (
    select
        changes.source || ':' || changes.ext_id as change_id,
        changes.source,
        told_twice.repository_id,
        changes.repository,
        changes.kind,
        changes.number,
        changes.state,
        changes.merge_sha,
        changes.merge_method,
        changes.merged_at,
        changes.ext_id,
        changes.opened_at is not null as is_host,
    from told_twice
    inner join landing.changes as changes
        on
            told_twice.source = changes.source
            and told_twice.repository = changes.repository
            and changes.deleted_at is null
),

same_commit as (
    select
        mirrored.change_id,
        hosted.change_id as told_by,
        1 as rank,
    from told as mirrored
    inner join told as hosted
        on
            mirrored.repository_id = hosted.repository_id
            and left(mirrored.merge_sha, 12) = left(hosted.merge_sha, 12)
            and starts_with(mirrored.merge_sha, hosted.merge_sha)
    where not mirrored.is_host and hosted.is_host
),

same_number as (
    select
        other.change_id,
        hosted.change_id as told_by,
        2 as rank,
    from told as other
    inner join told as hosted
        on
            other.repository_id = hosted.repository_id
            and other.number = hosted.number
            and hosted.is_host
    where
        other.kind = 'pull_request'
        and (
            (not other.is_host and hosted.state = 'merged')
            or (other.is_host and hosted.source < other.source)
        )
),

replayed as (
    select
        mirrored.change_id,
        hosted.change_id as told_by,
        3 as rank,
    from told as mirrored
    inner join landing.commits as commits
        on
            mirrored.source = commits.source
            and mirrored.repository = commits.repository
            and mirrored.merge_sha = commits.sha
    inner join told as hosted
        on
            mirrored.repository_id = hosted.repository_id
            and hosted.is_host
            and hosted.merge_method in ('rebase', 'unknown')
    inner join landing.change_commits as listed
        on
            hosted.source = listed.source
            and hosted.ext_id = listed.change
            and commits.authored_at = listed.authored_at
            and listed.deleted_at is null
    where
        mirrored.kind = 'direct_push'
        and not mirrored.is_host
        and abs(epoch(commits.committed_at) - epoch(hosted.merged_at)) <= 600
),

found as (
    from same_commit
    union all
    from same_number
    union all
    from replayed
)

select
    found.change_id,
    arg_min(found.told_by, row(found.rank, found.told_by)) as told_by,
    min(found.rank) = 1 as is_same_commit,
from found
group by found.change_id
