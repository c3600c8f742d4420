/*---
title    = "Every deployment rule matches something"
severity = "warning"
remedy   = "`dxmetrics sources try NAME` shows the workflows, jobs and branches there are: correct the rule in dx.toml."
---*/
select
    rules.position,
    rules.workflow,
    rules.job,
    rules.branch,
    rules.repository,
    rules.source,
from core.deployment_rules as rules
where
    rules.position not in (
        select runs.rule,
        from core.deploying_runs as runs
        where runs.job_pattern is null
    )
    and rules.position not in (
        select jobs.rule,
        from core.deploying_jobs as jobs
    )
