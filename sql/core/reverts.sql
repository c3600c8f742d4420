/*---
grain       = "one row per merged change that takes back another, and the other"
description = """
By the change, its number (`#12`) or the commit it names, or by a `reverts` link. A name may be of a change that another source tells of
better: it is that one then."""
---*/
with names as (
    select
        changes.change_id as name,
        changes.change_id,
    from core.changes as changes
    union all
    select
        twins.change_id as name,
        twins.told_by as change_id,
    from core.change_twins as twins
),

reverting as (
    select
        changes.change_id,
        changes.repository_id,
        changes.merged_at,
        changes.reverts,
    from core.changes as changes
    where changes.reverts is not null and changes.merged_at is not null
),

sources as (
    select distinct
        changes.source,
        changes.source || ':' as prefix,
    from landing.changes as changes
)

select
    reverting.change_id,
    reverting.merged_at,
    names.change_id as reverted_change_id,
from reverting
cross join sources
inner join names on sources.prefix || reverting.reverts = names.name
inner join core.changes as reverted
    on
        names.change_id = reverted.change_id
        and reverting.repository_id = reverted.repository_id
union
select
    reverting.change_id,
    reverting.merged_at,
    reverted.change_id as reverted_change_id,
from reverting
inner join core.changes as reverted
    on
        reverting.reverts = reverted.merge_sha
        and reverting.repository_id = reverted.repository_id
union
select
    reverting.change_id,
    reverting.merged_at,
    reverted.change_id as reverted_change_id,
from reverting
inner join core.changes as reverted
    on
        reverting.reverts = '#' || cast(reverted.number as varchar)
        and reverting.repository_id = reverted.repository_id
union
select
    changes.change_id,
    changes.merged_at,
    names.change_id as reverted_change_id,
from landing.links as links
inner join names as reverting on links.source || ':' || links.from_id = reverting.name
inner join core.changes as changes on reverting.change_id = changes.change_id
inner join names on links.source || ':' || links.to_id = names.name
where
    links.deleted_at is null
    and links.from_kind = 'change'
    and links.relation = 'reverts'
    and links.to_kind = 'change'
    and changes.merged_at is not null
