"""GraphQL: what an answer of 200 may hide."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import httpx2
import pytest

from dxmetrics.errors import AuthError, CollectError, OverloadError, RetryableError
from dxmetrics.http import ATTEMPTS, GraphqlError, PageSize, with_size
from tests.engine.scripted_server import NOON, Scripted, date

QUERY = "query($n: Int!) { items(first: $n) { id } }"
WELL: Mapping[str, Any] = {"data": {"items": [{"id": 1}]}}
PARTIAL: Mapping[str, Any] = {
    "data": {"items": [None]},
    "errors": [{"type": "FORBIDDEN", "message": "no access to item 1", "path": ["items", 0]}],
}


def replies(*bodies: Any) -> Scripted:
    return Scripted(*[httpx2.Response(200, json=body, headers=date(NOON)) for body in bodies])


def test_a_query_is_posted_with_its_variables_and_the_answer_says_when() -> None:
    forge = replies(WELL)
    found = forge.client().graphql(QUERY, {"n": 5})
    assert found.data == {"items": [{"id": 1}]}
    assert found.served_at == NOON
    assert found.errors == ()
    (request,) = forge.seen
    assert (request.method, str(request.url)) == ("POST", "https://forge.test/api/graphql")
    assert json.loads(request.content) == {"query": QUERY, "variables": {"n": 5}}


def test_another_address_can_be_given() -> None:
    forge = replies(WELL)
    forge.client("https://forge.test/api/v3").graphql(QUERY, {}, url="https://forge.test/api/graphql")
    assert forge.seen[0].url.path == "/api/graphql"


def test_a_query_is_sent_again_after_a_broken_connection_or_half_an_answer() -> None:
    forge = Scripted(httpx2.ReadError("gone"), httpx2.Response(200, text='{"data":'), httpx2.Response(200, json=WELL))
    assert forge.client().graphql(QUERY, {}).data == WELL["data"]
    assert len(forge.seen) == 3


def test_without_a_judge_an_error_fails_the_scope_in_the_words_of_the_server() -> None:
    with pytest.raises(CollectError, match="forge: FORBIDDEN no access to item 1") as caught:
        replies(PARTIAL).client().graphql(QUERY, {})
    assert type(caught.value) is CollectError


def test_of_many_errors_the_first_are_shown() -> None:
    errors = [{"message": f"no {number}"} for number in range(5)]
    with pytest.raises(CollectError, match=r"forge: no 0; no 1; no 2 \(and 2 more\)"):
        replies({"data": None, "errors": errors}).client().graphql(QUERY, {})


def test_a_judge_can_accept_what_there_is() -> None:
    met: list[Sequence[GraphqlError]] = []

    def accept(errors: Sequence[GraphqlError]) -> None:
        met.append(errors)

    found = replies(PARTIAL).client().graphql(QUERY, {}, judge=accept)
    assert found.data == PARTIAL["data"]
    assert list(found.errors) == list(met[0]) == PARTIAL["errors"]


def test_a_judge_can_refuse() -> None:
    forge = replies(PARTIAL)
    with pytest.raises(AuthError, match="bad"):
        forge.client().graphql(QUERY, {}, judge=lambda _: AuthError("bad"))
    assert len(forge.seen) == 1


def test_what_a_judge_calls_retryable_is_tried_again() -> None:
    forge = replies(PARTIAL, WELL)
    assert forge.client().graphql(QUERY, {}, judge=lambda _: RetryableError("again")).data == WELL["data"]
    hopeless = replies(PARTIAL)
    with pytest.raises(RetryableError, match="again"):
        hopeless.client().graphql(QUERY, {}, judge=lambda _: RetryableError("again"))
    assert len(hopeless.seen) == ATTEMPTS


def test_what_a_judge_calls_too_much_is_asked_for_in_smaller_pages_at_once() -> None:
    forge = replies(PARTIAL, PARTIAL, WELL)
    client = forge.client()
    size = PageSize(21)

    def fetch(n: int) -> Mapping[str, Any]:
        return client.graphql(QUERY, {"n": n}, judge=lambda _: OverloadError("too much")).data

    assert with_size(size, fetch) == WELL["data"]
    assert [json.loads(request.content)["variables"]["n"] for request in forge.seen] == [21, 10, 5]
    assert forge.waits == []


@pytest.mark.parametrize("body", [{"data": None}, {"data": None, "errors": []}, {}, {"data": [1]}])
def test_an_answer_without_data_is_an_error(body: Mapping[str, Any]) -> None:
    with pytest.raises(CollectError, match="forge: /api/graphql answers without data: no reason given"):
        replies(body).client().graphql(QUERY, {})


def test_errors_accepted_without_data_are_an_error_still() -> None:
    body = {"data": None, "errors": ["odd"]}
    with pytest.raises(CollectError, match="answers without data: odd"):
        replies(body).client().graphql(QUERY, {}, judge=lambda _: None)


@pytest.mark.parametrize("body", [[1], "text", 7])
def test_a_body_of_another_form_is_no_graphql(body: Any) -> None:
    with pytest.raises(CollectError, match=r"answers with \w+: it is no GraphQL"):
        replies(body).client().graphql(QUERY, {})
