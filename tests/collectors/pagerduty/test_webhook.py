"""What PagerDuty's webhooks make the source look at, and how they are known to be PagerDuty's."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from dxmetrics.errors import SignatureError

from .support import pagerduty

WEBHOOK = pagerduty.PagerDuty.webhook
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


def body(kind: str) -> dict[str, Any]:
    """An event as PagerDuty sends it."""
    data = {"id": "PGR0VU2", "type": "incident", "service": {"id": "PF9KMXH", "summary": "Büro"}}
    return {"event": {"id": "5ac64822", "event_type": kind, "resource_type": "incident", "data": data}}


def signature(secret: str, sent: bytes) -> str:
    return "v1=" + hmac.new(secret.encode(), sent, hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    "kind",
    ["triggered", "acknowledged", "unacknowledged", "resolved", "reopened", "priority_updated", "service_updated"],
)
def test_an_incident_that_changed_is_looked_at(kind: str) -> None:
    assert WEBHOOK.looks({}, body(f"incident.{kind}")) is None


@pytest.mark.parametrize(
    "payload",
    [
        body("incident.annotated"), body("incident.responder.added"), body("service.updated"), body("pagey.ping"),
        body("incident.of_a_new_kind"), {"event": {"event_type": ["incident.resolved"]}}, {"event": []}, {},
    ],
)  # fmt: skip
def test_what_changes_nothing_that_is_read_is_not_looked_at(payload: dict[str, Any]) -> None:
    assert WEBHOOK.looks({}, payload) == ()


def test_one_of_the_signatures_has_to_fit_while_the_secret_is_exchanged() -> None:
    sent = json.dumps(body("incident.triggered"), ensure_ascii=False).encode()
    both = f"{signature('former', sent)},{signature('secret', sent)}"
    WEBHOOK.verify({"x-pagerduty-signature": both}, sent, "secret", NOW)
    WEBHOOK.verify({"x-pagerduty-signature": both}, sent, "former", NOW)
    for headers, received in (
        ({"x-pagerduty-signature": both}, sent + b" "),
        ({"x-pagerduty-signature": signature("other", sent)}, sent),
        ({"x-pagerduty-signature": signature("secret", sent).removeprefix("v1=")}, sent),
        ({}, sent),
    ):
        with pytest.raises(SignatureError, match="x-pagerduty-signature"):
            WEBHOOK.verify(headers, received, "secret", NOW)


def test_a_delivery_that_comes_again_has_the_same_id() -> None:
    sent = json.dumps(body("incident.triggered")).encode()
    assert WEBHOOK.delivery_id({"x-webhook-id": "1f2e"}, sent) == "1f2e"
    assert WEBHOOK.delivery_id({}, sent) == WEBHOOK.delivery_id({}, sent) != WEBHOOK.delivery_id({}, sent + b" ")
