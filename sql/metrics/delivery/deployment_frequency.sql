/*---
title     = "Deployment frequency"
question  = "On how many days of a week does change reach users?"
unit      = "days/week"
better    = "higher"
aggregate = "active_days"
entity    = "deployment"
stream    = "deployments"
bots      = "included"
band      = "deployment_frequency"
source    = "DORA, dora.dev/guides/dora-metrics; deploy-days after Four Keys"
caveat    = """
Days, not deployments: fourteen deployments on one Friday are one day. Rollbacks and redeployments
are counted apart. A release is not always a deployment."""
decision  = "Where it is low, look at deploy wait and change size: big batches wait for each other."
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
    deployments.line,

from core.deployments as deployments
where
    deployments.is_production
    and deployments.status = 'success'
    and deployments.kind in ('change', 'hotfix', 'config')
