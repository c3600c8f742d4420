"""The way to a server: proxies, certificates, and what is said where there is none."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any, ClassVar

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from dxmetrics.errors import CollectError, OverloadError, RetryableError, SettingsError
from dxmetrics.http import ATTEMPTS, Client
from tests.engine.scripted_server import Answer, Scripted

PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


class Greeting(BaseHTTPRequestHandler):
    """Answers any GET, as a server or as a proxy, with the line it was asked by."""

    asked: ClassVar[list[str]]

    def do_GET(self) -> None:
        type(self).asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (named so by the base)
        """Nothing: a test's output stays clean."""


@contextmanager
def greeting_server(context: ssl.SSLContext | None = None) -> Iterator[tuple[int, list[str]]]:
    """The port of a server, with the certificate of `context` if given, and what it was asked for."""

    class Fresh(Greeting):
        asked: ClassVar[list[str]] = []

    server = ThreadingHTTPServer(("127.0.0.1", 0), Fresh)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_port, Fresh.asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def connected(url: str, **options: Any) -> Iterator[Client]:
    client = Client("forge", url, now=lambda: datetime.now(UTC), sleep=lambda _: None, **options)
    try:
        yield client
    finally:
        client.close()


# -- proxies ----------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def test_requests_go_through_the_proxy_that_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with (
        greeting_server() as (port, asked),
        connected("http://forge.test/api", proxy=f"http://127.0.0.1:{port}") as client,
    ):
        assert client.get("items").status_code == 200
    assert asked == ["http://forge.test/api/items"]


def test_requests_go_through_the_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with greeting_server() as (port, asked):
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
        with connected("http://forge.test/api") as client:
            assert client.get("items").status_code == 200
    assert asked == ["http://forge.test/api/items"]


def test_a_transport_of_a_test_is_not_passed_by_for_a_proxy() -> None:
    forge = Scripted(httpx2.Response(200))
    forge.client(proxy="http://127.0.0.1:9").get("items")
    assert len(forge.seen) == 1


@pytest.mark.parametrize("proxy", ["proxy9://ada:pw@proxy", "socks5://ada:pw@proxy", "http://ada:pw@proxy:port"])
def test_a_proxy_address_that_cannot_be_used_is_a_wrong_setting_and_not_shown(proxy: str) -> None:
    with (
        pytest.raises(SettingsError, match="forge: the proxy's address cannot be used: write `proxy`") as caught,
        connected("http://forge.test", proxy=proxy),
    ):
        pass
    assert "pw" not in str(caught.value)


# -- certificates -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def own_authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """The certificate file of an authority nobody knows, and a server's context with a certificate of it."""
    folder = tmp_path_factory.mktemp("certificates")
    authority_key, server_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Forge Test Authority")])
    now = datetime.now(UTC)

    def signed(subject: x509.Name, key: ec.EllipticCurvePrivateKey, *extensions: x509.ExtensionType) -> bytes:
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(authority_name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(authority_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    known_by = x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key())
    signed_by = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(known_by)
    use = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    authority_file = folder / "authority.pem"
    authority_file.write_bytes(
        signed(authority_name, authority_key, x509.BasicConstraints(ca=True, path_length=None), known_by, use)
    )
    host = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    chain = folder / "server.pem"
    chain.write_bytes(
        server_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + signed(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "forge")]), server_key, host, signed_by)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return authority_file, context


def test_a_server_of_an_own_authority_is_trusted_with_its_file(own_authority: tuple[Path, ssl.SSLContext]) -> None:
    ca_file, context = own_authority
    with (
        greeting_server(context) as (port, asked),
        connected(f"https://127.0.0.1:{port}", ca_file=ca_file) as client,
    ):
        assert client.get("items").status_code == 200
    assert asked == ["/items"]


def test_a_certificate_that_is_not_trusted_names_the_setting_and_is_not_tried_again(
    own_authority: tuple[Path, ssl.SSLContext],
) -> None:
    with (
        greeting_server(own_authority[1]) as (port, asked),
        connected(f"https://127.0.0.1:{port}") as client,
        pytest.raises(
            CollectError, match=r"forge: 127.0.0.1 has a certificate that is not trusted here .*`ca_file`"
        ) as caught,
    ):
        client.get("items")
    assert not isinstance(caught.value, RetryableError)
    assert client.budget.requests == 1
    assert asked == []


def test_a_certificate_file_that_is_none_is_a_wrong_setting(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("no certificate")
    for name in ("empty.pem", "absent.pem"):
        with (
            pytest.raises(SettingsError, match=rf"forge: ca_file '.*{name}' cannot be used .*in PEM form"),
            connected("https://forge.test", ca_file=tmp_path / name),
        ):
            pass


# -- no answer --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failure", "kind", "said"),
    [
        (
            httpx2.ConnectError("Name or service not known"),
            RetryableError,
            "cannot be reached (Name or service not known)",
        ),
        (httpx2.ConnectTimeout(""), RetryableError, "cannot be reached (ConnectTimeout): check `url` and `proxy`"),
        (httpx2.ReadTimeout(""), OverloadError, "does not answer /api/items in time"),
        (httpx2.RemoteProtocolError("closed"), RetryableError, "broke off its answer to /api/items (closed)"),
        (httpx2.DecodingError("bad gzip"), RetryableError, "broke off its answer to /api/items (bad gzip)"),
        (httpx2.ProxyError("407 Proxy"), CollectError, "the proxy lets nothing through to forge.test (407 Proxy)"),
        (httpx2.TooManyRedirects("20"), CollectError, "redirects /api/items in a circle"),
    ],
)
def test_a_request_without_an_answer_says_what_failed(failure: Answer, kind: type[CollectError], said: str) -> None:
    forge = Scripted(failure)
    with pytest.raises(CollectError) as caught:
        forge.client().get("items")
    assert type(caught.value) is kind
    assert said in str(caught.value)
    assert len(forge.seen) == (ATTEMPTS if issubclass(kind, RetryableError) else 1)


def test_an_error_that_may_quote_a_header_is_not_quoted() -> None:
    with pytest.raises(CollectError, match="cannot be asked for /api/items") as caught:
        Scripted(httpx2.LocalProtocolError("Illegal header value b'Bearer abc'")).client().get("items")
    assert "abc" not in str(caught.value)


def test_a_connection_that_is_broken_off_is_tried_again_for_real() -> None:
    """A server that closes without a word."""

    class Silent(Greeting):
        asked: ClassVar[list[str]] = []

        def do_GET(self) -> None:
            type(self).asked.append(self.path)
            if len(type(self).asked) > 1:
                type(self).asked.pop()
                super().do_GET()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Silent)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        with connected(f"http://127.0.0.1:{server.server_port}") as client:
            assert client.get("items").status_code == 200
            assert client.budget.requests == 2
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
