"""Whatever changes, fails or is killed between two answers, the tables end as one clean collection makes them."""

from __future__ import annotations

import importlib
import random
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from duckdb import DuckDBPyConnection

from dxmetrics import warehouse
from tests.fakes.gitlab import Server, World
from tests.fakes.gitlab.faults import anything

from .harness import TOKEN, alive, clean, collected, gitlab, source

SMALL = 9  # rows of a page


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages so small that a small world has many."""
    parts = {name: importlib.import_module(f"{gitlab.__name__}.{name}") for name in ("api", "changes", "issues")}
    monkeypatch.setattr(parts["api"], "AT_ONCE", SMALL)
    for name in ("changes", "issues"):
        monkeypatch.setattr(parts[name], "LISTING", replace(parts[name].LISTING, usual=SMALL))


def world_of(seed: int) -> World:
    """Two projects with half a year of everything."""
    dice = random.Random(seed)  # noqa: S311
    world = World()
    projects = [world.project("acme/shop"), world.project("acme/pay/core")]
    world.join("acme", "ada", "bob")
    world.join("acme/pay", "bob")
    world.wait(days=-180)
    happen = happening(seed)
    for number in range(60):
        world.wait(hours=dice.choice([0, 1, 60, 150]))
        world.open(projects[number % 2], dice.choice(["ada", "bob"]))
        happen(world)
    world.wait(days=2)
    return world


def happening(seed: int) -> Callable[[World], None]:
    """Something that happens to a world, another thing each time."""
    dice = random.Random(seed)  # noqa: S311

    def happen(world: World) -> None:
        project = dice.choice(list(world.projects.values()))
        request = dice.choice(project["mergeRequests"] or [world.open(project)])
        issue = dice.choice(project["issues"] or [world.issue(project)])
        run = dice.choice(project["pipelines"] or [world.run(project)])
        running = [one for one in project["deployments"] if one["status"] == "running"]
        deeds = [
            lambda: world.open(project, dice.choice(["ada", "bob", "cleo"])),
            lambda: world.comment(request, dice.choice(["ada", "bob"])),
            lambda: world.approve(request),
            lambda: world.unapprove(request),
            lambda: world.merge(request, method=dice.choice(["merge", "squash", "squash_forward"])),
            lambda: world.push(request, forces=True),
            lambda: world.label(request, "bug", f"area-{dice.randrange(9)}"),
            lambda: world.delete(project, "mergeRequests", request),
            lambda: world.run(project, status=dice.choice([None, "SUCCESS", "FAILED"])),
            lambda: world.finish(run) if run["status"] == "RUNNING" else world.retry(run, "FAILED"),
            lambda: world.retry(run, None),
            lambda: world.child(project, run, dice.choice([None, "SUCCESS"])),
            lambda: world.deploy(project, dice.choice(["production", "staging", "eu-west"]), shipped=[request]),
            lambda: world.deploy(project, status="running"),
            lambda: world.settle(dice.choice(running), "success", [request]) if running else None,
            lambda: world.issue(project, kind=dice.choice(["ISSUE", "INCIDENT"]), labels=("sev2",)),
            lambda: world.close(issue),
            lambda: world.delete(project, "issues", issue) if dice.random() < 0.3 else world.reopen(issue),
            lambda: world.release(project, f"v{world.number()}", world.now + timedelta(hours=dice.choice([-90, 0, 5]))),
        ]
        dice.choice(deeds)()

    return happen


def lies(world: World, connection: DuckDBPyConnection) -> list[str]:
    """What changed in a time that is said to be covered, and is not there as it is now."""
    found = []
    for table, kind in (("changes", "mergeRequests"), ("pipeline_runs", "pipelines"), ("issues", "issues")):
        covers = connection.execute(
            "select scope, covered_from, covered_to from meta.coverage where stream = ?", [table]
        ).fetchall()
        landed = dict(connection.execute(f"select ext_id, updated_at from landing.{table}").fetchall())
        for scope, start, end in covers:
            rows = [row for row in world.projects[int(scope)][kind] if row.get("source") != "parent_pipeline"]
            for row in rows:
                is_there = landed.get(str(row["number"])) == row["updatedAt"].replace(microsecond=0)
                if start < row["updatedAt"] < end and not is_there:
                    found.append(f"{table} {row['number']}")
    return found


@pytest.mark.parametrize("seed", range(3))
def test_any_disturbed_collection_ends_as_a_clean_one(
    seed: int, tmp_path: Path, connection: DuckDBPyConnection
) -> None:
    dice = random.Random(seed)  # noqa: S311
    world = world_of(seed)
    happen = happening(seed + 100)
    server = Server(world, token=TOKEN, seconds_per_request=0.5)
    server.by_chance = anything(seed, happen)
    for _ in range(dice.randint(3, 7)):
        collected(source(server, tmp_path), connection, stop_after=dice.choice([None, 1, 2, 5, 9]))
        assert lies(world, connection) == []
        world.wait(minutes=dice.choice([2, 16, 45, 60 * 30]))
        for _ in range(5):
            happen(world)
    server.by_chance = None
    for wait in (timedelta(hours=25), timedelta(days=8), timedelta(hours=1)):  # a sweep comes a week after the first
        assert collected(source(server, tmp_path), connection) == []
        world.now += wait
    assert collected(source(server, tmp_path), connection) == []
    landed, wanted = alive(connection), clean(server, tmp_path / "clean")
    assert set(landed) == set(wanted)
    for table in set(wanted) - {"identities", "memberships"}:  # who was once seen stays known
        assert landed[table] == wanted[table], table


def test_a_collection_may_be_killed_after_any_page(tmp_path: Path) -> None:
    world = world_of(11)
    server = Server(world, token=TOKEN)
    wanted = clean(server, tmp_path / "clean")
    for place, stop_after in enumerate((1, 4, 9, 20)):
        folder = tmp_path / str(place)
        folder.mkdir()
        with closing(warehouse.open_writer(folder)) as connection:
            collected(source(server, folder), connection, stop_after=stop_after)
            collected(source(server, folder), connection)
            assert alive(connection) == wanted
