"""GitLab's webhooks: signed, told apart, and what each makes the poller look at."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dxmetrics.errors import PayloadError, SignatureError
from tests.collectors.scopes import listed

from .harness import gitlab

WEBHOOK = gitlab.GitLab.webhook
NOW = datetime(2026, 1, 5, tzinfo=UTC)
PROJECT = {"id": 17, "path_with_namespace": "acme/shop"}
BODY = b'{"object_kind": "push"}'


def looks(kind: str, **payload: Any) -> Any:
    return WEBHOOK.looks({}, {"object_kind": kind, "project": PROJECT, **payload})


def test_a_delivery_is_verified_by_its_signing_token_or_its_secret_token() -> None:
    stamp = str(int(NOW.timestamp()))
    signed = hmac.new(b"s3cret", f"d1.{stamp}.".encode() + BODY, hashlib.sha256).digest()
    headers = {
        "webhook-id": "d1", "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
    }  # fmt: skip
    WEBHOOK.verify(headers, BODY, "s3cret", NOW)
    WEBHOOK.verify({"x-gitlab-token": "s3cret"}, BODY, "s3cret", NOW)
    for forged in (headers | {"webhook-id": "d2"}, {"x-gitlab-token": "other"}, {}):
        with pytest.raises(SignatureError):
            WEBHOOK.verify(forged, BODY, "s3cret", NOW)


def test_a_delivery_goes_by_the_id_that_stays_when_it_is_sent_again() -> None:
    again = {"idempotency-key": "f5e5f430", "x-gitlab-event-uuid": "13792a34"}
    assert WEBHOOK.delivery_id(again, BODY) == "f5e5f430"
    assert WEBHOOK.delivery_id({"webhook-id": "d1", **again}, BODY) == "d1"
    # Of an old GitLab: one event's id stands in the deliveries of others that it causes.
    older = WEBHOOK.delivery_id({"x-gitlab-event-uuid": "13792a34"}, BODY)
    assert older == f"sha256:{hashlib.sha256(BODY).hexdigest()}"


@pytest.mark.parametrize("kind", ["push", "tag_push"])
def test_commits_are_looked_for_at_the_host_and_in_the_mirror(kind: str) -> None:
    assert looks(kind) == ("17", "17/git")


@pytest.mark.parametrize("kind", ["merge_request", "issue", "work_item", "pipeline", "deployment", "release"])
def test_what_is_read_of_a_project_is_looked_at(kind: str) -> None:
    assert looks(kind, object_attributes={"action": "update"}) == ("17",)


def test_a_merge_brings_commits() -> None:
    assert looks("merge_request", object_attributes={"action": "merge"}) == ("17", "17/git")


@pytest.mark.parametrize(
    ("on", "scopes"), [("MergeRequest", ("17",)), ("Issue", ("17",)), ("Commit", ()), ("Snippet", ())]
)
def test_comments_count_where_they_are_read(on: str, scopes: tuple[str, ...]) -> None:
    assert looks("note", object_attributes={"noteable_type": on}) == scopes


@pytest.mark.parametrize("kind", ["build", "emoji", "wiki_page", "feature_flag", "news from tomorrow"])
def test_what_is_not_read_is_no_reason_to_look(kind: str) -> None:
    assert looks(kind) == ()


@pytest.mark.parametrize("event", ["project_create", "project_rename", "project_destroy", "subgroup_destroy"])
def test_projects_that_come_go_or_change_their_name_are_a_new_list(event: str) -> None:
    assert WEBHOOK.looks({}, {"event_name": event, "project_id": 17}) is None


def test_members_are_looked_at_with_the_teams_of_the_group() -> None:
    assert WEBHOOK.looks({}, {"event_name": "user_add_to_group", "group_path": "acme"}) == ("teams:acme",)
    with pytest.raises(PayloadError, match="no text at `group_path`"):
        WEBHOOK.looks({}, {"event_name": "user_remove_from_group"})


def test_the_hooks_of_a_whole_server_are_understood_alike() -> None:
    server = {"x-gitlab-event": "System Hook"}
    assert WEBHOOK.looks(server, {"event_name": "repository_update", "project_id": 17}) == ("17", "17/git")
    assert WEBHOOK.looks(server, {"object_kind": "merge_request", "project": PROJECT}) == ("17",)


@pytest.mark.parametrize("payload", [[], "text", None, {}, {"object_kind": 1}, {"object_kind": {"push": 1}}])
def test_a_payload_that_names_no_kind_is_no_reason_to_look(payload: Any) -> None:
    assert WEBHOOK.looks({}, payload) == ()


@pytest.mark.parametrize("project", [None, [], {}, {"id": "17"}, {"id": True}])
def test_a_project_without_a_number_is_refused_with_the_field(project: Any) -> None:
    with pytest.raises(PayloadError, match=r"no number at `project\.id or project_id`"):
        looks("push", project=project)


def test_the_scopes_are_those_that_the_source_lists(tmp_path: Path) -> None:
    scopes = listed("gitlab", tmp_path)
    numbers = {scope for scope in scopes if scope.isdecimal()}
    assert numbers
    for number in numbers:
        assert set(looks("push", project={"id": int(number)})) <= scopes
    assert set(WEBHOOK.looks({}, {"event_name": "user_add_to_group", "group_path": "acme"})) <= scopes
