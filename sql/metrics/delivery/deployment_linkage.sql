/*---
title     = "Deployment linkage"
question  = "Of how many deployments do we know which changes they shipped?"
unit      = "%"
better    = "higher"
aggregate = "proportion"
measure   = "is_linked"
entity    = "deployment"
stream    = "deployments"
bots      = "included"
source    = "our own, beside DORA change lead time"
caveat    = """
Linked: the deployed commit is in the collected history, or the source lists the changes. Time alone
is no link."""
decision  = """
Low: have the pipeline report the commit it deploys, and collect the repository's history."""
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
    exists (
        select 1 as found,
        from core.linked_attempts as linked
        where linked.deployment_id = deployments.deployment_id
    ) as is_linked,
from core.deployments as deployments
where deployments.is_production and deployments.status = 'success'
