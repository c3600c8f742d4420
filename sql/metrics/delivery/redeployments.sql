/*---
title     = "Redeployments"
question  = "How often is the running version deployed again?"
unit      = "redeployments"
better    = "lower"
aggregate = "count"
entity    = "deployment"
stream    = "deployments"
bots      = "included"
source    = "our own, beside DORA deployment frequency"
caveat    = """
Nothing new reaches users, so these are in no other delivery metric but the rework denominator."""
decision  = "Many: find out what a restart is meant to cure."
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
    and deployments.kind = 'redeploy'
