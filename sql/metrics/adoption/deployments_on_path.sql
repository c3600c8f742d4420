/*---
title     = "Deployments on the path"
question  = "What share of production deployments is of services that use a capability?"
unit      = "%"
better    = "none"
aggregate = "proportion"
measure   = "is_on_path"
entity    = "deployment"
stream    = "deployments"
source    = "MONK (Octopus Deploy), market share: of the deployments to production"
caveat    = """
The third denominator of the market share: it weighs services by how often they go to production. All
services count, eligible or not, since the capability's first week."""
decision  = "Below the share of services: those who deploy most are not reached; begin with them."
---*/
select
    deployments.finished_at as occurred_at,
    deployments.capability,
    deployments.capability_title,
    deployments.mandate,
    deployments.team,
    deployments.service,
    deployments.repository,
    deployments.deployment_id as entity_id,
    deployments.service as title,
    deployments.url,
    deployments.is_on_path,
from core.capability_deployments as deployments
