/*---
title    = "The stages of a change add up to its lead time"
severity = "error"
remedy   = "A stage is computed wrongly: report it with the change it names."
---*/
select
    stages.entity_id,
    stages.service,
    stages.total_hours,
    stages.coding_hours + stages.pickup_hours + stages.review_hours + stages.merge_wait_hours
    + stages.before_merge_hours + stages.deploy_wait_hours as sum_of_stages,
from metrics.change_cycle_stages as stages
where
    stages.excluded_because is null
    and abs(
        stages.total_hours - (
            stages.coding_hours + stages.pickup_hours + stages.review_hours
            + stages.merge_wait_hours + stages.before_merge_hours + stages.deploy_wait_hours
        )
    ) > 0.001
