/*---
title    = "Every declared capability is seen in use"
severity = "warning"
remedy   = "Call it in dx.toml as events, usage facts or tickets do; or say `since` when it is offered."
---*/
select
    capabilities.capability,
    capabilities.capability_title,
from core.capabilities as capabilities
anti join core.capability_starts as starts on capabilities.capability = starts.capability
