/*---
grain       = "one row per deployment of a change that was reverted after it, and revert"
description = "`repaired_at` is when the revert was deployed to the same service; null: not yet."
---*/
select
    shipped.deployment_id,
    reverts.change_id as revert_change_id,
    reverts.reverted_change_id,
    repair.deployed_at as repaired_at,
from core.reverts as reverts
inner join core.change_deployments as shipped
    on
        reverts.reverted_change_id = shipped.change_id
        and reverts.merged_at >= shipped.deployed_at
        and shipped.deployment_id is not null
left join core.change_deployments as repair
    on
        reverts.change_id = repair.change_id
        and shipped.service_id = repair.service_id
