/*---
title     = "Reworked changes, by assistance"
question  = "Are changes with an assistant's hand in them taken back or repaired more often?"
unit      = "%"
better    = "lower"
aggregate = "proportion"
measure   = "is_reworked"
entity    = "change"
stream    = "changes"
bots      = "included"
source    = "DORA on AI-assisted development: cost per accepted change is paired with rework"
caveat    = """
Reworked: another change takes it back, or the first deployment that shipped it failed, with every
change in it. What assistants are used for differs from what they are not: an association."""
decision  = "Higher with assistance: smaller assisted changes and closer review, before more seats."
---*/
with taken_back as (
    select distinct reverts.reverted_change_id as change_id,
    from core.reverts as reverts
),

broken as (
    select distinct shipped.change_id,
    from core.change_deployments as shipped
    inner join core.deployment_failures as failures
        on shipped.deployment_id = failures.deployment_id
)

select
    changes.merged_at as occurred_at,
    changes.team,
    changes.service,
    changes.repository,
    changes.change_id as entity_id,
    changes.title,
    changes.url,
    case
        when assistance.is_assisted then 'assisted'
        when not assistance.is_assisted then 'unassisted'
    end as assistance,
    case
        when taken_back.change_id is not null then 'taken back'
        when broken.change_id is not null then 'failed deployment'
    end as rework,
    taken_back.change_id is not null or broken.change_id is not null as is_reworked,
    case
        when assistance.is_other_bot then 'bot'
        when assistance.is_assisted is null then 'assistance_unknown'
    end as excluded_because,
from core.changes as changes
inner join core.change_assistance as assistance on changes.change_id = assistance.change_id
left join taken_back on changes.change_id = taken_back.change_id
left join broken on changes.change_id = broken.change_id
where
    changes.kind = 'pull_request'
    and changes.merged_at is not null
    and changes.is_on_default_branch
    and not changes.is_draft
