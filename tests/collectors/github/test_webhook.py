"""GitHub's webhooks: signed, told apart, and what each makes the poller look at."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dxmetrics.errors import PayloadError, SignatureError
from tests.collectors.npm import unpacked
from tests.fakes.github import Server, World

from .harness import TOKEN, github, source

WEBHOOK = github.GitHub.webhook
NOW = datetime(2026, 1, 5, tzinfo=UTC)
REPOSITORY = {"id": 17, "node_id": "R_17", "full_name": "acme/shop"}
ORGANIZATION = {"id": 3, "login": "acme"}


def looks(event: str, **payload: Any) -> Any:
    found = WEBHOOK.looks({"x-github-event": event}, {"organization": ORGANIZATION, **payload})
    assert found is None or isinstance(found, tuple)
    return found


def test_a_delivery_is_verified_over_its_bytes_and_known_by_its_id() -> None:
    body = b'{"zen": "Design for failure."}'
    signed = hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    headers = {"x-hub-signature-256": f"sha256={signed}", "x-github-delivery": "72d3162e-cc78-11e3"}
    WEBHOOK.verify(headers, body, "s3cret", NOW)
    with pytest.raises(SignatureError):
        WEBHOOK.verify(headers, body.replace(b" ", b""), "s3cret", NOW)
    assert WEBHOOK.delivery_id(headers, body) == "72d3162e-cc78-11e3"


@pytest.mark.parametrize("event", ["push", "create", "delete"])
def test_commits_are_looked_for_at_the_host_and_in_the_mirror(event: str) -> None:
    assert looks(event, repository=REPOSITORY) == ("17", "17/git")


@pytest.mark.parametrize(
    "event",
    [
        "pull_request", "pull_request_review", "pull_request_review_comment", "issues", "issue_comment", "workflow_run",
        "deployment", "deployment_status", "release",
    ],
)  # fmt: skip
def test_what_is_read_of_a_repository_is_looked_at(event: str) -> None:
    assert looks(event, action="created", repository=REPOSITORY) == ("17",)


def test_a_merge_brings_commits_and_a_rejection_none() -> None:
    for is_merged, scopes in ((True, ("17", "17/git")), (False, ("17",))):
        request = {"merged": is_merged}
        assert looks("pull_request", action="closed", pull_request=request, repository=REPOSITORY) == scopes


@pytest.mark.parametrize("action", ["created", "renamed", "archived", "transferred", "deleted", "privatized"])
def test_repositories_that_come_go_or_change_their_name_are_a_new_list(action: str) -> None:
    assert looks("repository", action=action, repository=REPOSITORY) is None


def test_a_new_default_branch_concerns_its_repository_only() -> None:
    assert looks("repository", action="edited", repository=REPOSITORY) == ("17", "17/git")


def test_who_is_in_a_team_is_looked_at_with_the_teams_of_the_organisation() -> None:
    assert looks("membership", action="added") == ("teams:acme",)
    assert looks("team", action="created") == ("teams:acme",)
    assert looks("organization", action="member_removed") == ("teams:acme",)
    assert looks("organization", action="renamed") is None
    assert looks("installation_repositories", action="added") is None


@pytest.mark.parametrize("event", ["ping", "star", "watch", "fork", "workflow_job", "check_run", "news from tomorrow"])
def test_what_is_not_read_is_no_reason_to_look(event: str) -> None:
    assert looks(event, repository=REPOSITORY) == ()


def test_without_a_header_that_names_the_event_nothing_is_looked_at() -> None:
    assert WEBHOOK.looks({}, {"repository": REPOSITORY}) == ()


def test_a_repository_whose_number_graphql_cannot_hold_goes_by_its_node_id() -> None:
    assert looks("issues", repository={"id": 2**31 - 1, "node_id": "R_a"}) == (str(2**31 - 1),)
    assert looks("issues", repository={"id": 2**31, "node_id": "R_a"}) == ("R_a",)


@pytest.mark.parametrize("payload", [[], "text", None, {}, {"repository": None}, {"repository": {"id": "17"}}])
@pytest.mark.parametrize("event", ["push", "issues", "pull_request"])
def test_a_payload_of_odd_shape_is_refused_with_the_field(event: str, payload: Any) -> None:
    with pytest.raises(PayloadError, match=r"`repository\.id`"):
        WEBHOOK.looks({"x-github-event": event}, payload)


def test_the_scopes_are_those_that_the_source_lists(tmp_path: Path) -> None:
    world = World()
    repository = world.repository("acme", "shop")
    payload = {"repository": {"id": repository["databaseId"], "node_id": repository["id"]}}
    with Server(world, token=TOKEN) as server:
        one = source(server, tmp_path, mirror=True)
        listed = {scope.id for scope in one.scopes()}
        one.close()
    assert listed == {*looks("push", **payload), *looks("team")}


@pytest.mark.real
def test_every_example_that_is_published_is_understood(tmp_path: Path) -> None:
    examples = unpacked("@octokit/webhooks-examples", tmp_path) / "api.github.com/index.json"
    met = 0
    for kind in json.loads(examples.read_text(encoding="utf-8")):
        for example in kind["examples"]:
            payload = {name: part for name, part in example.items() if name != "headers"}
            found = WEBHOOK.looks({"x-github-event": kind["name"]}, payload)
            met += 1
            if kind["name"] in {"push", "issues", "pull_request", "release", "workflow_run", "deployment_status"}:
                assert found is not None
                assert str(payload["repository"]["id"]) in found
    assert met > 300
