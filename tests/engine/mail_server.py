"""A mail server on loopback that keeps what it is given, and refuses what it is told to."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from dxmetrics.settings.sections import Mail

ACCEPTED = "250 OK"


class MailServer:
    """`accepted` are the messages taken, with their recipients; `refused` maps recipients to answers to RCPT, and
    `answers` are those to coming DATA. `heard` is called with every message before it is taken.
    """

    def __init__(self, heard: Callable[[EmailMessage], None]) -> None:
        self.accepted: list[tuple[str, EmailMessage]] = []
        self.refused: dict[str, str] = {}
        self.answers: list[str] = []
        self.peers: list[object] = []
        self.asked: list[str] = []
        self.port = 0
        self._heard = heard

    @property
    def recipients(self) -> list[str]:
        """Who got mail, in the order it came."""
        return [to for to, _ in self.accepted]

    def settings(self, **other: Any) -> Mail:
        """The `[mail]` section that sends here."""
        given = {"host": "127.0.0.1", "port": self.port, "security": "none", "sender": "Metrics <dx@example.org>"}
        return Mail.model_validate(given | other)

    async def handle_RCPT(  # noqa: N802  (aiosmtpd's name)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.asked.append(address)
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return ACCEPTED

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = self.answers.pop(0) if self.answers else ACCEPTED
        if answer == ACCEPTED:
            assert isinstance(envelope.content, bytes)
            message = message_from_bytes(envelope.content, policy=default)
            self._heard(message)
            self.peers.append(session.peer)
            self.accepted += [(to, message) for to in envelope.rcpt_tos]
        return answer


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@contextmanager
def mail_server(heard: Callable[[EmailMessage], None] = lambda message: None, **options: Any) -> Iterator[MailServer]:
    """A running server; `options` are aiosmtpd's."""
    server = MailServer(heard)
    server.port = free_port()
    controller = Controller(server, hostname="127.0.0.1", port=server.port, **options)
    controller.start()
    try:
        yield server
    finally:
        controller.stop()


@contextmanager
def silent_server(greeting: bytes = b"") -> Iterator[Mapping[str, Any]]:
    """A server that says `greeting` and then nothing at all: its settings."""
    with socket.create_server(("127.0.0.1", 0), backlog=8) as listening:
        yield {"host": "127.0.0.1", "port": listening.getsockname()[1], "security": "none", "sender": "dx@example.org"}
