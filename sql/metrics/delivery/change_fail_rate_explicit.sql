/*---
title     = "Change fail rate, stated links only"
question  = "What share of production changes is known for certain to have failed?"
unit      = "%"
better    = "lower"
aggregate = "proportion"
measure   = "is_failed"
entity    = "deployment"
stream    = "deployments"
bots      = "included"
source    = "our own, beside DORA change fail rate"
caveat    = """
Without what is inferred from time or from patch releases and reverts: a lower bound of
change_fail_rate."""
decision  = "Far below change_fail_rate: link incidents to the deployments that caused them."
---*/
select
    deployments.finished_at as occurred_at,
    deployments.team,
    deployments.service,
    deployments.repository,
    deployments.deployment_id as entity_id,
    deployments.title,
    deployments.url,
    deployments.kind,
    deployments.environment,
    deployments.via,
    failures.evidence as failure,
    failures.confidence as evidence,
    coalesce(failures.confidence = 'explicit', false) as is_failed,
from core.deployments as deployments
left join core.deployment_failures as failures
    on deployments.deployment_id = failures.deployment_id
where deployments.is_counted
