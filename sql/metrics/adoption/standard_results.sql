/*---
title       = "Standards met"
question    = "How much of what every service is held to do services meet, now?"
unit        = "%"
better      = "higher"
aggregate   = "proportion"
measure     = "is_passed"
entity      = "result"
is_current  = true
source      = "our own, after scorecards of service catalogues; the checks are the files of sql/standards"
caveat      = """
Passes of the checks that apply; what does not apply and what is exempt is left out. The level of a
service is the highest tier of which, and of all below, it fails none. Checks are not weighed in this
share. How long one fails is known only where its data tells."""
decision    = "Begin with the bronze check that most services fail; its remedy says what to do."
---*/
select
    results.starts_at as occurred_at,
    results.team,
    results.service,
    results.repository,
    results.standard,
    results.standard_title,
    results.tier,
    results.weight,
    results.remedy,
    results.status,
    results.detail,
    results.reason,
    strftime(results.until_on, '%Y-%m-%d') as until_on,
    results.days_failing,
    results.standard || '/' || results.service_id as entity_id,
    results.standard_title as title,
    results.status = 'pass' as is_passed,
    case when results.status in ('not_applicable', 'exempt') then results.status end
        as excluded_because,
from core.standard_results as results
