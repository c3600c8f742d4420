/*---
title       = "Its template is current"
tier        = "gold"
remedy      = "Take over the newest version of its template: it brings this quarter's fixes."
description = "At most one version behind the newest that any service has or that was released."
---*/
select
    services.service_id,
    case
        when versions.age is null then 'not_applicable'
        when versions.age <= 1 then 'pass'
        else 'fail'
    end as status,
    cast(null as timestamp with time zone) as failing_since,
    versions.age || ' behind' as detail,
from core.services as services
left join core.template_versions as versions
    on
        services.template = versions.template
        and ltrim(services.template_version, 'v') = versions.version
