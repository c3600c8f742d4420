"""Whether a webhook is who it says it is from: each scheme, with the vectors that are published for it."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dxmetrics.collectors.webhooks import (
    Verify,
    basic_password,
    delivery_id,
    either,
    hmac_sha256,
    number,
    shared_token,
    standard_webhooks,
    text,
)
from dxmetrics.errors import PayloadError, SignatureError

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
BODY = b'{"a": 1}'
GITHUB = hmac_sha256("x-hub-signature-256", "sha256=")
SCHEMES: dict[str, Verify] = {
    "hmac": GITHUB,
    "token": shared_token("x-gitlab-token"),
    "basic": basic_password(),
    "standard": standard_webhooks(),
    "either": either(standard_webhooks(), shared_token("x-gitlab-token")),
}
# Published with Standard Webhooks: sent at this time, with this secret, id and body.
VECTOR_AT = datetime.fromtimestamp(1614265330, UTC)
VECTOR_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - published
VECTOR_BODY = b'{"test": 2432232314}'
VECTOR = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}


def hexdigest(secret: str, body: bytes = BODY) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def basic(password: str | bytes, user: str = "dx") -> dict[str, str]:
    given = password.encode() if isinstance(password, str) else password
    return {"authorization": "Basic " + base64.b64encode(user.encode() + b":" + given).decode()}


def standard(secret: bytes, at: datetime = NOW, body: bytes = BODY) -> dict[str, str]:
    stamp = str(int(at.timestamp()))
    signed = hmac.new(secret, f"m1.{stamp}.".encode() + body, hashlib.sha256).digest()
    signature = f"v1,{base64.b64encode(signed).decode()}"
    return {"webhook-id": "m1", "webhook-timestamp": stamp, "webhook-signature": signature}


# -- HMAC of the body -------------------------------------------------------------------------------------------------


def test_the_signature_that_github_publishes_verifies() -> None:
    signed = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    GITHUB({"x-hub-signature-256": signed}, b"Hello, World!", "It's a Secret to Everybody", NOW)


@pytest.mark.parametrize(
    ("secret", "body", "signed"),
    [
        ("other", BODY, f"sha256={hexdigest('s3cret')}"),
        ("s3cret", BODY + b" ", f"sha256={hexdigest('s3cret')}"),
        ("s3cret", BODY, hexdigest("s3cret")),
        ("s3cret", BODY, f"sha1={hexdigest('s3cret')}"),
        ("s3cret", BODY, f"sha256={hexdigest('s3cret')[:-1]}"),
        ("s3cret", BODY, "sha256="),
        ("s3cret", BODY, "sha256=ä漢"),
    ],
)
def test_another_secret_body_or_form_does_not_verify(secret: str, body: bytes, signed: str) -> None:
    with pytest.raises(SignatureError, match="x-hub-signature-256 does not fit: set the same secret"):
        GITHUB({"x-hub-signature-256": signed}, body, secret, NOW)


def test_one_of_several_signatures_is_enough_while_a_secret_is_rotated() -> None:
    pagerduty = hmac_sha256("x-pagerduty-signature", "v1=")
    both = f"v1={hexdigest('old')}, v1={hexdigest('new')}"
    pagerduty({"x-pagerduty-signature": both}, BODY, "new", NOW)
    pagerduty({"x-pagerduty-signature": both}, BODY, "old", NOW)
    with pytest.raises(SignatureError):
        pagerduty({"x-pagerduty-signature": both}, BODY, "third", NOW)


def test_a_secret_may_have_any_letters() -> None:
    hmac_sha256("x-gitea-signature")({"x-gitea-signature": hexdigest("gehäuse 🔑")}, BODY, "gehäuse 🔑", NOW)


# -- the secret itself ------------------------------------------------------------------------------------------------


def test_a_shared_token_is_the_secret_as_its_bytes_came() -> None:
    verify = shared_token("x-gitlab-token")
    verify({"x-gitlab-token": "gehäuse".encode().decode("latin-1")}, BODY, "gehäuse", NOW)
    for wrong in ("gehause", "gehäuse2", "漢"):
        with pytest.raises(SignatureError, match="x-gitlab-token does not fit"):
            verify({"x-gitlab-token": wrong}, BODY, "gehäuse", NOW)


def test_a_basic_password_is_the_secret_for_any_user() -> None:
    verify = basic_password()
    verify(basic("s3:cret"), BODY, "s3:cret", NOW)
    verify(basic("s3cret", user=""), BODY, "s3cret", NOW)
    verify({"authorization": basic("s3cret")["authorization"].replace("Basic", "basic")}, BODY, "s3cret", NOW)


@pytest.mark.parametrize(
    "headers",
    [
        basic("S3cret"), basic(b"\xff\xfe"), {"authorization": "Basic s3cret"}, {"authorization": "Basic"},
        {"authorization": "Basic ä"}, {"authorization": "Bearer s3cret"}, {},
    ],
)  # fmt: skip
def test_another_password_or_scheme_does_not_verify(headers: dict[str, str]) -> None:
    with pytest.raises(SignatureError, match="authorization"):
        basic_password()(headers, BODY, "s3cret", NOW)


# -- Standard Webhooks ------------------------------------------------------------------------------------------------


def test_the_published_vector_of_standard_webhooks_verifies() -> None:
    standard_webhooks()(VECTOR, VECTOR_BODY, VECTOR_SECRET, VECTOR_AT)


def test_of_a_list_of_signatures_one_that_is_v1_has_to_fit() -> None:
    verify = standard_webhooks()
    good = VECTOR["webhook-signature"]
    for others in (f"v1,AAAA {good}", f"v1a,{good.removeprefix('v1,')} {good}"):
        verify({**VECTOR, "webhook-signature": others}, VECTOR_BODY, VECTOR_SECRET, VECTOR_AT)
    for none in ("v1,AAAA", f"v2,{good.removeprefix('v1,')}", good.removeprefix("v1,"), "ä"):
        with pytest.raises(SignatureError, match="webhook-signature does not fit"):
            verify({**VECTOR, "webhook-signature": none}, VECTOR_BODY, VECTOR_SECRET, VECTOR_AT)


def test_a_secret_without_whsec_is_taken_as_text() -> None:
    standard_webhooks()(standard(b"s3cret"), BODY, "s3cret", NOW)


@pytest.mark.parametrize("minutes", [-5, -1, 0, 5])
def test_clocks_may_differ_by_five_minutes(minutes: int) -> None:
    standard_webhooks()(standard(b"s3cret", NOW + timedelta(minutes=minutes)), BODY, "s3cret", NOW)


@pytest.mark.parametrize(("seconds", "told"), [(-301, "301 seconds ago"), (301, "301 seconds ahead")])
def test_an_old_copy_does_not_verify_however_well_it_is_signed(seconds: int, told: str) -> None:
    with pytest.raises(SignatureError, match=f"{told}, more than 300: set the clocks"):
        standard_webhooks()(standard(b"s3cret", NOW + timedelta(seconds=seconds)), BODY, "s3cret", NOW)


@pytest.mark.parametrize("stamp", ["soon", "-1", "1.5", "٣", "9" * 400])
def test_a_time_that_is_no_number_of_seconds_is_told(stamp: str) -> None:
    with pytest.raises(SignatureError, match="webhook-timestamp is no number of seconds"):
        standard_webhooks()({**standard(b"s3cret"), "webhook-timestamp": stamp}, BODY, "s3cret", NOW)


def test_what_is_signed_is_the_id_and_the_time_too() -> None:
    headers = standard(b"s3cret")
    for name, value in (("webhook-id", "m2"), ("webhook-timestamp", str(int(NOW.timestamp()) + 1))):
        with pytest.raises(SignatureError, match="webhook-signature does not fit"):
            standard_webhooks()({**headers, name: value}, BODY, "s3cret", NOW)


@pytest.mark.parametrize("secret", ["whsec_", "whsec_no base64", "whsec_abc"])
def test_a_secret_that_was_copied_badly_is_told(secret: str) -> None:
    with pytest.raises(SignatureError, match="copy the whole secret again"):
        standard_webhooks()(standard(b""), BODY, secret, NOW)


# -- what holds for all -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SCHEMES)
@pytest.mark.parametrize("secret", ["", "  "])
def test_a_blank_secret_verifies_nothing(name: str, secret: str) -> None:
    headers = {
        "x-hub-signature-256": f"sha256={hexdigest(secret)}",
        "x-gitlab-token": secret,
        **basic(secret),
        **standard(secret.encode()),
    }
    with pytest.raises(SignatureError, match="webhook_secret is blank"):
        SCHEMES[name](headers, BODY, secret, NOW)


@pytest.mark.parametrize("name", SCHEMES)
def test_a_missing_header_is_named_with_what_to_do(name: str) -> None:
    with pytest.raises(
        SignatureError, match=r"(no header|authorization).*set the same secret there and as webhook_sec"
    ):
        SCHEMES[name]({}, BODY, "s3cret", NOW)


@pytest.mark.parametrize("name", SCHEMES)
@given(value=st.text(st.characters(max_codepoint=255), min_size=1, max_size=60), body=st.binary(max_size=40))
def test_whatever_comes_is_refused_in_words_that_tell_no_secret(name: str, value: str, body: bytes) -> None:
    headers = dict.fromkeys(
        ("x-hub-signature-256", "x-gitlab-token", "authorization", "webhook-id", "webhook-signature"), value
    )
    headers["webhook-timestamp"] = str(int(NOW.timestamp()))
    with pytest.raises(SignatureError) as refused:
        SCHEMES[name](headers, body, "correct horse battery", NOW)
    assert "correct horse" not in str(refused.value)


def test_either_tells_of_the_signature_that_is_wrong_before_one_that_is_missing() -> None:
    verify = SCHEMES["either"]
    verify({"x-gitlab-token": "s3cret"}, BODY, "s3cret", NOW)
    verify(standard(b"s3cret"), BODY, "s3cret", NOW)
    with pytest.raises(SignatureError, match="x-gitlab-token does not fit"):
        verify({"x-gitlab-token": "other"}, BODY, "s3cret", NOW)
    with pytest.raises(SignatureError, match="no header webhook-signature"):
        verify({}, BODY, "s3cret", NOW)


# -- ids and fields ---------------------------------------------------------------------------------------------------


def test_a_delivery_goes_by_its_header_or_else_by_its_body() -> None:
    identify = delivery_id("webhook-id", "x-id")
    assert identify({"x-id": "2", "webhook-id": "1"}, BODY) == "1"
    assert identify({"x-id": "2", "webhook-id": ""}, BODY) == "2"
    by_body = "sha256:" + hashlib.sha256(BODY).hexdigest()
    for unfit in ({}, {"x-id": "a\tb"}, {"x-id": "x" * 201}):
        assert identify(unfit, BODY) == by_body


@pytest.mark.parametrize(
    "payload", [None, 1, "text", [], {}, {"a": None}, {"a": []}, {"a": {"b": True}}, {"a": {"b": {}}}]
)
def test_a_field_that_is_not_there_is_named(payload: object) -> None:
    with pytest.raises(PayloadError, match=r"no number at `a\.b`"):
        number(payload, "a.b")
    with pytest.raises(PayloadError, match=r"no text at `a\.b`"):
        text(payload, "a.b")


@pytest.mark.parametrize("value", ["", "x" * 201, "a\x00b", "\ud800"])
def test_a_text_that_cannot_be_kept_is_none(value: str) -> None:
    with pytest.raises(PayloadError, match="no text at `a`"):
        text({"a": value}, "a")


def test_the_first_number_there_is_counts() -> None:
    assert number({"project_id": 3}, "project.id", "project_id") == 3
    assert number({"project": {"id": 4}, "project_id": 3}, "project.id", "project_id") == 4
    with pytest.raises(PayloadError, match=r"`project\.id or project_id`"):
        number({}, "project.id", "project_id")
