"""What hosts and git say where a repository cannot be mirrored, and what is made of it."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from dxmetrics.collectors import extend_path
from dxmetrics.errors import AuthError, CollectError, NotFoundError, RetryableError

from .gitrepo import ROOT

extend_path([ROOT / "collectors"])
failures = importlib.import_module("dxmetrics.collectors.git.failures")
reach = importlib.import_module("dxmetrics.collectors.git.access")

URL = "https://git.example/acme/shop.git"
DENIED = f"fatal: unable to access '{URL}/': The requested URL returned error: 403"
ABSENT = f"fatal: repository '{URL}/' not found"
CLOSED = "fatal: Could not read from remote repository."


def explained(reply: str, address: str = URL, token: str | None = "tiny-secret") -> CollectError:  # noqa: S107 - made up
    reached = reach.access(address, token, None, remedy="set one", has_contents=False, timeout_seconds=60)
    found = failures.explained(reply, reached, Path("mirrors"))
    assert isinstance(found, CollectError)
    return found


@pytest.mark.parametrize(
    ("reply", "kind", "message"),
    [
        (f"remote: Invalid username or token.\nfatal: Authentication failed for '{URL}/'", AuthError, "was refused"),
        (f"remote: HTTP Basic: Access denied.\nfatal: Authentication failed for '{URL}/'", AuthError, "was refused"),
        ("fatal: could not read Username for 'https://git.example': terminal prompts disabled", AuthError, "set one"),
        (f"remote: Write access to repository not granted.\n{DENIED}", NotFoundError, "may not be read: set one"),
        (f"remote: Repository not found.\n{ABSENT}", NotFoundError, "may not be read: set one"),
        (f"remote: TF401019: The Git repository shop does not exist\n{ABSENT}", NotFoundError, "be read: set one"),
        (f"fatal: {URL}/info/refs not valid: is this a git repository?", NotFoundError, "may not be read: set one"),
        (f"fatal: unable to access '{URL}/': The requested URL returned error: 502", RetryableError, "next run"),
        (f"fatal: unable to access '{URL}/': Could not resolve host: git.example", RetryableError, "next run"),
        ("error: RPC failed; curl 56 GnuTLS recv error (-110)\nfatal: early EOF", RetryableError, "next run"),
        (f"fatal: unable to access '{URL}/': SSL certificate problem: self-signed", CollectError, "ca_file"),
        (f"fatal: unable to access '{URL}/': server certificate verification failed.", CollectError, "ca_file"),
        (f"fatal: unable to access '{URL}/': Problem with the SSL CA cert (path?", CollectError, "ca_file"),
        ("fatal: write error: No space left on device", CollectError, "no room or right to write the mirror"),
        ("error: unable to create temporary file: Permission denied", CollectError, "no room or right to write"),
        ("fatal: cannot mkdir objects/pack: Permission denied", CollectError, "no room or right to write the mirror"),
        ("fatal: something new", CollectError, "cannot be mirrored; git says: fatal: something new"),
    ],
)
def test_a_failure_says_what_to_do(reply: str, kind: type[CollectError], message: str) -> None:
    found = explained(reply)
    assert type(found) is kind
    assert message in str(found)
    assert "tiny-secret" not in str(found)


@pytest.mark.parametrize(
    ("reply", "address", "token"),
    [
        (f"git@git.example: Permission denied (publickey).\n{CLOSED}", "git@git.example:acme/shop.git", None),
        (f"git@git.example: Permission denied (publickey).\n{CLOSED}", "git@git.example:acme/shop.git", "tiny-secret"),
        ("fatal: could not read Username for 'https://git.example': terminal prompts disabled", URL, None),
    ],
)
def test_what_no_token_was_sent_for_is_that_repository_alone(reply: str, address: str, token: str | None) -> None:
    found = explained(reply, address, token)
    assert type(found) is NotFoundError
    assert "may not be read: set one" in str(found)


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("https://git.example/acme/store.git/info/refs?service=git-upload-pack", "https://git.example/acme/store.git"),
        ("/acme/store.git/info/refs?service=git-upload-pack", "https://git.example/acme/store.git"),
        ("https://login.example/?back=1", "https://login.example/?back=1"),
    ],
)
@pytest.mark.parametrize("header", ["Location", "location"])
def test_where_a_host_redirects_to_is_read_from_gits_trace(header: str, location: str, expected: str) -> None:
    trace = f"09:28:37.763860 http.c:684              <= Recv header: {header}: {location}\n{DENIED}"
    assert failures.new_address(trace, URL) == expected
    assert failures.new_address(DENIED, URL) is None


@pytest.mark.parametrize(
    ("address", "is_same"),
    [
        ("https://git.example:443/acme/store.git", True),
        ("https://acme@GIT.example/acme/store.git", True),
        ("http://git.example/acme/store.git", False),
        ("https://git.example:8443/acme/store.git", False),
        ("https://git.example.org/acme/store.git", False),
    ],
)
def test_a_token_is_for_one_scheme_host_and_port(address: str, is_same: bool) -> None:
    assert failures.is_same_host(URL, address) is is_same
