/*---
title    = "Changes are deployed after their first commit"
severity = "warning"
remedy   = "More than one in fifty is not: compare the clocks of the tools, or see which rule takes deployments from tags."
---*/
select
    shipped.repository,
    count(*) as changes,
    sum(case when shipped.deployed_at <= shipped.first_commit_at then 1 else 0 end) as not_after,
from core.change_deployments as shipped
where shipped.deployed_at is not null and shipped.first_commit_at is not null
group by shipped.repository
having
    sum(case when shipped.deployed_at <= shipped.first_commit_at then 1 else 0 end)
    > count(*) * 0.02
