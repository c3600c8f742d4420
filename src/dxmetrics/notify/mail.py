"""Mail by SMTP: one connection for many messages, each handed over at most once.

A recipient who is refused stops nobody else. What the server puts off is tried three times; a server that hangs is
given up after 20 seconds. No address and no word of the server, which often repeats the address, is logged.
"""

from __future__ import annotations

import logging
import re
import smtplib
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid, parseaddr
from ipaddress import ip_address
from types import TracebackType
from typing import Self

from dxmetrics.errors import DeliveryError, SettingsError
from dxmetrics.notify.outcome import Outcome
from dxmetrics.settings.sections import Mail as MailSettings

TRIES = 3
MOST_PUT_OFF = 5  # messages in a row; then it is not their recipients
TIMEOUT = 20.0  # seconds without a word from the server
PAUSE = 2.0  # seconds before a second try, twice as many before a third
GO_ON, DONE, FAREWELL, PERMANENT = 354, 250, 421, 500

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Attachment:
    """A file that comes with a message."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True)
class Mail:
    """One message to one person.

    `images` are PNGs that the HTML shows, by what it calls them after `cid:`. `key` makes the Message-ID the same each
    time, so that a message sent twice can be known as one; left out: each has its own.
    """

    to: str
    subject: str
    text: str
    html: str | None = None
    images: Mapping[str, bytes] = field(default_factory=dict)
    attachments: tuple[Attachment, ...] = ()
    key: str | None = None


class _ComeLater(Exception):
    """The server puts a message off, or goes away before it has it."""

    def __init__(self, why: str, *, is_recipient: bool) -> None:
        super().__init__(why)
        self.is_recipient = is_recipient


class Mailer:
    """The mail server of `[mail]`; the connection is made with the first message. Not for several threads at once.

    SettingsError where `[mail]` does not say enough.
    """

    def __init__(
        self,
        settings: MailSettings,
        *,
        now: Callable[[], datetime],
        timeout: float = TIMEOUT,
        sleep: Callable[[float], None] = time.sleep,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._settings = settings
        self._host, self._sender = _required(settings)
        self._domain = parseaddr(self._sender)[1].rpartition("@")[2]
        self._now = now
        self._timeout = timeout
        self._sleep = sleep
        self._trust = trust
        self._server: smtplib.SMTP | None = None
        self._put_off = 0
        self.code: int | None = None  # what the server answered last about a message; None: nothing

    def __enter__(self) -> Self:
        """Itself; the connection ends with the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take leave of the server."""
        if self._server is not None:
            try:
                self._server.quit()
            except (OSError, smtplib.SMTPException):
                log.debug("host=%s left without an answer", self._host)  # what was handed over stays handed over
            self._drop()

    def send(self, mail: Mail) -> Outcome:
        """Hand a message over. DeliveryError: the server takes nothing from us, so nobody else's either."""
        self.code = None
        try:
            recipient = _envelope(mail.to)
            message = self._message(mail)
        except ValueError:
            log.info("host=%s outcome=refused code=none", self._host)
            return "refused"
        for number in range(TRIES):
            if number:
                self._sleep(PAUSE * 2 ** (number - 1))
            try:
                outcome = self._hand_over(recipient, message)
            except _ComeLater as later:
                put_off = later
            else:
                self._put_off = 0
                return outcome
        self._put_off += 1
        if put_off.is_recipient and self._put_off < MOST_PUT_OFF:
            log.info("host=%s outcome=deferred %s", self._host, put_off)
            return "deferred"
        raise DeliveryError(f"mail: {self._place} takes no mail now ({put_off}): try again later")

    def _hand_over(self, recipient: str, message: bytes) -> Outcome:
        try:
            server = self._connected()
            self._ask(server, f"MAIL FROM:<{parseaddr(self._sender)[1]}>", DONE, "the sender")
            code, _ = server.docmd(f"RCPT TO:<{recipient}>")
            if code in (DONE, 251):
                code, _ = server.docmd("DATA")
            if code != GO_ON:
                return self._told(server, code)
        except OSError as error:
            self._drop()
            if _is_timeout(error):
                raise DeliveryError(
                    f"mail: {self._place} does not answer within {self._timeout:g} s: see that it runs, and that "
                    "[mail] host, port and security are right"
                ) from error
            raise _ComeLater(type(error).__name__, is_recipient=False) from error
        try:
            server.send(message)
            code, _ = server.getreply()
        except OSError as error:
            self._drop()
            log.info("host=%s outcome=unsure error=%s", self._host, type(error).__name__)
            return "unsure"
        return "accepted" if code == DONE else self._told(server, code)

    def _told(self, server: smtplib.SMTP, code: int) -> Outcome:
        """What a refusal of this one message means."""
        self.code = code
        if code == FAREWELL:
            self._drop()
            raise _ComeLater(f"code={code}", is_recipient=False)
        try:
            server.docmd("RSET")
        except OSError:
            self._drop()  # the next message gets a connection of its own
        if code < PERMANENT:
            raise _ComeLater(f"code={code}", is_recipient=True)
        log.info("host=%s outcome=refused code=%d", self._host, code)
        return "refused"

    def _ask(self, server: smtplib.SMTP, command: str, expected: int, what: str) -> None:
        """A step that has nothing to do with the recipient."""
        code, said = server.docmd(command)
        if code == expected:
            return
        self._drop()
        if code >= PERMANENT:
            raise DeliveryError(
                f"mail: {self._place} refuses {what} {self._sender} ({code} {_words(said)}): correct [mail] sender, or "
                "user and password"
            )
        raise _ComeLater(f"code={code}", is_recipient=False)

    # -- the connection -----------------------------------------------------------------------------------------------

    def _connected(self) -> smtplib.SMTP:
        if self._server is None:
            server = self._opened()
            try:
                self._secure(server)
                self._log_in(server)
            except BaseException:
                server.close()
                raise
            self._server = server
        return self._server

    def _opened(self) -> smtplib.SMTP:
        host, port = self._host, self._settings.port
        try:
            if self._settings.security == "tls":
                return smtplib.SMTP_SSL(host, port, self._domain, timeout=self._timeout, context=self._trusting())
            return smtplib.SMTP(host, port, self._domain, timeout=self._timeout)
        except ssl.SSLError as error:
            raise self._not_encrypted(error) from error

    def _secure(self, server: smtplib.SMTP) -> None:
        if self._settings.security != "starttls":
            return
        try:
            server.starttls(context=self._trusting())
        except smtplib.SMTPNotSupportedError as error:
            raise DeliveryError(
                f'mail: {self._place} offers no STARTTLS: set [mail] security to "tls" and port to 465, or use another '
                "server"
            ) from error
        except ssl.SSLError as error:
            raise self._not_encrypted(error) from error

    def _log_in(self, server: smtplib.SMTP) -> None:
        user, password = self._settings.user, self._settings.password
        server.ehlo_or_helo_if_needed()
        if user is None or password is None:
            return
        try:
            server.login(user, password.get_secret_value())
        except (smtplib.SMTPAuthenticationError, smtplib.SMTPNotSupportedError) as error:
            raise DeliveryError(
                f"mail: {self._place} refuses the login of {user!r}: correct [mail] user and DX_MAIL__PASSWORD"
            ) from error

    def _trusting(self) -> ssl.SSLContext:
        return self._trust or ssl.create_default_context()

    def _not_encrypted(self, error: ssl.SSLError) -> DeliveryError:
        return DeliveryError(
            f"mail: {self._place}: no encrypted connection ({error.reason}): correct [mail] port and security, or name "
            "your own authority's certificates in the environment variable SSL_CERT_FILE"
        )

    def _drop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    @property
    def _place(self) -> str:
        return f"{self._host}:{self._settings.port}"

    def _message(self, mail: Mail) -> bytes:
        """The message as it goes over the wire, dots doubled and its end marked."""
        message = EmailMessage(policy=SMTP)
        message["From"] = self._sender
        message["To"] = mail.to
        message["Subject"] = mail.subject
        message["Date"] = format_datetime(self._now())
        message["Message-ID"] = f"<{mail.key}@{self._domain}>" if mail.key else make_msgid(domain=self._domain)
        message["Auto-Submitted"] = "auto-generated"
        message["X-Auto-Response-Suppress"] = "All"  # Exchange would answer with absence notes
        message.set_content(mail.text, cte="quoted-printable")
        if mail.html is not None:
            message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
            *_, html = message.iter_parts()
            for name, image in mail.images.items():
                html.add_related(image, "image", "png", cid=f"<{name}>", disposition="inline")
        for one in mail.attachments:
            kind, _, subtype = one.media_type.partition(";")[0].partition("/")
            message.add_attachment(one.content, kind, subtype, filename=one.name)
        content = message.as_bytes().rstrip(b"\r\n") + b"\r\n"
        return re.sub(rb"(?m)^\.", b"..", content) + b".\r\n"


def _required(settings: MailSettings) -> tuple[str, str]:
    """Host and sender; SettingsError where they are missing, or a password would be sent in the open."""
    if settings.host is None:
        raise SettingsError("[mail] host is missing: name the server that sends mail")
    if settings.sender is None or "@" not in parseaddr(settings.sender)[1]:
        raise SettingsError(f"[mail] sender = {settings.sender!r}: write the address that mails come from")
    if settings.security == "none" and settings.password is not None and not _is_here(settings.host):
        raise SettingsError(
            f'[mail] security = "none" would send the password to {settings.host} in the open: use "starttls" or "tls"'
        )
    return settings.host, settings.sender


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _envelope(address: str) -> str:
    """The address as the server is told it; ValueError where it is none that SMTP can carry."""
    local, _, domain = address.rpartition("@")
    if not (local and domain) or re.search(r"[\s<>]", address):
        raise ValueError("no address")
    local.encode("ascii")
    return f"{local}@{domain.encode('idna').decode()}"


def _words(said: bytes) -> str:
    return said.decode("utf-8", "replace").partition("\n")[0][:200]


def _is_timeout(error: BaseException | None) -> bool:
    """Whether the server was silent; smtplib tells it as a broken connection."""
    while error is not None:
        if isinstance(error, TimeoutError):
            return True
        error = error.__cause__ or error.__context__
    return False
