/*---
grain       = "one row per change and source: a pull or merge request, or a push that had none"
key         = ["change_id"]
description = """
`team` is the author's team on the day of the merge (of opening, where there was no merge), else the service's. A
change belongs to the services of its repository whose path globs match a path it touches, to all of them where its
paths are not known: `service_ids`. What two sources tell of is one change (core.change_twins), with what each knows. `service_id` is the one with the most specific globs, null where paths are not
known and there are several. A review counts when another person than the author gave it, the change being ready and
not yet merged or closed; `approved_at` is the last such approval."""

[keys]
"landing.changes" = "source || ':' || ext_id"
"landing.reviews" = "source || ':' || change"
"landing.change_commits" = "source || ':' || change"
---*/
with listed as (
    select
        commits.source,
        commits.change,
        min(commits.authored_at) as first_commit_at,
        count(distinct commits.sha) as commits_count,
    from landing.change_commits as commits
    where commits.deleted_at is null
    group by commits.source, commits.change
),

reviewed as (
    select
        changes.source,
        changes.ext_id,
        count(*) as reviews_count,
        min(reviews.submitted_at) filter (
            where reviews.submitted_at >= coalesce(changes.ready_at, changes.opened_at)
        ) as first_review_at,
        max(reviews.submitted_at) filter (
            where
            reviews.submitted_at >= coalesce(changes.ready_at, changes.opened_at)
            and reviews.verdict = 'approved'
        ) as approved_at,
    from landing.reviews as reviews
    inner join landing.changes as changes
        on
            reviews.source = changes.source
            and reviews.change = changes.ext_id
    left join core.identities as reviewers
        on
            reviews.source = reviewers.source
            and reviews.reviewer = reviewers.account
    left join core.identities as authors
        on
            changes.source = authors.source
            and changes.author = authors.account
    where
        reviews.deleted_at is null
        and changes.deleted_at is null
        and not coalesce(
            reviewers.is_bot,
            regexp_matches(reviews.reviewer, getvariable('bot_pattern')),
            false
        )
        and coalesce(reviewers.person_id, reviews.reviewer)
        is distinct from coalesce(authors.person_id, changes.author)
        and (
            reviews.submitted_at <= coalesce(changes.merged_at, changes.closed_at)
            or coalesce(changes.merged_at, changes.closed_at) is null
        )
    group by changes.source, changes.ext_id
),

resolved as (
    select
        changes.*,
        coalesce(details.merge_sha, changes.merge_sha) as whole_merge_sha,
        coalesce(changes.lines_added, details.lines_added) as known_lines_added,
        coalesce(changes.lines_deleted, details.lines_deleted) as known_lines_deleted,
        coalesce(changes.files_changed, details.files_changed) as known_files_changed,
        coalesce(changes.paths, details.paths) as known_paths,
        changes.is_revert or coalesce(details.is_revert, false) as is_known_revert,
        coalesce(changes.reverts, details.reverts) as known_reverts,
        coalesce(own.repository_id, by_name.repository_id, lower(changes.repository))
            as repository_id,
        case
            when changes.service is not null
                then coalesce(
                    own_service.service_id, named_service.service_id, lower(changes.service)
                )
        end as stated_service_id,
        coalesce(authors.person_id, changes.source || ':' || changes.author) as author_id,
        coalesce(
            authors.is_bot,
            regexp_matches(changes.author, getvariable('bot_pattern')),
            false
        ) as is_bot,
        coalesce(changes.merged_at, changes.opened_at, changes.closed_at) as placed_at,
        least(changes.first_commit_at, listed.first_commit_at) as earliest_commit_at,
        listed.commits_count as listed_commits_count,
        reviewed.first_review_at,
        reviewed.approved_at,
        reviewed.reviews_count,
    from landing.changes as changes
    anti join core.change_twins as twins
        on changes.source || ':' || changes.ext_id = twins.change_id
    left join core.change_details as details
        on changes.source || ':' || changes.ext_id = details.change_id
    left join listed
        on
            changes.source = listed.source
            and changes.ext_id = listed.change
    left join reviewed
        on
            changes.source = reviewed.source
            and changes.ext_id = reviewed.ext_id
    left join core.repository_keys as own
        on
            changes.source = own.source
            and changes.repository = own.key
    left join core.repository_keys as by_name
        on
            by_name.source = '*'
            and lower(changes.repository) = by_name.key
    left join core.service_keys as own_service
        on
            changes.source = own_service.source
            and changes.service = own_service.key
    left join core.service_keys as named_service
        on
            named_service.source = '*'
            and lower(changes.service) = named_service.key
    left join core.identities as authors
        on
            changes.source = authors.source
            and changes.author = authors.account
    where changes.deleted_at is null
),

placed as (
    select
        resolved.*,
        case
            when resolved.stated_service_id is not null then [resolved.stated_service_id]
            else list_transform(
                list_filter(
                    repository_services.services,
                    lambda one: case
                        when one['path_pattern'] is null or resolved.known_paths is null -- noqa: RF02
                            then true
                        else regexp_matches(
                            array_to_string(resolved.known_paths, chr(10)),
                            one['path_pattern'] -- noqa: RF02
                        )
                    end
                ),
                lambda one: one['service_id'] -- noqa: RF02
            )
        end as service_ids,
    from resolved
    left join core.repository_services as repository_services
        on resolved.repository_id = repository_services.repository_id
)

select
    placed.source || ':' || placed.ext_id as change_id,
    placed.repository_id,
    coalesce(repositories.repository, placed.repository) as repository,
    placed.service_ids,
    coalesce(services.service_id, placed.stated_service_id) as service_id,
    coalesce(services.service, placed.stated_service_id) as service,
    coalesce(memberships.team, services.team) as team,
    placed.kind,
    placed.number,
    placed.title,
    placed.url,
    placed.state,
    placed.is_draft,
    placed.author_id,
    placed.is_bot,
    placed.earliest_commit_at as first_commit_at,
    placed.opened_at,
    case
        when placed.is_draft and placed.state = 'open' then null
        else coalesce(placed.ready_at, placed.opened_at)
    end as ready_at,
    placed.first_review_at,
    placed.approved_at,
    placed.merged_at,
    placed.closed_at,
    coalesce(placed.base_branch = repositories.default_branch, true) as is_on_default_branch,
    placed.whole_merge_sha as merge_sha,
    placed.head_sha,
    placed.merge_method,
    placed.is_known_revert as is_revert,
    placed.known_reverts as reverts,
    regexp_matches(
        lower(concat_ws(
            ' ', placed.head_branch, placed.title, array_to_string(placed.labels, ' ')
        )),
        getvariable('hotfix_pattern')
    ) as is_hotfix,
    placed.known_lines_added as lines_added,
    placed.known_lines_deleted as lines_deleted,
    placed.known_lines_added + placed.known_lines_deleted as lines_changed,
    placed.known_lines_added + placed.known_lines_deleted > getvariable('large_change_lines')
        as is_large,
    placed.known_files_changed as files_changed,
    coalesce(placed.commits_count, placed.listed_commits_count) as commits_count,
    coalesce(placed.reviews_count, 0) as reviews_count,
from placed
left join core.repositories as repositories
    on placed.repository_id = repositories.repository_id
left join core.services as services
    on
        services.service_id = placed.service_ids[1]
        and (len(placed.service_ids) = 1 or placed.known_paths is not null)
left join core.memberships as memberships
    on
        placed.author_id = memberships.person_id
        and placed.placed_at >= memberships.valid_from_at
        and placed.placed_at < memberships.valid_to_at
