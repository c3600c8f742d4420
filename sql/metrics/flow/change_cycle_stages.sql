/*---
title     = "Lead time by stage"
question  = "Where does the lead time of a change go?"
unit      = "hours"
better    = "lower"
aggregate = "mean"
measure   = [
    "coding_hours",
    "pickup_hours",
    "review_hours",
    "merge_wait_hours",
    "before_merge_hours",
    "deploy_wait_hours",
]
entity    = "change"
stream    = "deployments"
bots      = "included"
coverage  = "deployment_linkage"
source    = "our own: the parts of DORA change lead time"
caveat    = """
Means, because medians do not add up. Time before the merge that no review or opening splits is
before_merge_hours; a stage a change never had took 0 hours."""
decision  = "Begin with the longest stage."
---*/
with stages as (
    select
        shipped.*,
        case
            when shipped.first_commit_at is null then 'first_commit_unknown'
            when shipped.merged_at is null then 'merge_unknown'
            when shipped.deployed_at < shipped.merged_at then 'deployed_before_merge'
            when
                date_diff('second', shipped.first_commit_at, shipped.deployed_at) <= 0
                or shipped.ready_at < shipped.first_commit_at
                or shipped.merged_at < shipped.ready_at
                or shipped.merged_at < shipped.first_commit_at
                then 'clock_skew'
        end as excluded_because,
    from core.change_deployments as shipped
    where shipped.deployed_at is not null
)

select
    stages.deployed_at as occurred_at,
    stages.team,
    stages.service,
    stages.repository,
    stages.change_id as entity_id,
    stages.title,
    stages.url,
    stages.kind,
    stages.is_bot,
    stages.link,
    stages.first_commit_at as started_at,
    stages.deployed_at as ended_at,
    coalesce(date_diff('second', stages.first_commit_at, stages.ready_at), 0) / 3600.0
        as coding_hours,
    coalesce(date_diff('second', stages.ready_at, stages.first_review_at), 0) / 3600.0
        as pickup_hours,
    coalesce(
        date_diff(
            'second', stages.first_review_at, coalesce(stages.approved_at, stages.merged_at)
        ),
        0
    ) / 3600.0 as review_hours,
    coalesce(date_diff('second', stages.approved_at, stages.merged_at), 0) / 3600.0
        as merge_wait_hours,
    case
        when stages.first_review_at is not null then 0
        else
            date_diff(
                'second', coalesce(stages.ready_at, stages.first_commit_at), stages.merged_at
            ) / 3600.0
    end as before_merge_hours,
    date_diff('second', stages.merged_at, stages.deployed_at) / 3600.0 as deploy_wait_hours,
    date_diff('second', stages.first_commit_at, stages.deployed_at) / 3600.0 as total_hours,
    stages.excluded_because,
from stages
