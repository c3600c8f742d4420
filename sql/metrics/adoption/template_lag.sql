/*---
title       = "Versions behind the template"
question    = "How many versions are services behind the newest one of their template?"
unit        = "versions"
better      = "lower"
aggregate   = "median"
measure     = "versions"
entity      = "service"
is_current  = true
source      = "our own, beside MONK's market share (Octopus Deploy): versions behind the newest"
caveat      = """
As of now, against the newest version that any service has or that the template's repository released.
`days_behind` is between the releases of the two, where both are known. Services without a template, or
whose version nobody states, are left out."""
decision    = "Many versions behind: make taking one over a change that the platform opens itself."
---*/
select
    today.starts_at as occurred_at,
    services.team,
    services.service,
    services.repository,
    services.template,
    services.template_version,
    services.service_id as entity_id,
    services.service as title,
    versions.age as versions,
    date_diff('day', versions.released_at, versions.newest_released_at) as days_behind,
    case
        when services.template is null then 'no_template'
        when versions.age is null then 'version_unknown'
    end as excluded_because,
from core.services as services
cross join core.today as today
left join core.template_versions as versions
    on
        services.template = versions.template
        and ltrim(services.template_version, 'v') = versions.version
