"""Credentials: how they are sent, renewed, and kept from strangers."""

import threading
from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from dxmetrics.errors import AuthError, CollectError, LimitedError, RetryableError, SettingsError
from dxmetrics.http import Basic, Bearer, Budgets, HeaderToken, Refreshed, signed_jwt
from tests.engine.scripted_server import NOON, Scripted, date

OK = httpx2.Response(200, json={})
PEM = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65_537, key_size=2048)


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, passphrase: bytes | None = None) -> str:
    closed = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return key.private_bytes(*PEM, closed).decode()


def test_each_credential_has_its_header() -> None:
    forge = Scripted(OK)
    for auth in (Bearer(" abc\n"), HeaderToken("PRIVATE-TOKEN", "abc"), Basic("ada", "pässword")):
        forge.client(auth=auth).get("items")
    bearer, private, basic = (request.headers for request in forge.seen)
    assert bearer["authorization"] == "Bearer abc"
    assert private["private-token"] == "abc"
    assert b64decode(basic["authorization"].removeprefix("Basic ")).decode() == "ada:pässword"


@pytest.mark.parametrize("token", ["", " \n", "abc\ndef", "abc\x00", "päss"])
def test_a_token_no_header_can_hold_is_a_wrong_setting(token: str) -> None:
    with pytest.raises(SettingsError, match="the token is empty or has characters no token has") as caught:
        Bearer(token)
    assert "abc" not in str(caught.value)


# -- tokens that end --------------------------------------------------------------------------------------------------


class Tokens:
    """Gives out tokens 1, 2, ... that live for an hour."""

    def __init__(self, server: Scripted, lifetime: timedelta = timedelta(hours=1)) -> None:
        self.server = server
        self.lifetime = lifetime
        self.given = 0

    def __call__(self) -> tuple[str, datetime]:
        self.given += 1
        return f"token-{self.given}", self.server.now + self.lifetime


def sent(forge: Scripted) -> list[str]:
    return [request.headers["authorization"].removeprefix("Bearer token-") for request in forge.seen]


def test_a_token_is_renewed_ten_minutes_before_it_ends() -> None:
    forge = Scripted(OK)
    client = forge.client(auth=Refreshed(Tokens(forge), lambda: forge.now))
    for minutes in (0, 49, 1, 40):
        forge.now += timedelta(minutes=minutes)
        client.get("items")
    assert sent(forge) == ["1", "1", "2", "2"]


def test_a_short_token_serves_half_of_its_life() -> None:
    forge = Scripted(OK)
    client = forge.client(auth=Refreshed(Tokens(forge, timedelta(minutes=8)), lambda: forge.now))
    for _ in range(4):
        client.get("items")
        forge.now += timedelta(minutes=3)
    assert sent(forge) == ["1", "1", "2", "2"]


def test_a_wrong_clock_does_not_ask_for_a_token_each_time() -> None:
    forge = Scripted(OK)
    client = forge.client(auth=Refreshed(Tokens(forge, timedelta(hours=-2)), lambda: forge.now))
    client.get("items")
    client.get("items")
    assert sent(forge) == ["1", "1"]


def test_a_refused_token_is_renewed_once() -> None:
    forge = Scripted(httpx2.Response(401), OK)
    forge.client(auth=Refreshed(Tokens(forge), lambda: forge.now)).get("items")
    assert sent(forge) == ["1", "2"]

    refusing = Scripted(httpx2.Response(401))
    client = refusing.client(auth=Refreshed(Tokens(refusing), lambda: refusing.now))
    with pytest.raises(AuthError, match="401 on /api/items"):
        client.get("items")
    assert sent(refusing) == ["1", "2"]
    assert client.budget.requests == 2


def test_threads_that_need_a_token_at_once_ask_for_one() -> None:
    forge = Scripted(OK)
    tokens = Tokens(forge)
    client = forge.client(auth=Refreshed(tokens, lambda: forge.now))
    start = threading.Barrier(4)

    def ask(_: int) -> int:
        start.wait(timeout=10)
        return client.get("items").status_code

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, range(4))) == [200] * 4
    assert tokens.given == 1


def test_a_token_that_cannot_be_had_fails_the_scope_and_is_not_asked_for_without_end() -> None:
    asked: list[int] = []

    def fetch() -> tuple[str, datetime]:
        asked.append(1)
        raise RetryableError("forge: 502 on /token: try again later")

    forge = Scripted(OK)
    with pytest.raises(CollectError, match=r"502 on /token.*\(when a new token was asked for\)") as caught:
        forge.client(auth=Refreshed(fetch, lambda: forge.now)).get("items")
    assert not isinstance(caught.value, RetryableError)
    assert (len(asked), len(forge.seen)) == (1, 0)


@pytest.mark.parametrize("error", [AuthError("no"), LimitedError("later", NOON)])
def test_why_a_token_cannot_be_had_is_told_as_it_is(error: CollectError) -> None:
    def fetch() -> tuple[str, datetime]:
        raise error

    forge = Scripted(OK)
    with pytest.raises(type(error), match=str(error)):
        forge.client(auth=Refreshed(fetch, lambda: forge.now)).get("items")


def test_clients_of_one_account_share_a_budget_whatever_its_token_is() -> None:
    forge = Scripted(OK)
    budgets = Budgets()

    def budget(account: str | None) -> int:
        auth = Refreshed(Tokens(forge), lambda: forge.now, account=account)
        return id(forge.client(budgets=budgets, auth=auth).budget)

    assert budget("app 7") == budget("app 7") != budget("app 8")
    assert budget(None) != budget(None)


# -- tokens that are signed -------------------------------------------------------------------------------------------


def test_a_signed_token_says_who_and_until_when(key: rsa.RSAPrivateKey) -> None:
    for text in (pem(key), pem(key).replace("\n", "\\n"), f"\n{pem(key)}\n"):
        token = signed_jwt(text, "12345", lambda: NOON)
        claims = jwt.decode(
            token, key.public_key(), algorithms=["RS256"], options={"verify_exp": False, "verify_iat": False}
        )
        assert claims == {
            "iss": "12345",
            "iat": NOON.timestamp() - 60,
            "exp": NOON.timestamp() + 540,
        }


def test_a_key_that_is_none_is_a_wrong_setting(key: rsa.RSAPrivateKey) -> None:
    curve = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    for text in ("", "secret-text", pem(key)[:200], pem(key, b"phrase"), pem(curve), public.decode()):
        with pytest.raises(
            SettingsError, match="the private key cannot be used: give the whole RSA key in PEM"
        ) as caught:
            signed_jwt(text, "12345", lambda: NOON)
        assert "secret-text" not in str(caught.value)


def test_an_app_gets_its_token_though_this_machine_is_an_hour_late(key: rsa.RSAPrivateKey) -> None:
    """The signed token is refused, and the refusal tells the server's time: the next one is right."""

    def respond(request: httpx2.Request) -> httpx2.Response:
        answered = date(forge.now + timedelta(hours=1))
        shown = request.headers["authorization"].removeprefix("Bearer ")
        if request.url.path == "/api/items":
            return httpx2.Response(200 if shown == "installed" else 401, headers=answered)
        claims = jwt.decode(shown, options={"verify_signature": False})
        is_valid = claims["exp"] > (forge.now + timedelta(hours=1)).timestamp()
        return httpx2.Response(201 if is_valid else 401, headers=answered, json={"token": "installed"})

    forge = Scripted(respond=respond)

    def signed() -> tuple[str, datetime]:
        now = app.server_time()
        return signed_jwt(pem(key), "7", lambda: now), now + timedelta(minutes=9)

    app = forge.client(auth=Refreshed(signed, lambda: app.server_time()))  # noqa: PLW0108  (app is not there yet)

    def installed() -> tuple[str, datetime]:
        token = app.json("app/installations/1/access_tokens", method="POST", is_safe=True)["token"]
        return token, app.server_time() + timedelta(hours=1)

    client = forge.client(auth=Refreshed(installed, app.server_time))
    for _ in range(3):
        assert client.get("items").status_code == 200
    assert [request.url.path for request in forge.seen] == [
        "/api/app/installations/1/access_tokens",
        "/api/app/installations/1/access_tokens",
        *["/api/items"] * 3,
    ]


# -- other servers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "token", [Bearer("abcdefgh"), HeaderToken("PRIVATE-TOKEN", "abcdefgh"), Basic("ada", "abcdefgh")]
)
@pytest.mark.parametrize("place", ["https://storage.test/log", "https://forge.test:8443/log", "http://forge.test/log"])
def test_a_redirect_to_another_server_is_followed_without_the_credential(token: httpx2.Auth, place: str) -> None:
    def respond(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/api/items":
            return httpx2.Response(302, headers={"location": place, "set-cookie": "session=abcdefgh"})
        return OK

    forge = Scripted(respond=respond)
    forge.client(auth=token, headers={"X-Own-Secret": "abcdefgh"}).get("items")
    home, elsewhere = forge.seen
    assert "abcdefgh" in home.headers["x-own-secret"]
    assert str(elsewhere.url) == place
    assert not {"authorization", "private-token", "x-own-secret", "cookie"} & set(elsewhere.headers)
    assert elsewhere.headers["accept"] == "application/json"


def test_an_address_on_another_server_is_asked_without_the_credential() -> None:
    forge = Scripted(httpx2.Response(401))
    with pytest.raises(CollectError, match=r"storage.test asks for a credential of its own") as caught:
        forge.client(auth=Bearer("abc")).get("https://storage.test/report")
    assert not isinstance(caught.value, AuthError)
    assert "authorization" not in forge.seen[0].headers


def test_a_renamed_repository_is_followed_with_the_credential() -> None:
    def respond(request: httpx2.Request) -> httpx2.Response:
        moved = {"location": "https://forge.test/api/repositories/7"}
        return httpx2.Response(301, headers=moved) if request.url.path == "/api/repos/a/b" else OK

    forge = Scripted(respond=respond)
    client = forge.client(auth=Bearer("abc"))
    assert client.get("repos/a/b").status_code == 200
    assert forge.seen[1].headers["authorization"] == "Bearer abc"
    assert client.budget.requests == 2


def test_a_server_that_has_come_to_https_still_gets_the_credential() -> None:
    def respond(request: httpx2.Request) -> httpx2.Response:
        is_plain = request.url.scheme == "http"
        return httpx2.Response(301, headers={"location": "https://forge.test/api/items"}) if is_plain else OK

    forge = Scripted(respond=respond)
    forge.client("http://forge.test/api", auth=Bearer("abc")).get("items")
    assert forge.seen[1].headers["authorization"] == "Bearer abc"
