"""The sample organisation, published once, for what writes reports from it; and an office that delivers them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dxmetrics import pipeline
from dxmetrics.metrics import Metrics
from dxmetrics.project import Project
from dxmetrics.state import open_state
from dxmetrics.survey import read
from dxmetrics.survey.read import Surveys
from tests.conftest import Clock
from tests.engine.mail_server import MailServer, mail_server
from tests.reports.office import Office
from tests.reports.sink import Sink, running_sink

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)  # a Wednesday: November, its last week and the quarter still run
SMALL = {"DX_SAMPLE__SCALE": "0.2", "DX_SAMPLE__MONTHS": "6"}


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project without dx.toml, which is the sample organisation's, with one publication."""
    project = Project.find(tmp_path_factory.mktemp("reports"), SMALL)
    pipeline.up(project, clock=lambda: NOW)
    return project


@pytest.fixture
def metrics(sample: Project) -> Metrics:
    """The numbers that reports must agree with."""
    return Metrics.open(sample.data)


@pytest.fixture
def surveys(sample: Project) -> Surveys:
    """What developers said, as it is published."""
    return read.results(sample.data)


@pytest.fixture
def office(tmp_path: Path, clock: Clock) -> Iterator[Office]:
    with open_state("", tmp_path / "data", clock) as state:
        made = Office(tmp_path, state, clock)
        made.configure("")
        yield made


@pytest.fixture
def server(office: Office) -> Iterator[MailServer]:
    with mail_server() as running:
        office.mail_by(running)
        yield running


@pytest.fixture
def sink() -> Iterator[Sink]:
    with running_sink() as running:
        yield running
