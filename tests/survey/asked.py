"""What tests of invitations and reminders share: a mail server, a project that writes to it, and a wave."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dxmetrics.project import Project
from dxmetrics.state import State, Wave
from dxmetrics.survey import Given, Instrument, waves
from tests.conftest import Clock
from tests.engine.mail_server import MailServer, mail_server
from tests.survey import staff
from tests.survey.conftest import document

ADDRESS = "https://metrics.example.org"
ANSWERS = Given({"fast_v1": 4})
EVERYBODY = staff.addresses()


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


@pytest.fixture
def instrument() -> Instrument:
    survey = {
        "id": "small", "version": 1, "title": {"en": "Small", "de": "Klein"}, "languages": ["en", "de"],
        "intro": {"en": "Two <b>questions</b>.", "de": "Zwei Fragen."}, "confidentiality": "confidential",
        "contact": "dx@example.org",
    }  # fmt: skip
    return Instrument.model_validate(document(survey=survey))


@pytest.fixture
def project(server: MailServer, tmp_path: Path) -> Project:
    return project_of(server, tmp_path)


def project_of(server: MailServer, folder: Path, **surveys: Any) -> Project:
    made = staff.project(folder, staff.published(), surveys={"address": ADDRESS, **surveys})
    return replace(made, settings=made.settings.model_copy(update={"mail": server.settings()}))


@pytest.fixture
def wave(state: State, instrument: Instrument, clock: Clock) -> Wave:
    return opened(state, instrument, clock)


def opened(state: State, instrument: Instrument, clock: Clock, name: str = "2026-Q4") -> Wave:
    return waves.open_wave(state, instrument, clock(), ZoneInfo("UTC"), name=name)


def tokens(server: MailServer) -> dict[str, str]:
    """The link that each recipient was last sent."""
    found = {}
    for to, message in server.accepted:
        body = message.get_body(("plain",))
        assert isinstance(body, EmailMessage)
        (token,) = re.findall(rf"^{ADDRESS}/survey/(\S+?)(?:\?lang=\w+)?\r?$", body.get_content(), re.MULTILINE)
        found[to] = token
    return found


def bytes_of(*folders: Path) -> bytes:
    return b"".join(path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file())
