"""The sample organisation, collected small and published once, for what writes reports from it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dxmetrics import pipeline
from dxmetrics.metrics import Metrics
from dxmetrics.project import Project
from dxmetrics.survey import read
from dxmetrics.survey.read import Surveys

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
