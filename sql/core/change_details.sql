/*---
grain       = "one row per change of which another source knows more"
key         = ["change_id"]
description = "What a mirror adds to a host's change: the whole merge commit, lines, touched paths, what it reverts."

[keys]
"core.change_twins" = "told_by"

[affects]
"landing.changes" = """
select twins.told_by
from delta.changed as changed
inner join core.change_twins as twins on changed.source || ':' || changed.ext_id = twins.change_id"""
---*/
select
    twins.told_by as change_id,
    max(changes.merge_sha) filter (where twins.is_same_commit) as merge_sha,
    cast(sum(changes.lines_added) as bigint) as lines_added,
    cast(sum(changes.lines_deleted) as bigint) as lines_deleted,
    max(changes.files_changed) as files_changed,
    any_value(changes.paths order by changes.merged_at, changes.ext_id) as paths,
    bool_or(changes.is_revert) as is_revert,
    max(changes.reverts) as reverts,
from core.change_twins as twins
inner join landing.changes as changes
    on twins.change_id = changes.source || ':' || changes.ext_id
where changes.deleted_at is null and changes.opened_at is null
group by twins.told_by
