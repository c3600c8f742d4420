/*---
title     = "Change fail rate"
question  = "What share of production changes needs immediate intervention?"
unit      = "%"
better    = "lower"
aggregate = "proportion"
measure   = "is_failed"
entity    = "deployment"
stream    = "deployments"
bots      = "included"
coverage  = "incident_linkage"
minimum_coverage = 0  # an incident that no deployment caused is no missing link
band      = "change_fail_rate"
source    = "DORA, dora.dev/guides/dora-metrics"
caveat    = """
Each failed deployment counts once, whatever shows it. Inferred: an incident followed on the same
service within the window. Proxy: no incidents are known, a patch release or a revert followed. Few
logged incidents look like excellence."""
decision  = "Rising: make changes smaller and look at what the failed ones have in common."
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
    failures.deployment_id is not null as is_failed,
from core.deployments as deployments
left join core.deployment_failures as failures
    on deployments.deployment_id = failures.deployment_id
where deployments.is_counted
