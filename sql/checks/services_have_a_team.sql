/*---
title    = "Services belong to a team"
severity = "warning"
remedy   = "Set team of the service under [[services]], or in the catalogue."
---*/
select services.service,
from core.services as services
where
    services.team is null
    and exists (
        select teams.team,
        from core.teams as teams
    )
