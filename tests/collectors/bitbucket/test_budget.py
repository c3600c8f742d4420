"""How many requests a Bitbucket workspace takes, and when: its quota is the smallest of all hosts."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from dxmetrics.records import Change, Deployment, PipelineRun, Review
from tests.fakes.bitbucket import Bitbucket, Repository, user

from .support import NOW, Store, again, collect, reading

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def server() -> Bitbucket:
    """A server whose clock stands 60 days before NOW."""
    return Bitbucket(NOW - 60 * DAY)


@pytest.fixture
def shop(server: Bitbucket) -> Repository:
    """An empty repository."""
    return server.add("acme/shop")


def asked(server: Bitbucket) -> Counter[str]:
    """Requests by the list they are for."""
    return Counter(path.removeprefix("repositories/acme/shop/") for path in server.asked("/shop/"))


def test_a_thousand_changes_of_two_years_take_about_120_requests() -> None:
    server = Bitbucket(NOW - timedelta(days=730))
    shop = server.add("acme/shop", days_old=0)
    for number in range(1_000):
        opened = shop.open()
        shop.comment(opened)
        shop.comment(opened)
        shop.approve(opened)
        shop.merge(opened)
        for _ in range(3):
            shop.finish(shop.run())
        if number % 5 == 0:
            shop.deploy()
        server.now += timedelta(days=730) / 1_000
    store = collect(server)
    requests = asked(server)
    assert (len(store.of(Change)), len(store.of(Review))) == (1_000, 3_000)
    assert (len(store.of(PipelineRun)), len(store.of(Deployment))) == (3_000, 200)
    assert requests["pullrequests"] + requests["pullrequests/activity"] == 121
    assert (requests["pipelines"], requests["deployments"]) == (30, 2)


def test_looking_again_takes_four_requests_a_repository_and_one_for_a_hundred() -> None:
    server = Bitbucket(NOW - timedelta(days=30))
    for number in range(100):
        server.add(f"acme/r{number:02}").open()
    busy = list(server.repositories.values())[:20]
    server.now = NOW
    for one in busy:
        one.push()
    store = collect(server)
    before = len(server.requests)
    server.now += timedelta(minutes=15)
    for one in busy:
        one.push()
    collect(server, store)
    assert len(server.requests) - before == 1 + 20 * 4


# -- how often --------------------------------------------------------------------------------------------------------


def test_a_repository_is_left_alone_the_longer_the_longer_nothing_happened_in_it(
    server: Bitbucket, shop: Repository
) -> None:
    server.now = NOW
    shop.merge(shop.open())
    store = collect(server)
    looked = []
    for half_hours in range(1, 2 * 24 * 30):
        server.now = NOW + half_hours * HOUR / 2
        if again(server, store):
            looked.append(half_hours / 2)
    assert [hours for hours in looked if hours <= 6] == [half / 2 for half in range(1, 13)]
    assert sum(24 < hours <= 48 for hours in looked) == pytest.approx(16, abs=2)
    assert sum(hours > 24 * 26 for hours in looked) == pytest.approx(4, abs=1)


def test_what_happens_in_a_quiet_repository_is_found_within_a_day_and_wakes_it(
    server: Bitbucket, shop: Repository
) -> None:
    number = shop.open()
    server.now = NOW
    store = collect(server)
    server.now += HOUR
    shop.comment(number, by=user("cleo"))
    assert again(server, store) == []
    server.now += DAY
    assert again(server, store) == ["pullrequests", "pullrequests/activity", "pipelines", "deployments"]
    assert len(store.of(Review)) == 1
    shop.approve(number)
    server.now += 2 * HOUR
    collect(server, store)
    assert len(store.of(Review)) == 2


def test_a_push_wakes_a_repository_at_once(server: Bitbucket, shop: Repository) -> None:
    server.now = NOW
    store = collect(server)
    server.now += MINUTE
    assert again(server, store) == []
    shop.open()
    server.now += MINUTE
    collect(server, store)
    assert len(store.of(Change)) == 1


def test_a_collection_that_broke_off_is_gone_on_with_at_once(server: Bitbucket, shop: Repository) -> None:
    for _ in range(130):
        shop.open()
        server.now += HOUR
    server.now = NOW
    store = Store()
    broken = reading(server, store)
    for _ in range(2):
        next(broken)
    broken.close()
    server.now += MINUTE
    collect(server, store)
    assert len(store.of(Change)) == 130


# -- how much ---------------------------------------------------------------------------------------------------------


def test_back_fill_takes_a_fifth_of_the_quota_and_goes_on_next_time(server: Bitbucket, shop: Repository) -> None:
    server.headers = {"x-ratelimit-limit": "40", "x-ratelimit-resource": "api"}
    for _ in range(60):
        shop.finish(shop.run())
        number = shop.open()
        for _ in range(12):
            shop.comment(number)
        server.now += DAY
    store = Store()
    runs = []
    for _ in range(8):
        runs.append(len(again(server, store)))
        server.now += 15 * MINUTE
    assert max(runs) <= 10
    assert (len(store.of(Change)), len(store.of(Review))) == (60, 720)
    notes = [note for page in store.pages for note in page.notes]
    assert any(note.startswith("back-fill pauses to leave requests for what is new") for note in notes)


def test_back_fill_stops_where_the_server_says_that_little_is_left(server: Bitbucket, shop: Repository) -> None:
    server.headers = {"x-ratelimit-limit": "10000", "x-ratelimit-nearlimit": "true"}
    number = shop.open()
    for _ in range(400):
        shop.comment(number)
        server.now += 3 * HOUR
    store = Store()
    assert again(server, store).count("pullrequests/activity") < 8
    assert len(store.of(Review)) < 400
    server.headers = {"x-ratelimit-limit": "10000", "x-ratelimit-nearlimit": "false"}
    collect(server, store)
    assert len(store.of(Review)) == 400
