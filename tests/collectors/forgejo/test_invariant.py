"""Whatever changes, fails or is killed between two answers, the tables end as one clean collection makes them."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from duckdb import DuckDBPyConnection

from tests.fakes.forgejo import Forgejo, Refused, Repository

from .support import TOKEN, alive, clean, collected

BEGINNING = datetime(2025, 1, 6, 9, tzinfo=UTC)
YOUNG = timedelta(days=10)  # what happens to a run long after it began is not seen
PEOPLE = ("ada", "bob", "cleo", "dina")


class People:
    """What people do in repositories, at random, and what the server does to those who ask."""

    def __init__(self, server: Forgejo, dice: random.Random) -> None:
        self.server = server
        self.dice = dice
        self.is_disturbing = False

    def act(self) -> None:
        """Somebody does something somewhere."""
        dice = self.dice
        shop = dice.choice(list(self.server.repositories.values()))
        deeds: list[Callable[[], object]] = [
            lambda: shop.open(dice.choice(["A change", "WIP: A change"]), dice.choice(PEOPLE)),
            lambda: shop.report(by=dice.choice(PEOPLE)),
            lambda: shop.run(dice.choice(["ci.yml", "deploy.yml"])),
        ]
        if shop.issues:
            deeds += self._on_an_issue(shop, dice.choice(list(shop.issues)))
        if young := [made for made, run in shop.runs.items() if self.server.now - run["created"] < YOUNG]:
            deeds += self._on_a_run(shop, dice.choice(young))
        dice.choice(deeds)()

    def _on_an_issue(self, shop: Repository, number: int) -> list[Callable[[], object]]:
        is_open, dice = shop.issues[number]["state"] == "open", self.dice
        if dice.random() < 0.03:
            return [lambda: shop.delete(number)]
        if shop.issues[number]["pull_request"] is None:
            return [lambda: shop.label(number, "bug"), *([lambda: shop.close(number)] if is_open else [])]
        return [
            lambda: shop.comment(number, dice.choice(PEOPLE), on_line=dice.random() < 0.5),
            lambda: shop.review(number, dice.choice(["APPROVED", "REQUEST_CHANGES", "COMMENT"]), dice.choice(PEOPLE)),
            lambda: shop.commit(number, forces=dice.random() < 0.5),
            lambda: shop.retitle(number, "A better change"),
            *([lambda: shop.merge(number, dice.choice(PEOPLE))] if is_open else []),
        ]

    def _on_a_run(self, shop: Repository, made: int) -> list[Callable[[], object]]:
        status, dice = shop.runs[made]["status"], self.dice
        if status == "waiting":
            return [lambda: shop.start(made)]
        if status == "running":
            return [lambda: shop.finish(made, dice.choice(["success", "failure"]))]
        return [lambda: shop.rerun(made)]

    def between_requests(self, _request: httpx2.Request) -> None:
        """Several things happen, and the server may fail."""
        if not self.is_disturbing:
            return
        for _ in range(self.dice.choice([0, 0, 0, 1, 4])):
            self.act()
        if self.dice.random() < 0.02:
            raise Refused(self.dice.choice([500, 503, 429]), "Something went wrong")


@pytest.mark.parametrize("seed", range(4))
def test_any_disturbed_collection_ends_as_a_clean_one(
    seed: int, tmp_path: Path, connection: DuckDBPyConnection
) -> None:
    dice = random.Random(seed)  # noqa: S311  (no secret)
    server = Forgejo(BEGINNING, token=TOKEN, is_gitea=seed % 2 == 1, seconds_per_request=20, most=dice.choice([50, 7]))
    for name in ("acme/shop", "acme/pay"):
        server.add(name, days_old=0, original_url=dice.choice(["", "https://elsewhere.test/shop"]))
    server.team("payments", "ada", "bob")
    people = People(server, dice)
    for _ in range(dice.choice([60, 200])):
        people.act()
        server.now += timedelta(hours=dice.choice([0, 1, 20]))
    server.before = people.between_requests
    people.is_disturbing = True
    for _ in range(dice.randint(3, 6)):
        collected(server, connection, stop_after=dice.choice([None, 1, 4, 9, 20]))
        server.now += timedelta(minutes=dice.choice([2, 45, 60 * 30]))
        people.act()
    people.is_disturbing = False
    for wait in (timedelta(hours=25), timedelta(days=8), timedelta(hours=1)):  # a sweep comes a week after the first
        assert collected(server, connection) == []
        server.now += wait
    assert collected(server, connection) == []
    landed, wanted = alive(connection), clean(server, tmp_path / "clean")
    assert set(landed) == set(wanted)
    for table in set(wanted) - {"identities", "memberships"}:  # who was once seen stays known
        assert landed[table] == wanted[table], table
