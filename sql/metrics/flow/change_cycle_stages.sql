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
                shipped.deployed_at <= shipped.first_commit_at
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
    coalesce(epoch_us(stages.ready_at) - epoch_us(stages.first_commit_at), 0) / 3.6e9
        as coding_hours,
    coalesce(epoch_us(stages.first_review_at) - epoch_us(stages.ready_at), 0) / 3.6e9
        as pickup_hours,
    coalesce(
        epoch_us(coalesce(stages.approved_at, stages.merged_at))
        - epoch_us(stages.first_review_at),
        0
    ) / 3.6e9 as review_hours,
    coalesce(epoch_us(stages.merged_at) - epoch_us(stages.approved_at), 0) / 3.6e9
        as merge_wait_hours,
    case
        when stages.first_review_at is not null then 0
        else
            (
                epoch_us(stages.merged_at)
                - epoch_us(coalesce(stages.ready_at, stages.first_commit_at))
            ) / 3.6e9
    end as before_merge_hours,
    (epoch_us(stages.deployed_at) - epoch_us(stages.merged_at)) / 3.6e9 as deploy_wait_hours,
    (epoch_us(stages.deployed_at) - epoch_us(stages.first_commit_at)) / 3.6e9 as total_hours,
    stages.excluded_because,
from stages
