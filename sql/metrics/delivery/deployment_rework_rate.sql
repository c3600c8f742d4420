/*---
title     = "Deployment rework rate"
question  = "How much of our deploying is unplanned repair?"
unit      = "%"
better    = "lower"
aggregate = "proportion"
measure   = "is_rework"
entity    = "deployment"
stream    = "deployments"
bots      = "included"
band      = "deployment_rework_rate"
source    = "DORA, dora.dev/guides/dora-metrics (2024: deployment rework rate)"
caveat    = """
A lower bound where hotfixes are not marked as such. Redeployments count only where they repair an
incident."""
decision  = "High: the time goes into yesterday's changes; look at change fail rate and tests."
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
    deployments.is_rework,
    case
        when deployments.caused_by_incident_id is not null then 'explicit'
        else deployments.kind_evidence
    end as evidence,
from core.deployments as deployments
where deployments.is_production and deployments.reached_users
