"""The sample organisation, collected small and published once, and the pages run on it without a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dxmetrics import pipeline
from dxmetrics.metrics import Cell, Metrics
from dxmetrics.project import DATA_VARIABLE, FOLDER_VARIABLE, Project, builtin_root

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)  # a Wednesday: the week of 23 November is still running
SMALL = {"DX_SAMPLE__SCALE": "0.2", "DX_SAMPLE__MONTHS": "6"}

OpenPage = Callable[..., AppTest]


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project without dx.toml, which is the sample organisation's, with one publication."""
    project = Project.find(tmp_path_factory.mktemp("sample"), SMALL)
    pipeline.up(project, clock=lambda: NOW)
    return project


@pytest.fixture
def metrics(published: Project) -> Metrics:
    """The numbers the pages must agree with."""
    return Metrics.open(published.data)


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path, Path], None]]:
    """`serve(folder, data)`: what pages read from now on, as `dxmetrics up` would say it to the dashboard's process."""

    def point(folder: Path, data: Path) -> None:
        monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
        monkeypatch.setenv(DATA_VARIABLE, str(data))
        st.cache_resource.clear()
        st.cache_data.clear()

    yield point
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture
def open_page(published: Project, serve: Callable[[Path, Path], None]) -> OpenPage:
    """`open_page("delivery", team="Mobile")`: that page of the published sample, run with this address."""
    serve(published.folder, published.data)
    return run


@pytest.fixture
def open_afresh(published: Project, tmp_path: Path, serve: Callable[[Path, Path], None]) -> OpenPage:
    """`open_page` of which no earlier test's answers are kept: the publication has another place."""
    (tmp_path / "published").symlink_to(published.data / "published")
    serve(published.folder, tmp_path)
    return run


def run(name: str, **query: Any) -> AppTest:
    """A built-in page, run with this address."""
    app = AppTest.from_file(page(name), default_timeout=60)
    for key, value in query.items():
        app.query_params[key] = value
    return app.run()


def page(name: str) -> Path:
    """The file of a built-in page."""
    return builtin_root() / "dashboards" / "pages" / f"{name}.py"


def html(app: AppTest) -> str:
    """Everything the page wrote as HTML."""
    return "\n".join(str(element.value) for element in app.html)


def cell(week: int = 0, value: float | None = 10.0, n: int = 20, **rest: Any) -> Cell:
    """A cell of the week that is `week` weeks after 7 September 2026."""
    start = date(2026, 9, 7) + timedelta(weeks=week)
    return Cell(
        metric="change_lead_time",
        version=1,
        period=f"week {week}",
        period_start=start,
        period_end=start + timedelta(weeks=1),
        dimensions=rest.pop("dimensions", {}),
        value=value,
        unit=rest.pop("unit", "hours"),
        n=n,
        **rest,
    )
