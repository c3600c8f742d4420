/*---
title    = "Changes are not deployed before their first commit"
severity = "warning"
description = "A release commit that is its own change has a lead time of exactly zero: no sign of a wrong clock."
remedy   = "More than one in fifty is: compare the clocks of the tools, or see which rule takes deployments from tags."
---*/
select
    shipped.repository,
    count(*) as changes,
    sum(case when shipped.deployed_at < shipped.first_commit_at then 1 else 0 end)
        as deployed_before,
from core.change_deployments as shipped
where shipped.deployed_at is not null and shipped.first_commit_at is not null
group by shipped.repository
having
    sum(case when shipped.deployed_at < shipped.first_commit_at then 1 else 0 end)
    > count(*) * 0.02
