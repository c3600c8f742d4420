/*---
title    = "Every declared capability could serve somebody"
severity = "warning"
remedy   = "Its filters in dx.toml fit no service or team: correct them, or give services their type, tier and language."
---*/
with eligible as (
    select distinct eligibility.capability,
    from core.capability_eligibility as eligibility
    where eligibility.ineligible_because is null
)

select
    capabilities.capability,
    capabilities.capability_title,
from core.capabilities as capabilities
anti join eligible on capabilities.capability = eligible.capability
