"""Webhooks of Forgejo and Gitea: signed, told apart, and what each makes the poller look at."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dxmetrics.errors import PayloadError, SignatureError
from tests.collectors.scopes import listed

from .support import forgejo

WEBHOOK = forgejo.Forgejo.webhook
NOW = datetime(2026, 1, 5, tzinfo=UTC)
REPOSITORY = {"id": 17, "full_name": "acme/shop"}
BODY = b'{"ref": "refs/heads/main"}'


def looks(event: str, **payload: Any) -> Any:
    return WEBHOOK.looks({"x-forgejo-event": event}, {"repository": REPOSITORY, **payload})


@pytest.mark.parametrize("server", ["forgejo", "gitea"])
def test_a_delivery_is_verified_and_known_by_its_id(server: str) -> None:
    signed = hmac.new(b"s3cret", BODY, hashlib.sha256).hexdigest()
    headers = {f"x-{server}-signature": signed, f"x-{server}-delivery": "f6266f16"}
    WEBHOOK.verify(headers, BODY, "s3cret", NOW)
    assert WEBHOOK.delivery_id(headers, BODY) == "f6266f16"
    for body, secret in ((BODY + b" ", "s3cret"), (BODY, "other")):
        with pytest.raises(SignatureError, match=f"x-{server}-signature does not fit"):
            WEBHOOK.verify(headers, body, secret, NOW)


@pytest.mark.parametrize("event", ["push", "create", "delete"])
def test_commits_are_looked_for_at_the_host_and_in_the_mirror(event: str) -> None:
    assert looks(event) == ("17", "17/git")
    assert WEBHOOK.looks({"x-gitea-event": event}, {"repository": REPOSITORY}) == ("17", "17/git")


@pytest.mark.parametrize(
    "event",
    [
        "issues", "issue_label", "issue_comment", "pull_request", "pull_request_sync", "pull_request_approved",
        "pull_request_rejected", "pull_request_comment", "release", "workflow_run",
    ],
)  # fmt: skip
def test_what_is_read_of_a_repository_is_looked_at(event: str) -> None:
    assert looks(event, action="opened") == ("17",)


@pytest.mark.parametrize("event", ["action_run_success", "action_run_failure", "action_run_recover"])
def test_a_run_names_its_repository_inside(event: str) -> None:
    payload = {"action": "success", "run": {"id": 5, "repository": REPOSITORY}}
    assert WEBHOOK.looks({"x-forgejo-event": event}, payload) == ("17",)


def test_a_merge_brings_commits_and_a_rejection_none() -> None:
    assert looks("pull_request", action="closed", pull_request={"merged": True}) == ("17", "17/git")
    assert looks("pull_request", action="closed", pull_request={"merged": False}) == ("17",)


def test_repositories_that_come_or_go_are_a_new_list() -> None:
    assert looks("repository", action="created") is None


@pytest.mark.parametrize("event", ["fork", "wiki", "package", "status", "workflow_job", "news from tomorrow"])
def test_what_is_not_read_is_no_reason_to_look(event: str) -> None:
    assert looks(event) == ()


def test_without_a_header_that_names_the_event_nothing_is_looked_at() -> None:
    assert WEBHOOK.looks({}, {"repository": REPOSITORY}) == ()


@pytest.mark.parametrize("payload", [[], "text", None, {}, {"repository": None}, {"repository": {"id": "17"}}])
def test_a_payload_of_odd_shape_is_refused_with_the_field(payload: Any) -> None:
    with pytest.raises(PayloadError, match=r"`repository\.id or run\.repository\.id`"):
        WEBHOOK.looks({"x-forgejo-event": "push"}, payload)


def test_the_scopes_are_those_that_the_source_lists(tmp_path: Path) -> None:
    scopes = listed("forgejo", tmp_path)
    numbers = {scope for scope in scopes if scope.isdecimal()}
    assert numbers
    for number in numbers:
        assert set(looks("push", repository={"id": int(number)})) <= scopes
