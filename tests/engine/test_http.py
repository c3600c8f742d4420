"""The HTTP client: what is tried again, how long it waits, and that paging ends."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import chain, repeat
from typing import Any

import httpx2
import pytest

from dxmetrics.errors import AuthError, CollectError, RetryableError
from dxmetrics.http import ATTEMPTS, Client

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
Answer = httpx2.Response | Exception


def client(*answers: Answer, waits: list[float] | None = None, **options: Any) -> Client:
    """A client whose server gives these answers in turn, the last one for ever."""
    coming: Iterator[Answer] = chain(answers, repeat(answers[-1]))

    def respond(request: httpx2.Request) -> httpx2.Response:
        answer = next(coming)
        if isinstance(answer, Exception):
            raise answer
        answer.request = request
        return answer

    return served(respond, waits=waits, **options)


def served(
    respond: Callable[[httpx2.Request], httpx2.Response], waits: list[float] | None = None, **options: Any
) -> Client:
    sleep = (waits if waits is not None else []).append
    transport = httpx2.MockTransport(respond)
    return Client("forge", "https://forge.test/api", transport=transport, sleep=sleep, now=lambda: NOON, **options)


def test_headers_and_parameters_reach_the_server() -> None:
    seen: list[httpx2.Request] = []

    def respond(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, json={"ok": True})

    served(respond, headers={"Authorization": "Bearer secret"}).get("items", {"since": "2026-01-01T00:00:00+00:00"})
    assert seen[0].headers["authorization"] == "Bearer secret"
    assert str(seen[0].url).endswith("/api/items?since=2026-01-01T00%3A00%3A00%2B00%3A00")


@pytest.mark.parametrize(
    "answer", [httpx2.Response(502), httpx2.Response(429), httpx2.ReadTimeout("slow"), httpx2.ConnectError("down")]
)
def test_what_may_succeed_later_is_tried_again(answer: Answer) -> None:
    waits: list[float] = []
    assert client(answer, answer, httpx2.Response(200, text="well"), waits=waits).get("items").text == "well"
    assert len(waits) == 2
    assert 0 < waits[0] < 5


def test_trying_again_has_an_end() -> None:
    waits: list[float] = []
    with pytest.raises(RetryableError, match="forge: 503 on /api/items: try again later"):
        client(httpx2.Response(503), waits=waits).get("items")
    assert len(waits) == ATTEMPTS - 1


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (429, {"retry-after": "30"}),
        (503, {"retry-after": "Mon, 02 Mar 2026 12:00:30 GMT"}),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOON.timestamp()) + 30)}),
    ],
)
def test_the_wait_the_server_asks_for_is_obeyed(status: int, headers: dict[str, str]) -> None:
    waits: list[float] = []
    client(httpx2.Response(status, headers=headers), httpx2.Response(200), waits=waits).get("items")
    assert waits == [30.0]


def test_a_wait_of_an_hour_fails_the_scope_instead_of_holding_the_run() -> None:
    waits: list[float] = []
    with pytest.raises(CollectError, match="asks to wait 3600 s"):
        client(httpx2.Response(429, headers={"retry-after": "3600"}), waits=waits).get("items")
    assert waits == []


def test_a_refused_token_names_the_variable_to_set() -> None:
    with pytest.raises(AuthError, match=r"forge: 401 on /api/items: the token is refused.*DX_FORGE__TOKEN"):
        client(httpx2.Response(401)).get("items")


@pytest.mark.parametrize("status", [400, 403, 404, 410, 422])
def test_other_refusals_fail_the_scope_at_once(status: int) -> None:
    waits: list[float] = []
    with pytest.raises(CollectError, match=f"forge: {status} on /api/items") as caught:
        client(httpx2.Response(status), waits=waits).get("items")
    assert not isinstance(caught.value, AuthError | RetryableError)
    assert waits == []


def test_an_unchanged_answer_comes_back_as_304_and_etags_stay_with_the_caller() -> None:
    def respond(request: httpx2.Request) -> httpx2.Response:
        is_known = request.headers.get("if-none-match") == '"v1"'
        return httpx2.Response(304) if is_known else httpx2.Response(200, headers={"etag": '"v1"'})

    etags: dict[str, str] = {}
    assert served(respond, etags=etags).get("items").status_code == 200
    assert etags == {"https://forge.test/api/items": '"v1"'}
    assert served(respond, etags=etags).get("items").status_code == 304


def test_pages_are_followed_along_their_links() -> None:
    def respond(request: httpx2.Request) -> httpx2.Response:
        page = int(request.url.params.get("page", "1"))
        links = {"link": f'<https://forge.test/api/items?page={page + 1}>; rel="next"'} if page < 3 else {}
        return httpx2.Response(200, json=page, headers=links)

    assert [response.json() for response in served(respond).linked_pages("items")] == [1, 2, 3]


def test_a_link_back_is_a_loop() -> None:
    links = {"link": '<https://forge.test/api/items>; rel="next"'}
    with pytest.raises(CollectError, match="paging is in a loop"):
        list(client(httpx2.Response(200, headers=links)).linked_pages("items"))


def test_a_repeated_page_token_is_a_loop() -> None:
    tokens = iter(["a", "b", "a", "c"])
    forge = client(httpx2.Response(200))
    pages = forge.token_pages(lambda token: forge.get("items", {"after": token or ""}), lambda _: next(tokens))
    with pytest.raises(CollectError, match="page token 'a' comes again"):
        list(pages)


def test_pages_end_with_the_last_token() -> None:
    tokens = iter(["a", "b", None])
    forge = client(httpx2.Response(200))
    pages = forge.token_pages(lambda token: forge.get("items", {"after": token or ""}), lambda _: next(tokens))
    assert len(list(pages)) == 3
