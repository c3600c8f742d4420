"""Whatever changes, fails or is killed between two answers, the tables end as one clean collection makes them."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from duckdb import DuckDBPyConnection

from tests.fakes.pagerduty import Account, PagerDuty, Refused

from .support import DAY, NOW, alive, clean, collect, disturbed


class People:
    """What people do in an account, at random, and what the server does to those who ask."""

    def __init__(self, account: Account, dice: random.Random) -> None:
        self.account = account
        self.dice = dice
        self.is_disturbing = False

    def act(self) -> None:
        """Somebody does something."""
        account, dice = self.account, self.dice
        rows = account.incidents
        burning = [key for key, row in rows.items() if row["status"] != "resolved"]
        over = [key for key, row in rows.items() if row["status"] == "resolved" and not row["resolve_reason"]]
        # That somebody says so later is not told by the log: it may stay unseen.
        recent = [key for key, row in rows.items() if account.now - row["created_at"] < timedelta(days=7)]
        what = dice.choice(
            ["trigger", "trigger", "acknowledge", "resolve", "lapse", "merge", "reopen", "annotate", "prioritise"]
        )
        if what in {"acknowledge", "resolve", "lapse"} and burning:
            getattr(account, what)(dice.choice(burning))
        elif what == "merge" and len(burning) > 1:
            account.merge(*dice.sample(burning, 2))
        elif what in {"reopen", "annotate"} and over:
            getattr(account, what)(dice.choice(over))
        elif what == "prioritise" and recent:
            account.prioritise(dice.choice(recent), dice.choice(["P2", "SEV3", None]))
        else:
            account.trigger(dice.choice(list(account.services)), priority=dice.choice([None, "P1"]))

    def between_requests(self, _request: httpx2.Request) -> None:
        """Several things happen, and the server may fail."""
        if not self.is_disturbing:
            return
        for _ in range(self.dice.choice([0, 0, 1, 5])):
            self.act()
        if self.dice.random() < 0.2:
            raise self.dice.choice(
                [
                    Refused(500, "Internal Server Error"),
                    Refused(503, "Service Unavailable"),
                    Refused(429, "Rate Limit Exceeded", ratelimit_remaining="0", ratelimit_reset="3"),
                    Refused(429, "Rate Limit Exceeded", ratelimit_remaining="0", ratelimit_reset="3000"),
                ]
            )


@pytest.mark.parametrize("seed", range(3))
def test_any_disturbed_collection_ends_as_a_clean_one(
    seed: int, tmp_path: Path, connection: DuckDBPyConnection
) -> None:
    dice = random.Random(seed)  # noqa: S311  (no secret)
    account = Account(NOW - 300 * DAY)
    team = account.add_team("Payments")
    for name in ("shop", "search"):
        account.add_service(name, team)
    people = People(account, dice)
    for _ in range(350):
        people.act()
        account.now += timedelta(hours=dice.choice([0, 1, 30]))
    server = PagerDuty(account, compares_days=seed == 1, before=people.between_requests)
    people.is_disturbing = True
    for _ in range(6):
        disturbed(server, connection, dice.choice([None, 1, 2, 5]))
        people.act()
        account.now += timedelta(minutes=dice.choice([2, 45, 60 * 30]))
    people.is_disturbing = False
    for _ in range(2):
        account.now += 2 * DAY
        collect(server, connection)
    landed, wanted = alive(connection), clean(server, tmp_path / "clean")
    assert landed == wanted
    assert len(landed["incidents"]) == len(account.incidents)
