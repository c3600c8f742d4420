/*---
title    = "Change fail rate counts each deployment once"
severity = "error"
remedy   = "Evidence is joined twice: report it with the deployment it names."
---*/
select
    counted.entity_id,
    count(*) as copies,
from metrics.change_fail_rate as counted
group by counted.entity_id
having count(*) > 1
