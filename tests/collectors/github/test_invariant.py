"""Whatever changes, fails or is killed between two answers, the tables end as one clean collection makes them."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from duckdb import DuckDBPyConnection

from tests.fakes.github import Server, World, generate
from tests.fakes.github.faults import anything

from .harness import TOKEN, alive, clean, collected, source


def mutating(seed: int) -> Callable[[World], None]:
    """Something that happens to a world, another thing each time."""
    dice = random.Random(seed)  # noqa: S311

    def happen(world: World) -> None:
        repo = dice.choice(list(world.repositories.values()))
        pull = dice.choice(repo["pullRequests"] or [world.pull(repo)])
        run = dice.choice(list(world.runs.values()) or [world.run(repo)])
        issue = dice.choice(repo["issues"] or [world.issue(repo)])
        dice.choice(
            [
                lambda: world.pull(repo, dice.choice(["ada", "bob"])),
                lambda: world.review(pull, "bob"),
                lambda: world.merge(pull) if pull["state"] == "OPEN" else None,
                lambda: world.push(pull, "ada", forces=True),
                lambda: world.delete(pull),
                lambda: world.label(pull, "bug", f"area-{dice.randrange(9)}"),
                lambda: world.deploy(repo, pull["headRefOid"], dice.choice(["production", "staging"])),
                lambda: world.run(repo, "Deploy", conclusion=dice.choice([None, "success", "failure"])),
                lambda: world.rerun(run) if run["status"] == "completed" else world.finish(run),
                lambda: world.issue(repo, labels=("incident",)),
                lambda: world.close(issue),
            ]
        )()

    return happen


@pytest.mark.parametrize("seed", range(3))
def test_any_disturbed_collection_ends_as_a_clean_one(
    seed: int, tmp_path: Path, connection: DuckDBPyConnection
) -> None:
    dice = random.Random(seed)  # noqa: S311
    world = generate(seed, repositories=2, pulls=44, runs=12, deployments=6, issues=8, days=200)
    world.team("acme", "payments", ["dev1", "dev2"])
    happen = mutating(seed)
    with Server(world, token=TOKEN, seconds_per_request=0.5) as server:
        server.by_chance = anything(seed, happen)
        for _ in range(dice.randint(3, 6)):
            collected(source(server, tmp_path), connection, stop_after=dice.choice([None, 1, 4, 9, 20]))
            world.wait(minutes=dice.choice([2, 45, 60 * 30]))
            happen(world)
        server.by_chance = None
        for wait in (
            timedelta(hours=25),
            timedelta(days=8),
            timedelta(hours=1),
        ):  # a sweep comes a week after the first
            assert collected(source(server, tmp_path), connection) == []
            world.now += wait
        assert collected(source(server, tmp_path), connection) == []
        landed, wanted = alive(connection), clean(server, tmp_path / "clean")
    assert set(landed) == set(wanted)
    for table in set(wanted) - {"identities", "memberships"}:  # who was once seen stays known
        assert landed[table] == wanted[table], table
