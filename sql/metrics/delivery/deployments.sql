/*---
title     = "Deployments"
question  = "How much change do we put in front of users?"
unit      = "deployments"
better    = "none"
aggregate = "count"
entity    = "deployment"
stream    = "deployments"
bots      = "included"
source    = "our own, beside DORA deployment frequency"
caveat    = """
Counts grow with the number of services: compare a service with itself. A rollout to many regions is
one deployment."""
decision  = "Read beside change fail rate: more deployments that break nothing is the aim."
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
