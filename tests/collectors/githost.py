"""A real Git host on loopback: git's own http-backend behind nginx, as Debian packages them."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PATH = f"{os.environ['PATH']}:/usr/sbin:/usr/lib/git-core"
NGINX, FCGIWRAP, BACKEND = (shutil.which(name, path=PATH) for name in ("nginx", "fcgiwrap", "git-http-backend"))
IS_THERE = bool(NGINX and FCGIWRAP and BACKEND)

BACKEND_CONFIG = """
fastcgi_pass unix:{folder}/cgi;
fastcgi_param SCRIPT_FILENAME {backend};
fastcgi_param GIT_PROJECT_ROOT {folder}/repositories;
fastcgi_param GIT_HTTP_EXPORT_ALL 1;
fastcgi_param PATH_INFO $uri;
fastcgi_param REQUEST_METHOD $request_method;
fastcgi_param QUERY_STRING $query_string;
fastcgi_param CONTENT_TYPE $content_type;
fastcgi_param CONTENT_LENGTH $content_length;
fastcgi_param REMOTE_USER $remote_user;
"""
CONFIG = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
events {{}}
http {{
    client_body_temp_path {folder}/client;
    fastcgi_temp_path {folder}/fastcgi;
    proxy_temp_path {folder}/proxy;
    scgi_temp_path {folder}/scgi;
    uwsgi_temp_path {folder}/uwsgi;
    log_format told '$server_port|$http_host|$request_uri|$status|$http_authorization';
    access_log {folder}/requests told;
    server {{
        listen 127.0.0.1:{http};
        listen 127.0.0.1:{https} ssl;
        ssl_certificate {folder}/certificate.pem;
        ssl_certificate_key {folder}/key.pem;
        auth_basic git;
        auth_basic_user_file {folder}/users;
        location / {{ include {folder}/backend; }}
        location /slow/ {{ rewrite ^/slow(/.*)$ $1 break; limit_rate 200k; include {folder}/backend; }}
        location /closed/ {{ deny all; }}
        location /renamed/ {{ rewrite ^/renamed(/.*)$ $1 permanent; }}
        location /away/ {{ rewrite ^/away(/.*)$ http://127.0.0.1:{open}$1 redirect; }}
        location /sign-in/ {{ auth_basic off; default_type text/html; return 200 "<html>\n<title>Sign in</title>\n"; }}
        location /busy/ {{ return 429; }}
    }}
    server {{
        listen 127.0.0.1:{open};
        location / {{ include {folder}/backend; }}
    }}
    server {{
        listen 127.0.0.1:{proxy};
        location / {{ proxy_pass http://127.0.0.1:{http}; }}
    }}
}}
"""


class Request(NamedTuple):
    """One line of the host's log."""

    port: int
    host: str
    path: str
    status: int
    authorization: str


class Host:
    """A running host. `repositories` are served by their folders' names; `accept` says whose token opens them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repositories = folder / "repositories"
        self.repositories.mkdir()
        self.ports = dict(zip(("http", "https", "open", "proxy"), free_ports(4), strict=True))
        self.url, self.secure_url, self.open_url, self.proxy_url = (
            f"{'https' if name == 'https' else 'http'}://127.0.0.1:{port}" for name, port in self.ports.items()
        )
        self.certificate = folder / "certificate.pem"

    def accept(self, token: str, user: str = "x-access-token") -> None:
        """Let in who shows this token, and nobody else."""
        (self.folder / "users").write_text(f"{user}:{{PLAIN}}{token}\n")

    @property
    def requests(self) -> list[Request]:
        """What was asked of it, oldest first."""
        lines = (line.split("|") for line in (self.folder / "requests").read_text().splitlines())
        return [
            Request(int(port), host, uri.partition("?")[0], int(status), shown)
            for port, host, uri, status, shown in lines
        ]

    def forget(self) -> None:
        """Begin the log anew."""
        (self.folder / "requests").write_text("")

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Start it, and end it with all it started."""
        values = {"folder": self.folder, "backend": BACKEND, **self.ports}
        (self.folder / "backend").write_text(BACKEND_CONFIG.format(**values))
        (self.folder / "nginx.conf").write_text(CONFIG.format(**values))
        self.accept("let-me-in")
        write_certificate(self.folder)
        environment = {"PATH": PATH, "HOME": str(self.folder), "GIT_CONFIG_NOSYSTEM": "1"}
        wrap = [str(FCGIWRAP), "-c", "2", "-s", f"unix:{self.folder}/cgi"]
        serve = [str(NGINX), "-p", str(self.folder), "-c", "nginx.conf", "-e", str(self.folder / "errors")]
        with (
            (self.folder / "said").open("w") as said,
            started(wrap, environment, said),
            started(serve, environment, said) as nginx,
        ):
            self._wait(nginx)
            yield

    def _wait(self, nginx: subprocess.Popen[bytes]) -> None:
        """Until every port answers."""
        deadline = time.monotonic() + 10
        for port in self.ports.values():
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), timeout=1).close()
                    break
                except OSError:
                    if nginx.poll() is not None or time.monotonic() > deadline:
                        raise AssertionError((self.folder / "said").read_text()) from None
                    time.sleep(0.02)


@contextlib.contextmanager
def host() -> Iterator[Host]:
    """A running host in a folder of its own, whose name is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="git-host-") as folder:
        made = Host(Path(folder))
        with made.running():
            yield made


@contextlib.contextmanager
def started(command: list[str], environment: dict[str, str], said: IO[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A running program, ended afterwards with those it started itself."""
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True
    )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on now."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def write_certificate(folder: Path) -> None:
    """A certificate for 127.0.0.1 that no authority of this machine has signed, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
