/*---
grain       = "one row per merged change that takes back another, and the other"
description = "By the change or the commit it names, or by a `reverts` link."
---*/
with stated as (
    select
        changes.change_id,
        changes.repository_id,
        changes.merged_at,
        split_part(changes.change_id, ':', 1) || ':' || changes.reverts as reverted_change_id,
        changes.reverts as reverted_sha,
    from core.changes as changes
    where changes.reverts is not null and changes.merged_at is not null
)

select
    stated.change_id,
    stated.merged_at,
    reverted.change_id as reverted_change_id,
from stated
inner join core.changes as reverted on stated.reverted_change_id = reverted.change_id
union
select
    stated.change_id,
    stated.merged_at,
    reverted.change_id as reverted_change_id,
from stated
inner join core.changes as reverted
    on
        stated.reverted_sha = reverted.merge_sha
        and stated.repository_id = reverted.repository_id
union
select
    changes.change_id,
    changes.merged_at,
    links.source || ':' || links.to_id as reverted_change_id,
from landing.links as links
inner join core.changes as changes on links.source || ':' || links.from_id = changes.change_id
where
    links.deleted_at is null
    and links.from_kind = 'change'
    and links.relation = 'reverts'
    and links.to_kind = 'change'
    and changes.merged_at is not null
