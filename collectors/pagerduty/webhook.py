"""PagerDuty's V3 webhooks: which events are about something that is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dxmetrics.collectors.webhooks import Headers, Looks, Webhook, delivery_id, field, hmac_sha256

# Services are read once a day whatever happens, and nothing is read of notes, responders and status updates.
CHANGES = frozenset(
    {
        "incident.acknowledged", "incident.delegated", "incident.priority_updated", "incident.reopened",
        "incident.resolved", "incident.service_updated", "incident.triggered", "incident.unacknowledged",
    }
)  # fmt: skip


def looks(_headers: Headers, payload: Mapping[str, Any]) -> Looks:
    """All there is to look at, where an incident changed: that is one scope, by whatever name the settings give it."""
    event = field(payload, "event.event_type")
    return None if isinstance(event, str) and event in CHANGES else ()


WEBHOOK = Webhook(hmac_sha256("x-pagerduty-signature", "v1="), delivery_id("x-webhook-id"), looks)
