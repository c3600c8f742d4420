"""The HTTP client: what is sent, what is tried again and for how long, and what a refusal says."""

import logging
from collections.abc import Mapping
from datetime import timedelta

import httpx2
import pytest

from dxmetrics.errors import (
    AuthError,
    CollectError,
    LimitedError,
    NotFoundError,
    OverloadError,
    RetryableError,
    SettingsError,
)
from dxmetrics.http import ATTEMPTS, ATTEMPTS_BEFORE_LESS, Bearer, HeaderToken, PageSize, served_at, with_size
from tests.engine.scripted_server import NOON, Answer, Scripted, date

OK = httpx2.Response(200, json={"ok": True})


def test_headers_and_parameters_reach_the_server() -> None:
    forge = Scripted(OK)
    forge.client(headers={"X-Version": "7"}).get(
        "items", {"since": "2026-01-01T00:00:00+00:00"}, headers={"X-One": "1"}
    )
    (request,) = forge.seen
    assert str(request.url).endswith("/api/items?since=2026-01-01T00%3A00%3A00%2B00%3A00")
    assert (request.headers["x-version"], request.headers["x-one"]) == ("7", "1")
    assert request.headers["accept"] == "application/json"
    assert request.headers["user-agent"].startswith("dxmetrics/")


def test_parameters_are_added_to_those_of_the_address_and_unknown_ones_left_out() -> None:
    forge = Scripted(OK)
    client = forge.client()
    client.get("items?sort=id", {"page": 2, "until": None, "label[]": ["a", "b"]})
    client.get("items?sort=id", {"until": None})
    client.get("items?sort=id", {})
    assert [str(request.url.query, "ascii") for request in forge.seen] == [
        "sort=id&page=2&label%5B%5D=a&label%5B%5D=b", "sort=id", "sort=id",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.Response(500),
        httpx2.Response(502),
        httpx2.ReadTimeout("slow"),
        httpx2.ConnectError("down"),
        httpx2.RemoteProtocolError("half"),
    ],
)
def test_what_may_succeed_later_is_tried_again(answer: Answer) -> None:
    forge = Scripted(answer, answer, OK)
    assert forge.client().get("items").json() == {"ok": True}
    assert len(forge.waits) == 2
    assert 1 <= forge.waits[0] <= 2 <= forge.waits[1] <= 4


def test_trying_again_has_an_end() -> None:
    forge = Scripted(httpx2.Response(503))
    with pytest.raises(OverloadError, match="forge: 503 on /api/items: try again later"):
        forge.client().get("items")
    assert len(forge.seen) == ATTEMPTS
    assert sum(forge.waits) < 60


@pytest.mark.parametrize("answer", [httpx2.Response(502), httpx2.ReadTimeout("slow"), httpx2.ReadError("gone")])
def test_what_might_change_something_is_not_sent_twice(answer: Answer) -> None:
    forge = Scripted(answer)
    with pytest.raises(RetryableError):
        forge.client().send("POST", "items", json={"a": 1})
    assert len(forge.seen) == 1
    with pytest.raises(RetryableError):
        forge.client().json("items", method="POST", json={"a": 1}, is_safe=True)
    assert len(forge.seen) == 1 + ATTEMPTS


def test_a_limit_is_waited_for_also_where_the_request_changes_something() -> None:
    forge = Scripted(httpx2.Response(429, headers={"retry-after": "7"}), OK)
    assert forge.client().send("POST", "items", json={}).status_code == 200
    assert forge.waits == [7.0]


def test_half_a_body_is_asked_for_again() -> None:
    forge = Scripted(httpx2.Response(200, text='{"ok": tr'), OK)
    assert forge.client().json("items") == {"ok": True}
    assert len(forge.waits) == 1


def test_a_body_that_never_is_json_fails_the_scope() -> None:
    forge = Scripted(httpx2.Response(200, text="fine"))
    with pytest.raises(RetryableError, match=r"forge.test/api/items does not answer with whole JSON"):
        forge.client().json("items")
    assert len(forge.seen) == ATTEMPTS


def test_no_content_is_none() -> None:
    assert Scripted(httpx2.Response(204)).client().json("items") is None


def test_a_refused_token_names_the_variable_to_set() -> None:
    forge = Scripted(httpx2.Response(401))
    with pytest.raises(AuthError, match=r"my-forge: 401 on /api/items: the token is refused.*DX_MY_FORGE__TOKEN"):
        forge.client(name="my-forge", auth=Bearer("abc")).get("items")
    assert len(forge.seen) == 1


def test_a_token_that_was_never_given_is_asked_for() -> None:
    with pytest.raises(AuthError, match=r"a token is needed: create one with read access and set DX_FORGE__TOKEN"):
        Scripted(httpx2.Response(401)).client().get("items")


@pytest.mark.parametrize("status", [400, 403, 409, 422, 451])
def test_other_refusals_fail_the_scope_at_once_in_the_words_of_the_server(status: int) -> None:
    forge = Scripted(httpx2.Response(status, json={"message": "no such branch"}))
    with pytest.raises(CollectError, match=f"forge: {status} on /api/items.*no such branch") as caught:
        forge.client().get("items")
    assert type(caught.value) is CollectError
    assert forge.waits == []


@pytest.mark.parametrize("status", [404, 410])
def test_what_is_not_there_is_an_error_of_its_own(status: int) -> None:
    with pytest.raises(
        NotFoundError, match=f"forge: {status} on /api/items: it is not there, or the token may not see it"
    ):
        Scripted(httpx2.Response(status)).client().get("items")


@pytest.mark.parametrize(
    ("headers", "body", "said"),
    [
        ({"x-accepted-github-permissions": "actions=read"}, {}, "lacks the permission 'actions=read'"),
        (
            {"x-accepted-oauth-scopes": "repo, admin:org", "x-oauth-scopes": "gist"},
            {},
            "lacks the scope 'repo, admin:org' (it has 'gist')",
        ),
        ({"x-accepted-oauth-scopes": "repo", "x-oauth-scopes": ""}, {}, "lacks the scope 'repo' (it has 'none')"),
        ({"x-accepted-oauth-scopes": "repo", "x-oauth-scopes": "repo, gist"}, {"message": "private"}, "(private)"),
        ({}, {"error": "insufficient_scope", "scope": "api read_api"}, "lacks the scope 'api read_api'"),
        ({"www-authenticate": 'Bearer error="insufficient_scope", scope="account"'}, {}, "lacks the scope 'account'"),
        ({"x-github-sso": "required; url=https://forge.test/sso?code=1"}, {}, "authorise the token for it"),
        ({}, {"error": {"message": "Not in the group"}}, "the token may not read this (Not in the group): give it"),
    ],
)
def test_a_missing_permission_is_named(headers: Mapping[str, str], body: Mapping[str, object], said: str) -> None:
    forge = Scripted(httpx2.Response(403, headers=headers, json=body))
    with pytest.raises(CollectError) as caught:
        forge.client().get("items")
    assert said in str(caught.value)
    assert type(caught.value) is CollectError
    assert forge.waits == []


@pytest.mark.parametrize("status", [200, 203])
def test_a_web_page_instead_of_data_is_a_refused_token(status: int) -> None:
    forge = Scripted(httpx2.Response(status, html="<title>Sign in</title>"))
    with pytest.raises(
        AuthError, match=f"forge.test answers {status} with a web page where data was asked for.*DX_FORGE__T"
    ):
        forge.client().get("items")


def test_a_web_page_is_welcome_where_it_was_asked_for() -> None:
    forge = Scripted(httpx2.Response(200, html="<p>notes</p>"))
    assert forge.client().get("notes", headers={"Accept": "*/*"}).text == "<p>notes</p>"


@pytest.mark.parametrize("place", ["https://forge.test/users/sign_in", "https://spsprod.test/_signin?realm=forge"])
def test_a_redirect_to_a_login_is_a_refused_token(place: str) -> None:
    forge = Scripted(httpx2.Response(302, headers={"location": place}))
    with pytest.raises(AuthError, match="the token is refused"):
        forge.client().send("POST", "items", json={})


def test_a_redirect_of_a_post_is_not_followed_and_says_where_to_go() -> None:
    forge = Scripted(httpx2.Response(301, headers={"location": "https://forge.example/api/graphql?x=1"}))
    with pytest.raises(CollectError, match=r"it has moved to https://forge.example/api/graphql: correct `url`"):
        forge.client().graphql("{a}", {})
    assert len(forge.seen) == 1


def test_an_unchanged_answer_comes_back_as_304() -> None:
    def respond(request: httpx2.Request) -> httpx2.Response:
        is_known = request.headers.get("if-none-match") == '"v1"'
        return httpx2.Response(304) if is_known else httpx2.Response(200, headers={"etag": '"v1"'})

    forge = Scripted(respond=respond).client()
    first = forge.get("items")
    assert forge.get("items", etag=first.headers["etag"]).status_code == 304
    assert forge.get("items", etag='"old"').status_code == 200
    assert forge.get("items").status_code == 200


def test_a_page_size_is_halved_until_the_server_can_answer_and_stays_so() -> None:
    sizes: list[int] = []

    def respond(request: httpx2.Request) -> httpx2.Response:
        sizes.append(int(request.url.params["n"]))
        return httpx2.Response(502) if sizes[-1] > 5 else OK

    forge = Scripted(respond=respond)
    client = forge.client()
    size = PageSize(21)
    assert with_size(size, lambda n: client.json("items", {"n": n})) == {"ok": True}
    assert sizes == [21] * ATTEMPTS_BEFORE_LESS + [10] * ATTEMPTS_BEFORE_LESS + [5]
    assert size.value == 5
    assert with_size(size, lambda n: client.json("items", {"n": n})) == {"ok": True}
    assert sizes[-1] == 5


def test_the_smallest_page_is_tried_with_all_patience_before_the_scope_fails() -> None:
    forge = Scripted(httpx2.ReadTimeout("slow"))
    client = forge.client()
    size = PageSize(8, floor=5)
    with pytest.raises(OverloadError, match=r"forge: forge.test does not answer /api/items in time: .*timeout_seconds"):
        with_size(size, lambda n: client.json("items", {"n": n}))
    assert [int(request.url.params["n"]) for request in forge.seen] == [8] * ATTEMPTS_BEFORE_LESS + [5] * ATTEMPTS
    assert size.value == 5


def test_another_failure_leaves_the_page_size_alone() -> None:
    size = PageSize(21)
    client = Scripted(httpx2.Response(404)).client()
    with pytest.raises(NotFoundError):
        with_size(size, lambda n: client.json("items", {"n": n}))
    assert size.value == 21


def test_no_token_is_in_a_message_a_log_or_a_repr(caplog: pytest.LogCaptureFixture) -> None:
    secret = "s3cr3t-t0k3n"  # noqa: S105  (invented)
    token = HeaderToken("PRIVATE-TOKEN", secret)
    echo = httpx2.Response(400, text=f"bad headers: PRIVATE-TOKEN={secret}")
    with caplog.at_level(logging.DEBUG, "dxmetrics"), pytest.raises(CollectError) as caught:
        Scripted(httpx2.Response(500), echo).client(auth=token).get("items", {"private_token": secret})
    assert str(caught.value) == "forge: 400 on /api/items: bad headers: PRIVATE-TOKEN=***"
    assert secret not in caplog.text
    assert secret not in repr(token)
    lines = [record.getMessage() for record in caplog.records]
    assert lines[0].startswith("method=GET host=forge.test path=/api/items status=500 seconds=0.")


@pytest.mark.parametrize(
    "url", ["forge.test", "ftp://forge.test", "https://", "https://ada:pw@forge.test", "https://forge.test:port"]
)
def test_an_address_that_is_none_is_a_wrong_setting(url: str) -> None:
    with pytest.raises(
        SettingsError, match=r"forge: .* is no address of a server: write `url` as https://HOST"
    ) as caught:
        Scripted(OK).client(url)
    assert "pw" not in str(caught.value)


def test_the_time_of_an_answer_is_the_servers() -> None:
    server = NOON + timedelta(hours=3)
    client = Scripted(httpx2.Response(200, headers=date(server))).client()
    assert client.server_time() == NOON
    assert served_at(client.get("items")) == server
    assert client.server_time() == server
    assert served_at(httpx2.Response(200)) is None
    assert served_at(httpx2.Response(200, headers={"date": "yesterday"})) is None


def test_limits_that_last_too_long_are_told_from_others() -> None:
    with pytest.raises(LimitedError) as caught:
        Scripted(httpx2.Response(429, headers={"retry-after": "3600"})).client(name="github").get("items")
    assert caught.value.until == NOON + timedelta(hours=1)
    assert str(caught.value) == (
        "github: forge.test refuses more requests until 13:00 UTC: the next collection goes on from here"
    )
