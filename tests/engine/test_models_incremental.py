"""Building a part gives what building the whole gives: random histories over small models and over the real `sql/`."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from duckdb import DuckDBPyConnection

from dxmetrics import models, warehouse
from dxmetrics.models import Derivation, Model
from dxmetrics.pipeline import derivations
from dxmetrics.records import (
    Change,
    ChangeCommit,
    Commit,
    Deployment,
    Identity,
    Incident,
    Issue,
    Membership,
    PipelineRun,
    PlatformEvent,
    Record,
    Repository,
    Review,
    Service,
    Team,
    UsageFact,
)
from dxmetrics.settings import Settings, variables
from tests.engine.sql_folder import SqlFolder

ROOT = Path(__file__).parents[2]
T0 = datetime(2026, 1, 1, tzinfo=UTC)
SMALL = (Change, Review, Deployment)
STEPS = 9
FEW = 6  # of each thing: rows meet each other often


class History:
    """Random rows of a small organisation; every key is updated, moved, deleted and brought back again and again."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311  # no secret: a history that can be repeated

    def moment(self) -> datetime | None:
        return self.random.choice([None, *(T0 + timedelta(hours=self.random.randrange(200)) for _ in range(4))])

    def instant(self) -> datetime:
        return T0 + timedelta(hours=self.random.randrange(200))

    def later(self) -> datetime:
        """An instant of ten weeks."""
        return T0 + timedelta(hours=self.random.randrange(24 * 70))

    def one(self, name: str, count: int = FEW) -> str:
        return f"{name}{self.random.randrange(count)}"

    def row(self, record: type[Record], number: int) -> dict[str, Any]:
        """A row of that key with random values."""
        pick = self.random.choice
        repository, sha = self.one("repository", 2), self.one("sha", 9)
        values: dict[type[Record], dict[str, Any]] = {
            Repository: {"ext_id": f"repository{number % 2}", "name": f"host/org/repository{number % 2}"},
            Team: {"ext_id": f"team{number % 3}", "name": pick(["Team", "Other", f"Team {number}"])},
            Identity: {"login": self.one("login"), "kind": pick(["human", "bot"]), "email": pick([None, "a@b.c"])},
            Service: {"name": f"service{number % 3}", "repository": repository, "team": self.one("team", 3)},
            Change: {
                "repository": repository, "author": self.one("identity"), "state": pick(["open", "merged", "closed"]),
                "title": pick(["a", "hotfix", "revert"]), "opened_at": self.instant(), "merged_at": self.moment(),
                "merge_sha": pick([None, sha]), "head_sha": self.one("sha", 9), "lines_added": pick([None, 1, 900]),
            },
            ChangeCommit: {"change": self.one("change"), "sha": sha, "authored_at": self.moment()},
            Commit: {
                "ext_id": f"{repository}@sha{number}", "repository": repository, "sha": f"sha{number}",
                "parents": [f"sha{number - 1}"] if number else [], "committed_at": self.moment(),
                "cherry_pick_of": pick([None, None, self.one("sha", 9)]),
            },
            Review: {
                "change": self.one("change"), "reviewer": self.one("identity"), "submitted_at": self.instant(),
                "verdict": pick(["approved", "commented"]),
            },
            Deployment: {
                "service": pick([None, self.one("service", 3)]), "repository": repository, "sha": pick([None, sha]),
                "status": pick(["success", "success", "failure"]), "finished_at": self.moment(),
                "environment": pick(["production", "production", "staging"]), "rollout": pick([None, None, "r1"]),
                "changes": pick([[], [], [self.one("change")]]), "reached_users": pick([None, True]),
            },
            Incident: {
                "services": pick([[], [self.one("service", 3)]]), "detected_at": self.instant(),
                "resolved_at": self.moment(), "caused_by_deployment": pick([None, self.one("deployment")]),
            },
            Membership: {
                "team": self.one("team", 3), "person": self.one("identity"),
                "valid_from": pick([None, self.later().date()]), "valid_to": pick([None, self.later().date()]),
            },
            PlatformEvent: {
                "capability": pick(["road", "portal", "else"]), "action": pick(["use", "use", "look"]),
                "outcome": pick(["success", "success", "failure"]), "person": pick([None, self.one("identity", 9)]),
                "service": pick([None, self.one("service", 3)]), "team": pick([None, self.one("team", 3)]),
                "occurred_at": self.later(),
            },
            UsageFact: {
                "provider": "vendor", "metric": pick(["portal", "seats"]), "value": pick([0, 1, 2]),
                "subject_kind": "person", "subject": self.one("identity", 9), "occurred_on": self.later().date(),
            },
            Issue: {
                "key": f"I-{number}", "capability": pick([None, "portal"]), "labels": pick([[], ["road-request"]]),
                "status_category": pick(["todo", "done"]), "created_at": self.later(),
                "done_at": pick([None, self.later()]),
            },
            PipelineRun: {
                "name": "build", "repository": repository, "result": pick([None, "success", "failure"]),
                "started_at": self.moment(), "finished_at": self.moment(), "sha": sha,
            },
        }  # fmt: skip
        return {"ext_id": f"{record.__name__.lower()}{number}", **values[record]}

    def page(self, records: Sequence[type[Record]]) -> dict[str, Any]:
        """A page of some random rows of some records; a tenth of the pages are whole walks, which delete the rest."""
        chosen = self.random.sample(records, self.random.randint(1, min(3, len(records))))
        rows = {
            record: [self.row(record, self.random.randrange(FEW)) for _ in range(self.random.randint(1, 3))]
            for record in chosen
        }
        is_walk = self.random.random() < 0.15
        return {"rows": rows, "snapshot": is_walk, "is_last": is_walk}


def contents(connection: DuckDBPyConnection) -> dict[str, Counter[str]]:
    """Every core table's rows, without order."""
    tables = connection.execute(
        "select table_name from duckdb_tables() where schema_name = 'core' order by 1"
    ).fetchall()
    return {
        name: Counter(repr(row) for row in connection.execute(f"select * from core.{name}").fetchall())
        for (name,) in tables
    }


@pytest.fixture
def compare(connection: DuckDBPyConnection, land: Any, clock: Any) -> Callable[..., Counter[str]]:
    """`compare(...)`: how often models were built in part, over a random history in which every build was compared
    with one from scratch."""

    def run(
        made: Sequence[Model], derived: Sequence[Derivation], settings: Any, seed: int, records: Any, busy: Any
    ) -> Counter[str]:
        history = History(seed)
        in_part: Counter[str] = Counter()
        for step in range(STEPS):
            for _ in range(history.random.randint(1, 3) if step else 25):
                page = history.page(busy if step % 4 else records)
                land(page["rows"], snapshot=page["snapshot"], is_last=page["is_last"])
            report = models.build(connection, made, settings, derived, clock=clock)
            in_part.update(one.name for one in report.models if one.mode == "incremental")
            found = contents(connection)
            connection.execute("update meta.models set fingerprint = 'forgotten'")
            models.build(connection, made, settings, derived, clock=clock)
            expected = contents(connection)
            for name, rows in expected.items():
                assert found[name] == rows, f"core.{name} differs at step {step} of seed {seed}"
        return in_part

    return run


@pytest.fixture
def small(tmp_path: Path) -> list[Model]:
    """Models with a key of expressions, a key of columns, two key columns, a null key, and `affects`."""
    sql = SqlFolder(tmp_path / "project")
    sql.core(
        "changes",
        """
        select
            changes.source || ':' || changes.ext_id as change_id,
            changes.merge_sha,
            changes.title,
            (select count(*) from landing.reviews as reviews where reviews.deleted_at is null
                and reviews.source = changes.source and reviews.change = changes.ext_id) as reviews,
        from landing.changes as changes
        where changes.deleted_at is null
        """,
        """
key = ["change_id"]
[keys]
"landing.changes" = "source || ':' || ext_id"
"landing.reviews" = "source || ':' || change"
""",
    )
    sql.core(
        "shas",
        """
        select deployments.repository, deployments.sha, count(*) as n, min(deployments.finished_at) as first_at,
        from landing.deployments as deployments
        where deployments.deleted_at is null
        group by deployments.repository, deployments.sha
        """,
        "key = ['repository', 'sha']",
    )
    sql.core(
        "shipped",
        """
        select changes.change_id, changes.reviews, max(shas.first_at) as shipped_at,
        from core.changes as changes
        left join core.shas as shas on changes.merge_sha = shas.sha
        group by changes.change_id, changes.reviews
        """,
        """
key = ["change_id"]
[affects]
"core.shas" = "select c.change_id from delta.changed as d inner join core.changes as c on d.sha = c.merge_sha"
""",
    )
    sql.core("summary", "select count(*) as changes, sum(s.reviews) as reviews from core.shipped as s")
    return list(models.read([sql.root]).models)


@pytest.mark.parametrize("seed", range(2))
def test_small_models_built_in_part_equal_those_built_whole(compare: Any, small: list[Model], seed: int) -> None:
    in_part = compare(small, (), {}, seed, SMALL, SMALL)
    assert min(in_part[name] for name in ("core.changes", "core.shas", "core.shipped")) > 1


@pytest.mark.parametrize("seed", range(int(os.environ.get("HISTORIES", "1"))))
def test_the_real_models_built_in_part_equal_those_built_whole(
    compare: Any, connection: DuckDBPyConnection, seed: int
) -> None:
    records = (
        Repository, Team, Identity, Service, Change, ChangeCommit, Commit, Review, Deployment, Incident, PipelineRun,
        Membership, Issue, PlatformEvent, UsageFact,
    )  # fmt: skip
    busy = (Change, ChangeCommit, Review, Deployment, Commit, PlatformEvent, UsageFact)  # the others every fourth time
    made = [model for model in models.read([ROOT]).models if not model.name.startswith("metrics.")]
    road = {"name": "road", "actions": ["use"], "ticket_labels": ["road-*"]}
    portal = {"name": "portal", "unit": "person", "since": T0.date()}
    settings = Settings.model_validate({"capabilities": [road, portal]})
    with warehouse.transaction(connection):
        warehouse.set_fact(connection, "as_of", (T0 + timedelta(weeks=8)).isoformat())
    in_part = compare(made, derivations(settings), variables(settings), seed, records, busy)
    assert {"core.changes", "core.deployments", "core.deployment_attempts"} <= set(in_part)
    assert {"core.capability_uses", "core.capability_weeks", "core.capability_states"} <= set(in_part)
