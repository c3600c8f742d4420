/*---
title     = "Rollbacks"
question  = "How often is an older version brought back?"
unit      = "rollbacks"
better    = "lower"
aggregate = "count"
entity    = "deployment"
stream    = "deployments"
bots      = "included"
source    = "our own, beside DORA deployment frequency"
caveat    = "A revert that rolls forward is a deployment, not a rollback."
decision  = "Many rollbacks: look at what the failed deployments have in common."
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
    deployments.kind_evidence as evidence,

from core.deployments as deployments
where
    deployments.is_production
    and deployments.status = 'success'
    and deployments.kind = 'rollback'
