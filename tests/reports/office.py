"""A project with its archive, from which tests deliver."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from dxmetrics.project import Project
from dxmetrics.reports.archive import Archive
from dxmetrics.reports.channels import Channels
from dxmetrics.reports.delivery import deliver
from dxmetrics.reports.document import Document
from dxmetrics.state import State
from dxmetrics.state.deliveries import Channel, ReportDelivery, Target
from tests.conftest import Clock
from tests.engine.mail_server import MailServer
from tests.reports.delivering import contents
from tests.reports.small import document

ADA, BOB, EVE = "ada@example.org", "bob@example.org", "eve@example.org"


@dataclass
class Office:
    """A project with its archive, and everything that can be delivered from it."""

    folder: Path
    state: State
    clock: Clock

    def configure(self, text: str) -> None:
        (self.folder / "dx.toml").write_text(text)

    def mail_by(self, server: MailServer) -> None:
        self.configure(
            f'[mail]\nhost = "127.0.0.1"\nport = {server.port}\nsecurity = "none"\nsender = "dx@example.org"\n'
        )

    @property
    def project(self) -> Project:
        return Project.find(self.folder, {})

    def plan(self, channel: Channel, *recipients: str, formats: tuple[str, ...] = ("pdf",), **given: Any) -> Document:
        """An edition that is to go to these."""
        kept = Archive(self.state).keep(document(**given))
        self.state.deliveries.plan(kept.id, kept.edition, [Target(channel, one) for one in recipients], formats)
        return kept

    def deliver(self, **options: Any) -> list[ReportDelivery]:
        channels = partial(Channels, sleep=lambda seconds: None, timeout=options.pop("timeout", 5.0))
        return deliver(self.project, self.state, self.clock, contents=contents, channels=channels, **options)

    def outcomes(self, **options: Any) -> dict[str, str]:
        """How what was tried ended, by recipient."""
        return {one.recipient: one.status for one in self.deliver(**options)}

    def one(self) -> ReportDelivery:
        (found,) = self.state.deliveries.of()
        return found
