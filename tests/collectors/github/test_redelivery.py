"""What failed to be delivered is asked for again: once, while it makes sense, and by who may."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.collectors.contract import Contract
from tests.collectors.npm import unpacked
from tests.fakes.github import Fault, Server, World

from .harness import TOKEN, source

OURS = "https://dx.example.com/api/v1/webhooks/github"
FORBIDDEN = {"message": "Resource not accessible by personal access token"}


@pytest.fixture
def server() -> Iterator[Server]:
    world = World()
    world.repository("acme", "shop")
    with Server(world, token=TOKEN) as opened:
        yield opened


def asked(server: Server) -> list[str]:
    """The attempts that were asked for since the last time."""
    found = [one.removeprefix("POST ") for one in server.asked if one.startswith("POST ")]
    server.reset_counts()
    return found


def redelivered(server: Server, folder: Path, since: datetime | None = None, **settings: Any) -> tuple[str, ...]:
    one = source(server, folder, **settings)
    notes: tuple[str, ...] = one.redeliver(since or server.world.now - timedelta(days=3))
    one.close()
    return notes


def test_what_failed_is_asked_for_again_and_what_came_is_not(server: Server, tmp_path: Path) -> None:
    hook = server.world.hook("acme", OURS)
    server.world.deliver(hook, "came")
    hook["#answer"] = 502
    failed = [server.world.deliver(hook, guid) for guid in ("one", "two")]
    hook["#answer"] = 202
    server.world.wait(hours=1)
    assert redelivered(server, tmp_path) == ("github: 2 failed webhooks of orgs/acme were asked for again",)
    path = f"/orgs/acme/hooks/{hook['id']}/deliveries"
    assert sorted(asked(server)) == sorted(f"{path}/{one['id']}/attempts" for one in failed)
    assert [one["guid"] for one in hook["#deliveries"] if one["redelivery"]] == ["one", "two"]
    server.world.wait(hours=1)
    assert redelivered(server, tmp_path) == ()
    assert asked(server) == []


def test_nothing_is_asked_of_other_webhooks_or_of_those_switched_off(server: Server, tmp_path: Path) -> None:
    others: tuple[tuple[str, dict[str, Any]], ...] = (
        ("https://ci.example.com/hook", {}),
        ("https://dx.example.com/api/v1/webhooks/github2", {}),
        ("https://[broken/api/v1/webhooks/github", {}),
        (OURS, {"active": False}),
        (OURS, {"config": {}}),
    )
    for url, fields in others:
        server.world.deliver(server.world.hook("acme", url, **{"#answer": 500} | fields), url)
    server.world.deliver(server.world.hook("acme", f"{OURS}/", **{"#answer": 500}), "ours")
    assert redelivered(server, tmp_path) == ("github: 1 failed webhooks of orgs/acme were asked for again",)
    assert len([one for one in server.asked if "deliveries" in one and one.startswith("GET")]) == 2


def test_without_failures_a_webhook_takes_two_requests(server: Server, tmp_path: Path) -> None:
    hook = server.world.hook("acme", OURS)
    for number in range(300):
        server.world.deliver(hook, str(number))
    assert redelivered(server, tmp_path) == ()
    assert server.requests["rest"] == 2


def test_single_repositories_have_webhooks_of_their_own_and_an_event_is_asked_for_once(
    server: Server, tmp_path: Path
) -> None:
    for place in ("acme", "acme/shop"):
        server.world.deliver(server.world.hook(place, OURS, **{"#answer": 500}), "the same event")
    server.world.deliver(server.world.hooks["acme/shop"][0], "another")
    notes = redelivered(server, tmp_path, repositories=("acme/shop",))
    assert notes == (
        "github: 1 failed webhooks of orgs/acme were asked for again",
        "github: 1 failed webhooks of repos/acme/shop were asked for again",
    )
    assert [path.split("/hooks/")[0] for path in asked(server)] == ["/orgs/acme", "/repos/acme/shop"]


def test_an_event_that_came_at_a_later_attempt_is_left_alone(server: Server, tmp_path: Path) -> None:
    hook = server.world.hook("acme", OURS, **{"#answer": 500})
    server.world.deliver(hook, "again by hand")
    hook["#answer"] = 202
    for number in range(150):  # it stands on the second page
        server.world.deliver(hook, "again by hand" if number == 10 else str(number))
    assert redelivered(server, tmp_path) == ()


def test_each_failure_is_seen_to_once_by_runs_that_follow_each_other(server: Server, tmp_path: Path) -> None:
    hook = server.world.hook("acme", OURS, **{"#answer": 500})
    server.world.deliver(hook, "early")
    server.world.wait(hours=1)
    since = server.world.now
    server.world.wait(minutes=1)
    late = server.world.deliver(hook, "late")
    redelivered(server, tmp_path, since)
    assert [path.split("/")[-2] for path in asked(server)] == [str(late["id"])]


def test_what_is_refused_again_and_again_is_given_up(server: Server, tmp_path: Path) -> None:
    hook = server.world.hook("acme", OURS, **{"#answer": 401})
    server.world.deliver(hook, "refused")
    for _ in range(10):
        server.world.wait(hours=12)
        redelivered(server, tmp_path)
    assert len(asked(server)) == 4
    assert len(hook["#deliveries"]) == 5


def test_what_is_older_than_three_days_cannot_be_delivered_any_more(server: Server, tmp_path: Path) -> None:
    hook = server.world.hook("acme", OURS, **{"#answer": 500})
    server.world.deliver(hook, "old")
    server.world.wait(days=3, minutes=1)
    server.world.deliver(hook, "new")
    redelivered(server, tmp_path, server.world.now - timedelta(days=30))
    assert len(asked(server)) == 1


def test_an_old_server_that_cannot_tell_failures_apart_is_understood(server: Server, tmp_path: Path) -> None:
    hook = server.world.hook("acme", OURS)
    server.world.deliver(hook, "came")
    server.world.deliver(hook, "unanswered")["status_code"] = 0
    server.faults.add(Fault(where="deliveries", times=2, status=200, body=hook["#deliveries"]))
    redelivered(server, tmp_path)
    assert len(asked(server)) == 1


@pytest.mark.parametrize("status", [403, 404])
@pytest.mark.parametrize("where", ["/hooks", "/attempts"])
def test_a_token_that_may_not_is_told_what_it_lacks(server: Server, tmp_path: Path, status: int, where: str) -> None:
    server.world.deliver(server.world.hook("acme", OURS, **{"#answer": 500}), "one")
    server.world.deliver(server.world.hook("acme/shop", OURS, **{"#answer": 500}), "two")
    server.faults.add(Fault(where=where, status=status, body=FORBIDDEN))
    lacking, other = redelivered(server, tmp_path, repositories=("acme/shop",))
    assert lacking.startswith("github: webhooks of orgs/acme that failed are not asked for again, polling brings")
    assert f"{status} on /api/v3/orgs/acme/hooks" in lacking
    assert "admin:org_hook" in lacking
    assert "Webhooks: read and write" in lacking
    assert other == "github: 1 failed webhooks of repos/acme/shop were asked for again"


def test_a_refused_token_and_a_server_in_trouble_are_notes_too(server: Server, tmp_path: Path) -> None:
    server.faults.add(Fault(where="/hooks", times=20, status=500))
    (trouble,) = redelivered(server, tmp_path)
    assert "500 on /api/v3/orgs/acme/hooks" in trouble
    server.faults.coming.clear()
    (refused,) = redelivered(server, tmp_path, token="other")  # noqa: S106 - none
    assert "the token is refused" in refused
    (none,) = redelivered(server, tmp_path, token=None)
    assert "there is no token" in none


def test_the_last_fifth_of_the_quota_is_left_to_what_is_new(server: Server, tmp_path: Path) -> None:
    server.world.deliver(server.world.hook("acme", OURS, **{"#answer": 500}), "one")
    server.points["core"] = 4_900
    one = source(server, tmp_path, repositories=("acme/shop",))
    told = one.redeliver(server.world.now - timedelta(days=1))
    one.close()
    assert told[-1] == "github: webhooks of repos/acme/shop are not looked at: the quota is nearly used up"


@pytest.mark.real
def test_every_request_is_one_of_the_api_description(server: Server, tmp_path: Path) -> None:
    described = Contract(unpacked("@octokit/openapi", tmp_path) / "generated/api.github.com.json", "")
    for place in ("acme", "acme/shop"):
        hook = server.world.hook(place, OURS, **{"#answer": 500})
        server.world.deliver(hook, place)
        hook["#answer"] = 202
        for number in range(101):
            server.world.deliver(hook, f"{place} {number}")
    redelivered(server, tmp_path, repositories=("acme/shop",))
    sent = {one.removesuffix("?") for one in server.targets}
    assert len(sent) == 10
    for one in sent:
        method, _, target = one.partition(" ")
        described.check(httpx2.Request(method, f"https://api.github.com{target}"))
