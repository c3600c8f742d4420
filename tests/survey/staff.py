"""An organisation of four teams whose people can be asked, published once for all tests."""

from __future__ import annotations

import atexit
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from dxmetrics import pipeline, warehouse
from dxmetrics.collectors import Page, Scope
from dxmetrics.project import Project, builtin_root
from dxmetrics.records import Change, Deployment, Identity, Record, Repository
from dxmetrics.settings import Settings

NOW = datetime(2026, 10, 5, 9, 30, tzinfo=UTC)

TEAMS = {"Delivery": 2, "Mobile": 9, "Search": 6, "Tiny": 3}
EXTRA: dict[str, list[Any]] = {
    "Mobile": ["release@example.org", "nobody-knows-my-address"],
    "Search": [{"person": "left@example.org", "valid_to": "2026-09-30"}],
}
REPOSITORY = "git.example/shop/web"


def address(team: str, number: int) -> str:
    """The address of a member."""
    return f"{team.lower()}{number}@example.org"


def addresses(*teams: str) -> set[str]:
    """The addresses of every member of these teams, of all teams where none is named."""
    return {address(team, number) for team in teams or TEAMS for number in range(TEAMS[team])}


def document(**sections: Any) -> dict[str, Any]:
    """Settings that name the organisation's people and teams, with other sections beside."""
    return {
        "teams": [
            {
                "name": team,
                "parent": None if team == "Delivery" else "Delivery",
                "members": [address(team, number) for number in range(count)] + EXTRA.get(team, []),
            }
            for team, count in TEAMS.items()
        ],
        "people": [{"name": "Release bot", "email": "release@example.org", "kind": "bot"}],
        **sections,
    }


def project(folder: Path, data: Path, roots: Sequence[Path] = (), **sections: Any) -> Project:
    """The project with these sections, whose publication is in `data`."""
    settings = Settings.model_validate(document(**sections))
    return Project(folder, settings, data, (*roots, builtin_root()))


def deployment(number: int, actor: str, *, hours_ago: float = 1, **other: Any) -> dict[str, Any]:
    """A deployment to production."""
    finished = NOW - timedelta(hours=hours_ago)
    return {
        "ext_id": f"d{number}", "repository": REPOSITORY, "service": "web", "status": "success", "actor": actor,
        "sha": f"{number:040x}", "kind": "change", "started_at": finished - timedelta(minutes=5),
        "finished_at": finished, **other,
    }  # fmt: skip


@cache
def published() -> Path:
    """The data folder with the organisation published: its teams, accounts, and what was deployed lately."""
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    data = Path(folder.name) / "data"
    _publish(data)
    return data


def _publish(data: Path) -> None:
    accounts = [
        {"ext_id": f"{team.lower()}{number}", "login": f"{team.lower()}{number}", "kind": "human",
         "email": address(team, number).upper()}
        for team, count in TEAMS.items() for number in range(count)
    ]  # fmt: skip
    accounts += [
        {"ext_id": "ci", "login": "ci[bot]", "kind": "bot"},
        {"ext_id": "stranger", "login": "stranger", "kind": "human", "email": "stranger@elsewhere.example"},
        {"ext_id": "mobile0-private", "login": "mobile0-private", "email": "7+mobile0@users.noreply.github.com"},
    ]
    shipped = {
        "ext_id": "c1", "repository": REPOSITORY, "number": 1, "state": "merged", "author": "search1",
        "opened_at": NOW - timedelta(days=2), "merged_at": NOW - timedelta(days=1), "merge_sha": f"{2:040x}",
    }  # fmt: skip
    deployments = [
        deployment(1, "mobile1"),
        deployment(2, "ci", changes=["c1"]),
        deployment(3, "mobile2", hours_ago=30),
        deployment(4, "mobile3", environment="staging"),
        deployment(5, "mobile4", kind="rollback"),
        deployment(6, "mobile5", status="cancelled"),
        deployment(7, "stranger"),
        deployment(8, "search2", status="failure", hours_ago=2),
    ]
    rows: Mapping[type[Record], list[dict[str, Any]]] = {
        Repository: [{"ext_id": "r1", "name": REPOSITORY}],
        Identity: accounts,
        Change: [shipped],
        Deployment: deployments,
    }
    connection = warehouse.open_writer(data)
    try:
        loader = warehouse.Loader(connection, "forge", clock=lambda: NOW)
        counts = loader.write(Scope("all", "all"), Page(rows))
        assert counts.refused == 0
        with warehouse.transaction(connection):
            warehouse.set_fact(connection, "as_of", NOW.isoformat())
    finally:
        connection.close()
    made = project(data.parent, data)
    pipeline.build(made, clock=lambda: NOW)
    pipeline.publish(made, clock=lambda: NOW)
