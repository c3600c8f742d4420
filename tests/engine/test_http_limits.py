"""Limits of a server: how long is waited, who waits with whom, and what is kept in reserve."""

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import httpx2
import pytest

from dxmetrics.errors import CollectError, LimitedError, NotFoundError
from dxmetrics.http import ATTEMPTS, LONGEST_WAIT, Bearer, Budgets, Client
from tests.engine.scripted_server import NOON, Scripted, date, epoch

OK = httpx2.Response(200, json={"ok": True})
IN_HALF_A_MINUTE = "Mon, 02 Mar 2026 12:00:30 GMT"
SERVER_AHEAD = date(NOON + timedelta(hours=2))


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (429, {"retry-after": "30"}),
        (403, {"retry-after": " 30 "}),
        (503, {"retry-after": IN_HALF_A_MINUTE}),
        (429, {"retry-after": "Mon, 02 Mar 2026 14:00:30 GMT", **SERVER_AHEAD}),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": epoch(seconds=30)}),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": epoch(hours=2, seconds=30), **SERVER_AHEAD}),
        (429, {"RateLimit-Remaining": "0", "RateLimit-Reset": "30"}),
        (429, {"ratelimit-remaining": "0", "ratelimit-reset": epoch(seconds=30)}),
        (429, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": f"{epoch(seconds=30)}000"}),
        (429, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "2026-03-02T12:00:30Z"}),
        (429, {"ratelimit-limit": "100, 100;w=60", "ratelimit-remaining": "0", "ratelimit-reset": "30"}),
        (429, {"retry-after": "30", "x-ratelimit-remaining": "0", "x-ratelimit-reset": epoch(hours=1)}),
    ],
)
def test_the_wait_the_server_asks_for_is_obeyed(status: int, headers: Mapping[str, str]) -> None:
    forge = Scripted(httpx2.Response(status, headers=headers), OK)
    assert forge.client().json("items") == {"ok": True}
    assert forge.waits == [30.0]


@pytest.mark.parametrize(
    "refusal",
    [
        httpx2.Response(429),
        httpx2.Response(429, headers={"retry-after": "soon"}),
        httpx2.Response(403, json={"message": "You have exceeded a secondary rate limit."}),
    ],
)
def test_a_limit_without_a_time_is_waited_for_a_minute_then_longer(refusal: httpx2.Response) -> None:
    forge = Scripted(refusal, refusal, OK)
    forge.client().get("items")
    assert 60 <= forge.waits[0] <= 65
    assert forge.waits[1] == LONGEST_WAIT


def test_a_limit_that_does_not_end_stops_the_source() -> None:
    forge = Scripted(httpx2.Response(429, headers={"retry-after": "10"}))
    with pytest.raises(LimitedError, match=r"forge.test refuses more requests until 12:01 UTC"):
        forge.client().get("items")
    assert len(forge.seen) == ATTEMPTS


def test_a_quota_used_up_for_an_hour_stops_the_source_without_a_wait() -> None:
    headers = {"x-ratelimit-limit": "5000", "x-ratelimit-remaining": "0", "x-ratelimit-reset": epoch(minutes=34)}
    forge = Scripted(httpx2.Response(403, headers=headers))
    with pytest.raises(LimitedError) as caught:
        forge.client("https://api.github.test", name="github").get("items")
    assert caught.value.until == NOON + timedelta(minutes=34)
    assert str(caught.value) == (
        "github: the quota of api.github.test is used up until 12:34 UTC: the next collection goes on from here"
    )
    assert forge.waits == []


def test_a_date_is_told_where_the_quota_is_renewed_another_day() -> None:
    forge = Scripted(httpx2.Response(503, headers={"retry-after": str(3 * 86_400)}))
    with pytest.raises(LimitedError, match=r"forge.test is not available until 2026-03-05 12:00 UTC"):
        forge.client().get("items")


def test_an_absurd_wait_is_a_long_one() -> None:
    forge = Scripted(httpx2.Response(429, headers={"retry-after": "9" * 400}))
    with pytest.raises(LimitedError, match="until 2027-03-03 12:00 UTC"):
        forge.client().get("items")


def test_what_is_used_up_is_not_asked_again_before_its_time() -> None:
    """A quota holds the requests that count against it; GraphQL and REST have one each."""
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": epoch(hours=1), "x-ratelimit-resource": "graphql"}

    def respond(request: httpx2.Request) -> httpx2.Response:
        is_refused = request.method == "POST" and forge.now < NOON + timedelta(hours=1)
        return httpx2.Response(403, headers=headers) if is_refused else httpx2.Response(200, json={"data": {"a": 1}})

    forge = Scripted(respond=respond)
    client = forge.client()
    for _ in range(3):
        with pytest.raises(LimitedError, match=r"the quota of forge.test is used up until 13:00 UTC"):
            client.graphql("{a}", {})
    assert len(forge.seen) == 1
    assert client.get("items").status_code == 200
    forge.now += timedelta(hours=1)
    assert client.graphql("{a}", {}).data == {"a": 1}
    assert forge.waits == []


def test_a_limit_inside_a_200_of_graphql_is_one() -> None:
    limits = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": epoch(seconds=40)}
    refused = {"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}]}
    forge = Scripted(httpx2.Response(200, json=refused, headers=limits), httpx2.Response(200, json={"data": {"a": 1}}))
    assert forge.client().graphql("{a}", {}).data == {"a": 1}
    assert forge.waits == [40.0]


def test_a_pause_asked_for_inside_a_success_holds_the_next_request() -> None:
    forge = Scripted(httpx2.Response(200, headers={"retry-after": "20"}), OK)
    client = forge.client()
    client.get("items")
    assert forge.waits == []
    client.get("items")
    assert forge.waits == [20.0]


def test_clients_with_one_credential_share_a_budget_and_others_do_not() -> None:
    budgets = Budgets()
    forge = Scripted(OK)
    one = forge.client(budgets=budgets, auth=Bearer("abc"))
    same = forge.client("https://FORGE.test/other", budgets=budgets, auth=Bearer("abc\n"), concurrency=2)
    other = forge.client(budgets=budgets, auth=Bearer("xyz"))
    elsewhere = forge.client("https://forge.example", budgets=budgets, auth=Bearer("abc"))
    assert one.budget is same.budget
    assert one.budget.concurrency == 2
    assert len({id(client.budget) for client in (one, other, elsewhere)}) == 3
    one.get("items")
    same.get("items")
    other.get("items")
    assert (one.budget.requests, other.budget.requests, budgets.requests) == (2, 1, 3)
    assert "abc" not in repr(vars(budgets)) + repr(vars(one.budget))


def test_a_reserve_is_known_from_the_answers() -> None:
    def answer(remaining: int, resource: str, **later: float) -> httpx2.Response:
        headers = {"limit": "100", "remaining": str(remaining), "reset": epoch(**later), "resource": resource}
        return httpx2.Response(200, headers={f"X-RateLimit-{name}": value for name, value in headers.items()})

    forge = Scripted(
        answer(21, "core", hours=1), answer(19, "core", hours=1), answer(90, "graphql", hours=1),
        answer(90, "core", hours=1), answer(1, "search", minutes=1), answer(5, "core", hours=1),
    )  # fmt: skip
    client = forge.client()
    assert client.budget.has_reserve()
    known = []
    for _ in range(6):
        client.get("items")
        known.append(client.budget.has_reserve())
    assert known == [True, False, False, True, True, False]
    assert client.budget.has_reserve(share=0.05)
    forge.now += timedelta(minutes=59)
    assert client.budget.has_reserve(), "renewed within two minutes: no need to stop for it"


def test_a_refusal_for_another_reason_is_no_limit() -> None:
    headers = {"x-ratelimit-limit": "100", "x-ratelimit-remaining": "7", "x-ratelimit-reset": epoch(hours=1)}
    forge = Scripted(httpx2.Response(404, headers=headers), httpx2.Response(403, headers=headers))
    client = forge.client()
    with pytest.raises(NotFoundError):
        client.get("items")
    with pytest.raises(CollectError, match="the token may not read this"):
        client.get("items")
    assert not client.budget.has_reserve()
    assert forge.waits == []


# -- threads, against a real server -----------------------------------------------------------------------------------


class Counting(BaseHTTPRequestHandler):
    """Counts how many requests it serves at once, and answers when `meeting` is full; refuses the first `refusals`."""

    lock: ClassVar[threading.Lock] = threading.Lock()
    busy: ClassVar[int] = 0
    most: ClassVar[int] = 0
    refusals: ClassVar[int] = 0
    meeting: ClassVar[threading.Barrier]

    def do_GET(self) -> None:
        kind = type(self)
        with kind.lock:
            kind.busy += 1
            kind.most = max(kind.most, kind.busy)
            is_refused = kind.refusals > 0
            kind.refusals -= is_refused
        kind.meeting.wait(timeout=10)
        with kind.lock:
            kind.busy -= 1
        self.send_response(429 if is_refused else 200)
        if is_refused:
            self.send_header("Retry-After", "30")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (named so by the base)
        """Nothing: a test's output stays clean."""


@contextmanager
def counting_server(at_once: int, refusals: int = 0) -> Iterator[tuple[str, type[Counting]]]:
    class Fresh(Counting):
        lock = threading.Lock()
        meeting = threading.Barrier(at_once)

    Fresh.refusals = refusals
    server = ThreadingHTTPServer(("127.0.0.1", 0), Fresh)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", Fresh
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def real_time() -> datetime:
    return datetime.now(UTC)


def test_no_more_requests_are_in_flight_than_the_host_gets() -> None:
    budgets = Budgets()
    with counting_server(at_once=2) as (url, server):
        clients = [Client("forge", url, now=real_time, budgets=budgets, concurrency=2) for _ in range(2)]
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda number: clients[number % 2].get("items").status_code, range(24)))
        for client in clients:
            client.close()
    assert answers == [200] * 24
    assert server.most == 2
    assert budgets.requests == 24


def test_a_wait_asked_of_one_thread_holds_all_and_takes_no_place_meanwhile() -> None:
    """No thread comes out of its sleep before all four sleep: so all are held, though only one may ask at once."""
    first_sleeps = threading.Event()
    all_sleep = threading.Barrier(4)
    slept: list[float] = []
    skew = [timedelta(0)]

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        first_sleeps.set()
        if all_sleep.wait(timeout=10) == 0:
            skew[0] = timedelta(seconds=31)
        all_sleep.wait(timeout=10)

    with counting_server(at_once=1, refusals=1) as (url, server), ThreadPoolExecutor(4) as pool:
        client = Client("forge", url, now=lambda: NOON + skew[0], concurrency=1, sleep=sleep)
        asked = [pool.submit(client.get, "items")]
        assert first_sleeps.wait(timeout=10)
        asked += [pool.submit(client.get, "items") for _ in range(3)]
        answers = [one.result(timeout=20).status_code for one in asked]
        client.close()
    assert answers == [200] * 4
    assert slept == [30.0] * 4
    assert client.budget.requests == 5
    assert server.most == 1
