"""How far a first back-fill is, in words a person can plan with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dxmetrics import pipeline, warehouse
from dxmetrics.collectors import Page, Scope
from dxmetrics.project import Project
from dxmetrics.records import Change, Repository
from tests.conftest import Clock

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
MADE = NOW - timedelta(days=1000)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "dx.toml").write_text("")
    return Project.find(tmp_path, {})


def read(project: Project, clock: Clock, scope: str, since: datetime) -> None:
    connection = warehouse.open_writer(project.data)
    row = {"ext_id": scope, "name": f"git.test/{scope}", "created_at": MADE.isoformat()}
    page = Page(rows={Repository: [row]}, covers={Change: (since, NOW)})
    warehouse.Loader(connection, "forge", clock=clock).write(Scope(scope, scope), page)
    connection.close()


def test_it_tells_of_how_many_repositories_history_is_missing_and_how_long_it_takes(
    project: Project, clock: Clock
) -> None:
    for scope in ("a", "b"):
        read(project, clock, scope, NOW - timedelta(days=14))
    fill = pipeline.BackFill(project)
    assert fill.told(["forge"], 0.0) == {"forge": "history is read whole in 0 of 2 repositories"}
    read(project, clock, "a", MADE)
    assert fill.told(["forge"], 600.0) == {
        "forge": "history is read whole in 1 of 2 repositories, about 10 minutes to go"
    }
    read(project, clock, "b", NOW - timedelta(days=990))
    assert fill.told(["forge"], 1200.0)["forge"].endswith("about 1 minute to go")
    read(project, clock, "b", MADE)
    assert fill.told(["forge"], 1260.0) == {}


def test_slow_progress_is_told_in_hours_and_none_is_not_guessed_at(project: Project, clock: Clock) -> None:
    read(project, clock, "a", NOW - timedelta(days=14))
    fill = pipeline.BackFill(project)
    fill.told(["forge"], 0.0)
    assert fill.told(["forge"], 3600.0) == {"forge": "history is read whole in 0 of 1 repository"}
    read(project, clock, "a", NOW - timedelta(days=214))
    assert fill.told(["forge"], 3600.0)["forge"].endswith("about 4 hours to go")
