"""Webhooks of Bitbucket Cloud: signed, told apart, and what each makes the poller look at."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path
from typing import Any

import pytest

from dxmetrics.errors import PayloadError, SignatureError
from tests.collectors.scopes import listed

from .support import NOW, source

WEBHOOK = source.Bitbucket.webhook
UUID = "{673a6070-3421-46c9-9d48-90745f7bfe8e}"
REPOSITORY = {"uuid": UUID, "full_name": "acme/shop"}
BODY = b'{"push": {}}'


def looks(event: str, **payload: Any) -> Any:
    return WEBHOOK.looks({"x-event-key": event}, {"repository": REPOSITORY, **payload})


def test_a_delivery_is_verified_and_known_by_its_id() -> None:
    signed = hmac.new(b"s3cret", BODY, hashlib.sha256).hexdigest()
    headers = {"x-hub-signature": f"sha256={signed}", "x-request-uuid": "e36bc6b3"}
    WEBHOOK.verify(headers, BODY, "s3cret", NOW)
    assert WEBHOOK.delivery_id(headers, BODY) == "e36bc6b3"
    for body, secret in ((BODY + b" ", "s3cret"), (BODY, "other")):
        with pytest.raises(SignatureError, match="x-hub-signature does not fit"):
            WEBHOOK.verify(headers, body, secret, NOW)


@pytest.mark.parametrize("event", ["repo:push", "pullrequest:fulfilled"])
def test_commits_are_looked_for_at_the_host_and_in_the_mirror(event: str) -> None:
    assert looks(event) == (UUID, f"{UUID}/git")


@pytest.mark.parametrize(
    "event",
    [
        "pullrequest:created", "pullrequest:updated", "pullrequest:approved", "pullrequest:comment_created",
        "pullrequest:rejected", "issue:created", "issue:updated",
    ],
)  # fmt: skip
def test_what_is_read_of_a_repository_is_looked_at(event: str) -> None:
    assert looks(event) == (UUID,)


@pytest.mark.parametrize("event", ["repo:commit_status_created", "repo:commit_status_updated"])
@pytest.mark.parametrize(("state", "scopes"), [("INPROGRESS", ()), ("SUCCESSFUL", (UUID,)), ("FAILED", (UUID,))])
def test_a_pipeline_is_looked_at_once_it_has_ended(event: str, state: str, scopes: tuple[str, ...]) -> None:
    assert looks(event, commit_status={"state": state}) == scopes


@pytest.mark.parametrize("event", ["repo:created", "repo:deleted", "repo:transfer", "repo:updated", "repo:imported"])
def test_repositories_that_come_go_or_change_their_name_are_a_new_list(event: str) -> None:
    assert looks(event) is None


@pytest.mark.parametrize("event", ["repo:fork", "repo:commit_comment_created", "news:from tomorrow", ""])
def test_what_is_not_read_is_no_reason_to_look(event: str) -> None:
    assert looks(event) == ()


def test_without_a_header_that_names_the_event_nothing_is_looked_at() -> None:
    assert WEBHOOK.looks({}, {"repository": REPOSITORY}) == ()


@pytest.mark.parametrize("payload", [[], "text", None, {}, {"repository": None}, {"repository": {"uuid": 17}}])
@pytest.mark.parametrize("event", ["repo:push", "pullrequest:created", "repo:commit_status_updated"])
def test_a_payload_of_odd_shape_is_refused_with_the_field(event: str, payload: Any) -> None:
    with pytest.raises(PayloadError, match=r"no text at `repository\.uuid`"):
        WEBHOOK.looks({"x-event-key": event}, payload)


def test_the_scopes_are_those_that_the_source_lists(tmp_path: Path) -> None:
    scopes = listed("bitbucket", tmp_path)
    repositories = {scope for scope in scopes if "/" not in scope}
    assert repositories
    assert scopes == {scope for uuid in repositories for scope in looks("repo:push", repository={"uuid": uuid})}
