/*---
title     = "Failed deployment recovery time"
question  = "When a deployment breaks production, how long until users are fine?"
unit      = "hours"
better    = "lower"
aggregate = "recovery"
measure   = "hours"
entity    = "failed deployment"
stream    = "deployments"
bots      = "included"
band      = "failed_deployment_recovery_time"
source    = "DORA, dora.dev/guides/dora-metrics (2023: failed deployment recovery time)"
caveat    = """
From the failed deployment until the last of its incidents is resolved, without incidents until the
repair is deployed. Open failures count as not yet recovered."""
decision  = "High: practise rolling back, and see how long detection takes."
---*/
select
    coalesce(failures.recovered_at, failures.failed_at) as occurred_at,
    deployments.team,
    deployments.service,
    deployments.repository,
    deployments.deployment_id as entity_id,
    deployments.title,
    deployments.url,
    deployments.environment,
    failures.evidence as failure,
    failures.confidence as evidence,
    failures.failed_at as started_at,
    failures.recovered_at as ended_at,
    failures.recovered_at is null as is_open,
    (epoch_us(failures.recovered_at) - epoch_us(failures.failed_at)) / 3.6e9 as hours,
    case when failures.recovered_at < failures.failed_at then 'clock_skew' end as excluded_because,
from core.deployment_failures as failures
inner join core.deployments as deployments
    on
        failures.deployment_id = deployments.deployment_id
        and deployments.is_counted
