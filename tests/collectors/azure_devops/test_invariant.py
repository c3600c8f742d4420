"""Whatever changes, fails or is killed between two answers, the tables end as one clean collection makes them."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from duckdb import DuckDBPyConnection

from dxmetrics.errors import CollectError
from tests.fakes.azure_devops import ADA, BOB, AzureDevOps, Project, Refused, Repository, person

from .harness import alive, clean, collected

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
PEOPLE = (ADA, BOB, person("cleo"), person("robot", descriptor="svc.1"))
FAILURES = (
    (503, {}), (500, {}), (429, {"retry-after": "20"}), (429, {"retry-after": "1800"}), (403, {}), (401, {}),
)  # fmt: skip


def happening(dice: random.Random, shop: Project) -> Callable[[], None]:
    """Something that happens in the project, another thing each time."""

    def chosen(status: str) -> tuple[Repository, int]:
        several = [
            (one, number)
            for one in shop.repositories.values()
            for number, pull in one.pulls.items()
            if pull["status"] == status
        ]
        repository = dice.choice(list(shop.repositories.values()))
        return dice.choice(several) if several else (repository, repository.open(by=dice.choice(PEOPLE)))

    def on(status: str, do: Callable[[Repository, int], object]) -> None:
        do(*chosen(status))

    def build(status: str) -> int:
        found = [number for number, one in shop.builds.items() if one["status"] == status]
        return dice.choice(found) if found else shop.run(dice.choice(list(shop.repositories.values())))

    def item() -> int:
        return dice.choice(list(shop.items)) if shop.items else shop.item()

    elsewhere = {"type": "GitHub", "id": "acme/site", "url": "https://github.com/acme/site.git"}

    def happen() -> None:
        dice.choice(
            [
                lambda: dice.choice(list(shop.repositories.values())).open(by=dice.choice(PEOPLE)),
                lambda: on("active", lambda one, number: one.vote(number, dice.choice(PEOPLE), dice.choice([10, -5]))),
                lambda: on("active", lambda one, number: one.comment(number, dice.choice(PEOPLE))),
                lambda: on("active", lambda one, number: one.push(number, forces=dice.random() < 0.5)),
                lambda: on("active", lambda one, number: one.draft(number, dice.random() < 0.5)),
                lambda: on("active", lambda one, number: one.complete(number)),
                lambda: on("active", lambda one, number: one.complete(number, strategy="rebase")),
                lambda: on("active", lambda one, number: one.abandon(number)),
                lambda: on("abandoned", lambda one, number: one.reactivate(number) if number in one.pulls and one.pulls[
                    number]["status"] == "abandoned" else None),
                lambda: shop.run(dice.choice([*shop.repositories.values(), elsewhere])),
                lambda: shop.finish(build("inProgress"), dice.choice(["succeeded", "failed", "canceled"])),
                lambda: shop.run_again(build("completed")),
                lambda: shop.deploy(dice.choice(["staging", "production"]), build("completed")),
                lambda: shop.release_ends(shop.release(chosen("completed")[0]), dice.choice(["succeeded", "failed"])),
                shop.item,
                lambda: shop.close_item(item()),
                lambda: shop.items.pop(item()),
            ]
        )()  # fmt: skip

    return happen


@pytest.mark.parametrize("seed", range(2))
def test_any_disturbed_collection_ends_as_a_clean_one(
    seed: int, tmp_path: Path, connection: DuckDBPyConnection
) -> None:
    dice = random.Random(seed)  # noqa: S311
    server = AzureDevOps(NOW - timedelta(days=130))
    shop = server.project("acme/Shop")
    shop.repository("api"), shop.repository("web")
    happen = happening(dice, shop)
    for _ in range(150):
        happen()
        server.now += timedelta(minutes=dice.randint(1, 2_400))

    def disturb(_: httpx2.Request) -> None:
        if dice.random() < 0.25:
            happen()
        if dice.random() < 0.04:
            status, headers = dice.choice(FAILURES)
            raise Refused(status, "disturbed", headers)

    server.before = disturb
    for _ in range(dice.randint(3, 4)):
        with suppress(CollectError):  # its scopes could not even be listed
            collected(server, connection, stop_after=dice.choice([None, 1, 4, 9, 20, 40]))
        server.now += timedelta(minutes=dice.choice([2, 45, 60 * 30]))
        happen()
    server.before = lambda _: None
    for hours in (25, 24 * 8, 25):  # a sweep comes a week after the first
        assert collected(server, connection) == []
        server.now += timedelta(hours=hours)
    assert collected(server, connection) == []
    landed, wanted = alive(connection), clean(server, tmp_path / "clean")
    assert set(landed) == set(wanted)
    for table in set(wanted) - {"identities"}:  # who was once seen stays known
        assert landed[table] == wanted[table], table
