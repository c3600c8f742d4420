"""What Typeform's webhooks make the source look at, and how they are known to be Typeform's."""

from __future__ import annotations

import base64
import hashlib
import hmac
import importlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from dxmetrics import collectors
from dxmetrics.errors import PayloadError, SignatureError
from dxmetrics.project import builtin_root

collectors.extend_path([builtin_root() / "collectors"])
WEBHOOK = importlib.import_module("dxmetrics.collectors.typeform").Typeform.webhook
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HEADER = "typeform-signature"


def body(kind: str = "form_response", form: object = "u6nXL7") -> dict[str, Any]:
    """An event as Typeform sends it."""
    return {"event_id": "01H", "event_type": kind, "form_response": {"form_id": form, "token": "r1", "answers": []}}


def signature(secret: str, sent: bytes) -> str:
    return "sha256=" + base64.b64encode(hmac.new(secret.encode(), sent, hashlib.sha256).digest()).decode()


def test_the_form_that_was_handed_in_is_looked_at() -> None:
    assert WEBHOOK.looks({}, body()) == ("u6nXL7",)


@pytest.mark.parametrize("payload", [body("form_response_partial"), body("ping"), {"event_type": []}, {}])
def test_what_is_not_handed_in_is_not_looked_at(payload: dict[str, Any]) -> None:
    assert WEBHOOK.looks({}, payload) == ()


@pytest.mark.parametrize("form", [None, 7, "", ["u6nXL7"]])
def test_a_response_to_no_form_is_refused(form: object) -> None:
    with pytest.raises(PayloadError, match=r"form_response\.form_id"):
        WEBHOOK.looks({}, body(form=form))


def test_the_signature_is_that_of_the_body_as_it_came() -> None:
    sent = json.dumps(body(), ensure_ascii=False).encode()
    WEBHOOK.verify({HEADER: signature("secret", sent)}, sent, "secret", NOW)


@pytest.mark.parametrize(
    "given",
    [
        {}, {HEADER: ""}, {HEADER: "sha256="}, {HEADER: "sha256=not base64"}, {HEADER: "sha256=\xfc"},
        {HEADER: signature("other", b"{}")}, {HEADER: signature("secret", b"{ }")},
        {HEADER: signature("secret", b"{}").replace("sha256", "sha1")},
        {HEADER: signature("secret", b"{}").removeprefix("sha256=")},
        {HEADER: "sha256=" + hmac.new(b"secret", b"{}", hashlib.sha256).hexdigest()},
    ],
)  # fmt: skip
def test_any_other_signature_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(SignatureError, match=HEADER):
        WEBHOOK.verify(given, b"{}", "secret", NOW)


def test_a_blank_secret_verifies_nothing() -> None:
    with pytest.raises(SignatureError, match="webhook_secret is blank"):
        WEBHOOK.verify({HEADER: signature(" ", b"{}")}, b"{}", " ", NOW)


def test_a_delivery_that_comes_again_has_the_same_id() -> None:
    assert WEBHOOK.delivery_id({}, b"{}") == WEBHOOK.delivery_id({}, b"{}") != WEBHOOK.delivery_id({}, b"{ }")
