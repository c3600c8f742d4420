"""A project whose newest publication tells one story, and its web process: lead time rose in Payments, and only there.

Until 25 October a change of either team takes 8 to 12 hours; from then on one of Payments takes three times as long, as
its service checkout does. A third team, whose name is a formula, has too few changes for a median.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from dxmetrics import api
from dxmetrics.metrics import Metrics
from dxmetrics.project import Project
from dxmetrics.state import State
from tests.conftest import Clock
from tests.engine.metrics.conftest import AS_OF, Warehouse

FORMULA = "=cmd|' /C calc'!A0"
FIRST, ROSE = datetime(2026, 8, 3, 12, tzinfo=UTC), datetime(2026, 10, 26, tzinfo=UTC)
LEAD_TIME = {
    "title": "Change lead time",
    "question": "Once written, how long until a change runs in production?",
    "aggregate": "median",
    "measure": "hours",
    "source": "DORA",
}


@dataclass
class Site:
    """The web process's application, and what stands behind it."""

    app: Starlette
    client: TestClient
    project: Project
    warehouse: Warehouse
    state: State

    @property
    def published(self) -> Metrics:
        """The numbers that others must be told too."""
        return Metrics.open(self.project.data)

    def token(self, *scopes: str) -> str:
        return self.state.tokens.create("a reader", scopes, None)[0]

    def bearer(self, *scopes: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token(*(scopes or ('read',)))}"}


@contextmanager
def site(folder: Path) -> Iterator[Site]:
    """The story, published and served."""
    (folder / "dx.toml").write_text("")
    project = Project.find(folder, {})
    warehouse = Warehouse(project.data)
    warehouse.metric("change_lead_time", LEAD_TIME, list(_changes()))
    for team, service in (("Payments", "checkout"), ("Growth", "landing"), (FORMULA, "odd")):
        warehouse.observe("changes", service, team=team)
    warehouse.statements.append(
        "insert into core.services values ('checkout', 'Payments'), ('landing', 'Growth'), ('odd', null)"
    )
    warehouse.publish()
    stores = api.Stores(project, Clock(AS_OF))
    app = Starlette(
        routes=[Mount("/api", api.create(stores)), *api.badges(stores), *api.assistants(stores)],
    )
    with TestClient(app, raise_server_exceptions=False) as client:
        yield Site(app, client, project, warehouse, stores.state)
    stores.close()


def _changes() -> Iterator[dict[str, Any]]:
    for week in range(16):
        for number in range(8):
            at = FIRST + timedelta(weeks=week, hours=number)
            hours = 8.0 + number % 5
            yield _change(at, "Growth", "landing", hours)
            yield _change(at, "Payments", "checkout", hours * 3 if at >= ROSE else hours)
    for number in range(2):
        yield _change(ROSE + timedelta(hours=number), FORMULA, "odd", 5.0)


def _change(at: datetime, team: str, service: str, hours: float) -> dict[str, Any]:
    return {
        "occurred_at": at, "team": team, "service": service, "repository": "repo", "hours": hours,
        "title": f"=1+{hours}", "url": "https://git.example.com/1", "excluded_because": None,
    }  # fmt: skip
