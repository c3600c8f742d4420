"""Mail and Slack: what arrives, what is tried again, and what is never sent twice."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx2
import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import SecretStr

from dxmetrics.errors import DeliveryError, SettingsError
from dxmetrics.notify import Mail, Mailer, Slack
from dxmetrics.notify.slack import escaped, link
from dxmetrics.settings.sections import Mail as MailSettings
from dxmetrics.settings.sections import Slack as SlackSettings
from tests.conftest import Clock
from tests.engine.mail_server import MailServer, free_port, mail_server, silent_server
from tests.engine.scripted_server import Scripted

ADA = Mail("ada@example.org", "Wie läuft's?", "Guten Tag\n.\n..ein Punkt\n" + "x" * 300, "<p>Größe</p>")


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


class Waits(list[float]):
    """A sleep that only remembers."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def send_all(settings: MailSettings, clock: Clock, *mails: Mail, **options: Any) -> list[str]:
    with Mailer(settings, now=clock, **{"sleep": Waits(), **options}) as mailer:
        return [mailer.send(mail) for mail in mails]


def to(address: str) -> Mail:
    return Mail(address, "Subject", "Text")


def test_a_mail_arrives_as_it_was_written(server: MailServer, clock: Clock) -> None:
    assert send_all(server.settings(), clock, ADA) == ["accepted"]
    ((recipient, message),) = server.accepted
    assert (recipient, message["To"], message["From"]) == (ADA.to, ADA.to, "Metrics <dx@example.org>")
    assert message["Subject"] == ADA.subject
    assert message["Date"].datetime == clock.now
    assert message["Message-ID"].endswith("@example.org>")
    assert message["Auto-Submitted"] == "auto-generated"
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert isinstance(text, EmailMessage)
    assert isinstance(html, EmailMessage)
    assert text.get_content().splitlines() == ADA.text.splitlines()
    assert html.get_content().strip() == ADA.html


def test_many_mails_take_one_connection(server: MailServer, clock: Clock) -> None:
    addresses = [f"one{number}@example.org" for number in range(5)]
    assert send_all(server.settings(), clock, *map(to, addresses)) == ["accepted"] * 5
    assert server.recipients == addresses
    assert len(set(server.peers)) == 1


def test_a_refused_recipient_stops_nobody_else_and_is_not_logged(
    server: MailServer, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.refused["gone@example.org"] = "550 5.1.1 <gone@example.org>: no such user"
    mails = [to(f"{name}@example.org") for name in ("ada", "gone", "grace")]
    assert send_all(server.settings(), clock, *mails) == ["accepted", "refused", "accepted"]
    assert server.recipients == ["ada@example.org", "grace@example.org"]
    logged = [record.getMessage() for record in caplog.records if record.name.startswith("dxmetrics")]
    assert logged == ["host=127.0.0.1 outcome=refused code=550"]


@pytest.mark.parametrize("address", ["no address", "ada@", "@example.org", "a<b@example.org", "a\nRCPT TO:<x@y>@z.org"])
def test_what_is_no_address_is_refused_before_the_server_hears_of_it(
    server: MailServer, clock: Clock, address: str
) -> None:
    assert send_all(server.settings(), clock, to(address), to("ada@example.org")) == ["refused", "accepted"]
    assert server.asked == ["ada@example.org"]


def test_a_subject_cannot_bring_headers_of_its_own(server: MailServer, clock: Clock) -> None:
    assert send_all(server.settings(), clock, Mail("ada@example.org", "Hi\r\nBcc: eve@example.org", "T")) == ["refused"]
    assert server.accepted == []


def test_an_international_domain_is_told_in_ascii(server: MailServer, clock: Clock) -> None:
    assert send_all(server.settings(), clock, to("ada@bücher.example")) == ["accepted"]
    assert server.recipients == ["ada@xn--bcher-kva.example"]


def test_what_is_put_off_is_tried_three_times(server: MailServer, clock: Clock) -> None:
    server.answers = ["451 try again", "452 full", "250 OK"]
    waits = Waits()
    assert send_all(server.settings(), clock, to("ada@example.org"), sleep=waits) == ["accepted"]
    assert waits == [2.0, 4.0]
    server.refused["slow@example.org"] = "450 greylisted"
    assert send_all(server.settings(), clock, to("slow@example.org"), to("bob@example.org")) == ["deferred", "accepted"]
    assert server.asked.count("slow@example.org") == 3


def test_a_server_that_puts_everybody_off_is_given_up(server: MailServer, clock: Clock) -> None:
    server.answers = ["451 4.7.1 later"] * 99
    with Mailer(server.settings(), now=clock, sleep=Waits()) as mailer:
        assert [mailer.send(to("ada@example.org")) for _ in range(4)] == ["deferred"] * 4
        with pytest.raises(DeliveryError, match=r"takes no mail now \(code=451\): try again later"):
            mailer.send(to("ada@example.org"))


def test_a_server_that_hangs_up_is_called_again(server: MailServer, clock: Clock) -> None:
    server.answers = ["421 too many messages in one connection"]
    assert send_all(server.settings(), clock, to("ada@example.org")) == ["accepted"]
    assert server.recipients == ["ada@example.org"]


@pytest.mark.parametrize("greeting", [b"", b"220 here\r\n"])
def test_a_server_that_says_nothing_is_given_up_at_once(clock: Clock, greeting: bytes) -> None:
    with silent_server() as settings, pytest.raises(DeliveryError, match=r"does not answer within 0.2 s: see that"):
        send_all(MailSettings(**settings), clock, to("ada@example.org"), timeout=0.2)


def test_a_server_that_is_not_there_is_named(clock: Clock) -> None:
    waits = Waits()
    nowhere = MailSettings(host="127.0.0.1", port=free_port(), security="none", sender="dx@example.org")
    with pytest.raises(DeliveryError, match=rf"mail: 127.0.0.1:{nowhere.port} takes no mail now \(Connection"):
        send_all(nowhere, clock, to("ada@example.org"), sleep=waits)
    assert waits == [2.0, 4.0]


def test_what_may_have_arrived_is_not_sent_again(clock: Clock) -> None:
    received: list[bytes] = []

    def half_a_server(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection, connection.makefile("rwb", buffering=0) as lines:
            lines.write(b"220 here\r\n")
            for answer in (b"250 hello", b"250 sender", b"250 recipient", b"354 go on"):
                lines.readline()
                lines.write(answer + b"\r\n")
            while (line := lines.readline()) != b".\r\n":
                received.append(line)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=half_a_server, args=(listening,))
        thread.start()
        settings = MailSettings(host="127.0.0.1", port=listening.getsockname()[1], security="none", sender="dx@x.org")
        assert send_all(settings, clock, to("ada@example.org")) == ["unsure"]
        thread.join()
    assert b"To: ada@example.org\r\n" in received


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of localhost with its key, signed by itself."""
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


def test_the_login_goes_over_an_encrypted_connection(certificate: Path, clock: Clock) -> None:
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    served.load_cert_chain(certificate)
    logins: list[LoginPassword] = []

    def judge(server: Any, session: Any, envelope: Any, mechanism: str, data: LoginPassword) -> AuthResult:
        logins.append(data)
        return AuthResult(success=data.password == b"sesame", handled=False)

    trust = ssl.create_default_context(cafile=str(certificate))
    with mail_server(tls_context=served, authenticator=judge, auth_required=True) as server:
        secure = {"host": "localhost", "security": "starttls", "user": "dx", "password": "sesame"}
        assert send_all(server.settings(**secure), clock, to("ada@example.org"), trust=trust) == ["accepted"]
        wrong = server.settings(**{**secure, "password": "guessed"})
        with pytest.raises(DeliveryError, match=r"refuses the login of 'dx': correct \[mail\] user") as told:
            send_all(wrong, clock, to("ada@example.org"), trust=trust)
        assert "guessed" not in str(told.value)
        with pytest.raises(DeliveryError, match=r"no encrypted connection \(CERTIFICATE_VERIFY_FAILED\): correct"):
            send_all(server.settings(**secure), clock, to("ada@example.org"))
    assert {login.login for login in logins} == {b"dx"}


def test_a_server_without_starttls_gets_nothing(server: MailServer, clock: Clock) -> None:
    with pytest.raises(DeliveryError, match=r"offers no STARTTLS: set \[mail\] security"):
        send_all(server.settings(security="starttls"), clock, to("ada@example.org"))
    with pytest.raises(DeliveryError, match=r"no encrypted connection .*correct \[mail\] port and security"):
        send_all(server.settings(security="tls"), clock, to("ada@example.org"))
    assert server.asked == []


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, r"\[mail\] host is missing"),
        ({"host": "mail.example.org"}, r"\[mail\] sender = None: write the address"),
        ({"host": "mail.example.org", "sender": "metrics"}, r"\[mail\] sender = 'metrics'"),
        (
            {"host": "mail.example.org", "sender": "dx@example.org", "security": "none", "password": SecretStr("x")},
            r"would send the password to mail.example.org in the open",
        ),
    ],
)
def test_settings_that_cannot_send_say_what_is_missing(given: dict[str, Any], told: str, clock: Clock) -> None:
    with pytest.raises(SettingsError, match=told):
        Mailer(MailSettings(**given), now=clock)


# -- Slack ------------------------------------------------------------------------------------------------------------

WORKSPACE = SlackSettings(token=SecretStr("xoxb-secret-token"))
USER = {"ok": True, "user": {"id": "W012A3CDE", "deleted": False, "is_bot": False}}


def slack(clock: Clock, *answers: httpx2.Response | Exception) -> tuple[Slack, Scripted]:
    scripted = Scripted(*answers, now=clock.now)
    transport = httpx2.MockTransport(scripted._handle)
    return Slack(WORKSPACE, now=lambda: scripted.now, sleep=scripted.sleep, transport=transport), scripted


def test_a_member_is_found_by_address_and_written_to(clock: Clock) -> None:
    workspace, seen = slack(clock, httpx2.Response(200, json=USER), httpx2.Response(200, json={"ok": True, "ts": "1"}))
    assert workspace.find("ada+x@example.org") == "W012A3CDE"
    assert workspace.send("W012A3CDE", "Hello") == "accepted"
    looked, posted = seen.seen
    assert str(looked.url) == "https://slack.com/api/users.lookupByEmail?email=ada%2Bx%40example.org"
    assert str(posted.url) == "https://slack.com/api/chat.postMessage"
    assert posted.headers["authorization"] == "Bearer xoxb-secret-token"
    said = httpx2.Response(200, content=posted.content).json()
    assert said == {"channel": "W012A3CDE", "text": "Hello", "unfurl_links": False, "unfurl_media": False}


@pytest.mark.parametrize(
    "answer",
    [
        {"ok": False, "error": "users_not_found"},
        {"ok": True, "user": {"id": "U1", "deleted": True}},
        {"ok": True, "user": {"id": "U1", "is_bot": True}},
    ],
)
def test_nobody_is_found_who_is_not_there_or_no_person(clock: Clock, answer: dict[str, Any]) -> None:
    assert slack(clock, httpx2.Response(200, json=answer))[0].find("ada@example.org") is None


def test_a_member_who_takes_no_message_stops_nobody_else(clock: Clock) -> None:
    refused = httpx2.Response(200, json={"ok": False, "error": "channel_not_found"})
    workspace, _ = slack(clock, refused, httpx2.Response(200, json={"ok": True}))
    assert [workspace.send("U1", "Hi"), workspace.send("U2", "Hi")] == ["refused", "accepted"]


def test_slack_is_waited_for_as_long_as_it_asks(clock: Clock) -> None:
    busy = httpx2.Response(429, headers={"retry-after": "7"}, json={"ok": False, "error": "ratelimited"})
    workspace, seen = slack(clock, busy, httpx2.Response(200, json={"ok": True}))
    assert workspace.send("U1", "Hi") == "accepted"
    assert sum(seen.waits) >= 7
    assert len(seen.seen) == 2


@pytest.mark.parametrize("answer", [httpx2.Response(500), httpx2.ReadTimeout("slow"), httpx2.ReadError("gone")])
def test_a_post_that_may_have_arrived_is_not_repeated(clock: Clock, answer: httpx2.Response | Exception) -> None:
    workspace, seen = slack(clock, answer)
    assert workspace.send("U1", "Hi") == "unsure"
    assert len(seen.seen) == 1


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (httpx2.Response(200, json={"ok": False, "error": "invalid_auth"}), "set DX_SLACK__TOKEN"),
        (
            httpx2.Response(200, json={"ok": False, "error": "missing_scope"}),
            "scopes chat:write, users:read.email and files:write",
        ),
        (httpx2.Response(200, json={"ok": False, "error": "fatal_error"}), "refused with fatal_error: try again"),
        (httpx2.Response(200, json=[]), r"correct \[slack\] url"),
        (httpx2.ConnectError("down"), "cannot be reached"),
        (httpx2.Response(401), "set DX_SLACK__TOKEN"),
    ],
)
def test_what_concerns_everybody_stops_and_says_what_to_do(
    clock: Clock, answer: httpx2.Response | Exception, told: str
) -> None:
    with pytest.raises(DeliveryError, match=told) as refused:
        slack(clock, answer)[0].send("U1", "Hi")
    assert "xoxb" not in str(refused.value)


def test_without_a_token_there_is_no_slack(clock: Clock) -> None:
    with pytest.raises(SettingsError, match="set DX_SLACK__TOKEN"):
        Slack(SlackSettings(), now=clock)


def test_text_cannot_become_markup_or_a_mention() -> None:
    assert escaped("<!channel> a & b") == "&lt;!channel&gt; a &amp; b"
    assert link("https://dx.example/survey/x", "A|B <c>") == "<https://dx.example/survey/x|A/B &lt;c&gt;>"
