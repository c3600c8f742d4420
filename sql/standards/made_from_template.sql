/*---
title       = "Comes from a template"
tier        = "gold"
remedy      = "Move it to one of the platform's templates; what it then need not care for is in the template's page."
description = "Applies where it is known of any service which template it comes from."
---*/
select
    services.service_id,
    case
        when services.template is not null then 'pass'
        when bool_or(services.template is not null) over () then 'fail'
        else 'not_applicable'
    end as status,
    case when services.template is null then services.created_at end as failing_since,
    services.template as detail,
from core.services as services
