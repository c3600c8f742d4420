"""Paging: where it goes on, where it ends, and that it ends."""

from collections.abc import Sequence
from typing import Any

import httpx2
import pytest

from dxmetrics.errors import CollectError
from dxmetrics.http import Bearer
from tests.engine.scripted_server import Scripted

LOOP = "paging is in a loop"


def linked(*links: str | None) -> Scripted:
    """A server whose pages 1, 2, ... have these links to the next, the last one for ever."""

    def respond(request: httpx2.Request) -> httpx2.Response:
        number = min(len(forge.seen), len(links))
        link = links[number - 1]
        return httpx2.Response(200, json=number, headers={"link": f'<{link}>; rel="next"'} if link else {})

    forge = Scripted(respond=respond)
    return forge


def numbered(pages: Sequence[Any], headers: Sequence[dict[str, str]] = ()) -> Scripted:
    """A server with these pages, asked for by number, and an empty one behind them."""

    def respond(request: httpx2.Request) -> httpx2.Response:
        at = int(request.url.params["page"]) - 1
        body = pages[at] if at < len(pages) else []
        return httpx2.Response(200, json=body, headers=headers[at] if at < len(headers) else {})

    return Scripted(respond=respond)


# -- along links ------------------------------------------------------------------------------------------------------


def test_pages_are_followed_along_their_links() -> None:
    forge = linked("https://forge.test/api/items?page=2", "/api/items?page=3", None)
    assert [page.json() for page in forge.client().pages("items", {"since": "x"})] == [1, 2, 3]
    assert [request.url.query for request in forge.seen] == [b"since=x", b"page=2", b"page=3"]


@pytest.mark.parametrize("links", [["/api/items"], ["/api/items?page=2", "/api/items?page=3", "/api/items?page=2"]])
def test_a_link_back_is_a_loop(links: list[str]) -> None:
    forge = linked(*links)
    with pytest.raises(CollectError, match=f"forge: /api/items comes again after {len(links)} pages: {LOOP}"):
        list(forge.client().pages("items"))
    assert len(forge.seen) == len(links)


def test_half_a_page_is_asked_for_again() -> None:
    forge = Scripted(httpx2.Response(200, text="[1, 2"), httpx2.Response(200, json=[1, 2]))
    assert [page.json() for page in forge.client().pages("items")] == [[1, 2]]
    assert len(forge.waits) == 1


def test_a_link_by_http_of_a_server_behind_a_proxy_keeps_https_and_the_credential() -> None:
    forge = linked("http://forge.test/api/items?page=2", None)
    assert len(list(forge.client("https://forge.test:8443/api", auth=Bearer("abc")).pages("items"))) == 2
    assert str(forge.seen[1].url) == "https://forge.test:8443/api/items?page=2"
    assert forge.seen[1].headers["authorization"] == "Bearer abc"


def test_a_link_to_another_server_says_which_address_to_set() -> None:
    forge = linked("https://inner.test/api/items?page=2", None)
    with pytest.raises(CollectError, match=r"the next page is said to be at inner.test.*set `url` to the address"):
        list(forge.client().pages("items"))
    assert len(forge.seen) == 1


# -- by number --------------------------------------------------------------------------------------------------------


def test_numbered_pages_end_with_a_short_one() -> None:
    forge = numbered([[1, 2], [3, 4], [5]])
    rows = list(forge.client().numbered_pages("items", {"state": "all"}, size=("limit", 2)))
    assert rows == [[1, 2], [3, 4], [5]]
    assert [str(request.url.query, "ascii") for request in forge.seen] == [
        f"state=all&limit=2&page={number}" for number in (1, 2, 3)
    ]


def test_numbered_pages_end_with_an_empty_one() -> None:
    assert list(numbered([[1, 2], [3, 4]]).client().numbered_pages("items", size=("limit", 2))) == [[1, 2], [3, 4]]
    assert list(numbered([]).client().numbered_pages("items")) == []


def test_numbered_pages_end_where_the_server_says_so() -> None:
    """A full page that is said to be the last costs no request for an empty one."""
    by_link = numbered([[1, 2], [3, 4]], [{"link": '</i?page=2>; rel="next"'}, {"link": '</i?page=1>; rel="first"'}])
    assert list(by_link.client().numbered_pages("items", size=("limit", 2))) == [[1, 2], [3, 4]]
    assert len(by_link.seen) == 2
    by_total = numbered([[1, 2], [3, 4]], [{"x-total-count": "4"}] * 2)
    assert list(by_total.client().numbered_pages("items", size=("limit", 2))) == [[1, 2], [3, 4]]
    assert len(by_total.seen) == 2


@pytest.mark.parametrize("headers", [{"x-total-count": "3"}, {"link": '</i?page=2>; rel="next"'}])
def test_a_server_that_gives_less_than_asked_for_is_read_to_its_end(headers: dict[str, str]) -> None:
    forge = numbered([[1, 2], [3]], [headers, {"x-total-count": "3"}])
    assert list(forge.client().numbered_pages("items", size=("limit", 100))) == [[1, 2], [3]]


def test_rows_stand_under_a_key_of_the_body() -> None:
    forge = numbered([{"total": 3, "runs": [1, 2]}, {"total": 3, "runs": [3]}])
    assert list(forge.client().numbered_pages("items", size=("limit", 2), items="runs")) == [[1, 2], [3]]


@pytest.mark.parametrize(("items", "where"), [("runs", "under 'runs'"), (None, "as its body")])
def test_a_body_without_the_rows_says_what_is_missing(items: str | None, where: str) -> None:
    with pytest.raises(CollectError, match=f"forge: /api/items has no list {where}: its form has changed"):
        list(numbered([{"values": [1]}]).client().numbered_pages("items", items=items))


@pytest.mark.parametrize("pages", [[[1, 2]] * 9, [[1, 2], [3, 4], [3, 4], [3, 4]], [[1, 2], [3, 4], [1, 2]]])
def test_a_server_that_ignores_the_number_is_a_loop(pages: list[list[int]]) -> None:
    forge = numbered(pages)
    with pytest.raises(CollectError, match=f"page {{}} of items has come before: {LOOP}".format("[23]")):
        list(forge.client().numbered_pages("items", size=("limit", 2)))


# -- by token ---------------------------------------------------------------------------------------------------------


def test_pages_end_with_the_last_token() -> None:
    forge = Scripted(
        httpx2.Response(200, json={"next": "a"}),
        httpx2.Response(200, json={"next": "b"}),
        httpx2.Response(200, json={}),
    )
    client = forge.client()
    pages = client.token_pages(
        lambda token: client.json("items", {"after": token or ""}), lambda body: body.get("next")
    )
    assert len(list(pages)) == 3
    assert [request.url.params["after"] for request in forge.seen] == ["", "a", "b"]


def test_a_repeated_page_token_is_a_loop() -> None:
    tokens = iter(["a", "b", "a", "c"])
    client = Scripted(httpx2.Response(200)).client()
    pages = client.token_pages(lambda token: client.get("items", {"after": token or ""}), lambda _: next(tokens))
    with pytest.raises(CollectError, match=f"page token 'a' comes again: {LOOP}"):
        list(pages)
