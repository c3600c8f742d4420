"""Whatever happens between two pages, and wherever a collection is killed: what is kept equals one clean collection."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import httpx2
from hypothesis import given, settings
from hypothesis import strategies as st

from dxmetrics.errors import CollectError
from dxmetrics.records import Change, PipelineRun, Record
from tests.fakes.bitbucket import ADA, BOB, Bitbucket, Refused, Repository, user

from .support import NOW, Store, collect, reading

PEOPLE = (ADA, BOB, user("cleo"))


class People:
    """What people do in a repository, at random, and what the server does to those who ask."""

    def __init__(self, shop: Repository, dice: random.Random) -> None:
        self.shop = shop
        self.dice = dice
        self.is_disturbing = True

    def act(self) -> None:
        """Somebody does something."""
        dice, shop = self.dice, self.shop
        opened = [number for number, row in shop.pull_requests.items() if row["state"] == "OPEN"]
        running = [one["uuid"] for one in shop.pipelines if one["completed_on"] is None]
        deeds: list[Any] = [lambda: shop.open(author=dice.choice(PEOPLE)), shop.run, shop.deploy, shop.report]
        if opened:
            number = dice.choice(opened)
            deeds += [
                lambda: shop.comment(number, by=dice.choice(PEOPLE)),
                lambda: shop.approve(number),
                lambda: shop.merge(number),
                lambda: shop.decline(number),
            ]
        if running:
            deeds.append(lambda: shop.finish(dice.choice(running)))
        if shop.issues:
            deeds.append(lambda: shop.settle(dice.choice(list(shop.issues))))
        dice.choice(deeds)()

    def between_requests(self, _request: httpx2.Request) -> None:
        """Several things happen, and the server may fail."""
        if not self.is_disturbing:
            return
        for _ in range(self.dice.choice([0, 0, 1, 5])):
            self.act()
        if self.dice.random() < 0.05:
            raise Refused(self.dice.choice([500, 503, 429]), "Something went wrong")


def lies(shop: Repository, store: Store) -> list[str]:
    """What lies in a time that is said to be covered, and is not there as it is now."""
    found = {kind: [page.covers[kind] for page in store.pages if kind in page.covers] for kind in (Change, PipelineRun)}

    def is_covered(kind: type[Record], text: str) -> bool:
        moment = datetime.fromisoformat(text)
        return any(start < moment < end for start, end in found[kind])

    changes: Mapping[str, Any] = store.rows[Change]
    missing = []
    for number, row in shop.pull_requests.items():
        kept = changes.get(f"{shop.uuid}/{number}")
        is_current = kept is not None and kept.updated_at == datetime.fromisoformat(row["updated_on"])
        if is_covered(Change, row["updated_on"]) and not is_current:
            missing.append(f"change {number}")
    runs = [one for one in shop.pipelines if is_covered(PipelineRun, one["created_on"])]
    return missing + [one["uuid"] for one in runs if f"{one['uuid']}/1" not in store.rows[PipelineRun]]


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10**6))
def test_a_disturbed_and_killed_collection_ends_up_as_a_clean_one(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311  (no secret)
    server = Bitbucket(NOW - timedelta(days=400), seconds_per_request=30, headers={"x-ratelimit-limit": "100000"})
    shop = server.add("acme/shop", days_old=dice.choice([0, 300]))
    people = People(shop, dice)
    for _ in range(dice.randint(0, 400)):
        people.act()
        server.now += timedelta(hours=dice.choice([0, 1, 30]))
    server.now = max(server.now, NOW)
    server.before = people.between_requests
    store, choices = Store(), {"commits": dice.random() < 0.5, "steps": dice.random() < 0.5}
    for _ in range(dice.randint(1, 5)):
        pages = reading(server, store, **choices)
        for _ in range(dice.choice([1, 2, 3, 5, 100])):
            try:
                if next(pages, None) is None:
                    break
            except CollectError:
                break
            assert lies(shop, store) == []
        pages.close()
        server.now += timedelta(minutes=dice.choice([1, 30, 3_000]))
    people.is_disturbing = False
    for _ in range(2):
        server.now += timedelta(days=2)
        collect(server, store, **choices)
    clean = collect(server, **choices)
    assert {kind: store.of(kind) for kind in clean.rows} == {kind: clean.of(kind) for kind in clean.rows}
    assert len(clean.of(Change)) == len(shop.pull_requests)
