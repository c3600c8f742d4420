/*---
grain       = "one row per merged change that takes back another, and the other"
description = """
By the change, its number (`#12`) or the commit it names, or by a `reverts` link. A name may be of a change that another
source tells of better: it is that one then."""
---*/
with reverting as (
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
),

named as (
    select
        reverting.change_id,
        reverting.repository_id,
        reverting.merged_at,
        sources.prefix || reverting.reverts as name,
    from reverting
    cross join sources
),

linked as (
    select
        links.source || ':' || links.from_id as reverting_name,
        links.source || ':' || links.to_id as reverted_name,
    from landing.links as links
    where
        links.deleted_at is null
        and links.from_kind = 'change'
        and links.relation = 'reverts'
        and links.to_kind = 'change'
)

select
    named.change_id,
    named.merged_at,
    reverted.change_id as reverted_change_id,
from named
left join core.change_twins as twins on named.name = twins.change_id
inner join core.changes as reverted
    on
        coalesce(twins.told_by, named.name) = reverted.change_id
        and named.repository_id = reverted.repository_id
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
    reverted.change_id as reverted_change_id,
from linked
left join core.change_twins as twins on linked.reverting_name = twins.change_id
left join core.change_twins as reverted_twins on linked.reverted_name = reverted_twins.change_id
inner join core.changes as changes
    on coalesce(twins.told_by, linked.reverting_name) = changes.change_id
inner join core.changes as reverted
    on coalesce(reverted_twins.told_by, linked.reverted_name) = reverted.change_id
where changes.merged_at is not null
