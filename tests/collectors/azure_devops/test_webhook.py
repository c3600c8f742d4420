"""Service hooks of Azure DevOps: by their password, told apart, and what each makes the poller look at."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dxmetrics.errors import PayloadError, SignatureError
from tests.collectors.scopes import listed

from .harness import azure

WEBHOOK = azure.AzureDevOps.webhook
NOW = datetime(2026, 1, 5, tzinfo=UTC)
REPOSITORY, PROJECT = "278d5cd2-584d-4b63-824a-2ba458937249", "6ce954b1-ce1f-45d1-b94d-e6bf2464ba2c"
OF_PROJECT = {"collection": {"id": "c12d0eb8"}, "project": {"id": PROJECT}}
EVENT = b'{"subscriptionId": "s1", "notificationId": 3, "id": "e1", "eventType": "git.push"}'


def looks(event: str, **resource: Any) -> Any:
    return WEBHOOK.looks({}, {"eventType": event, "resource": resource, "resourceContainers": OF_PROJECT})


def test_a_delivery_is_verified_by_its_password() -> None:
    given = base64.b64encode(b"dxmetrics:s3cret").decode()
    WEBHOOK.verify({"authorization": f"Basic {given}"}, EVENT, "s3cret", NOW)
    for headers in ({"authorization": f"Basic {given}"}, {}):
        with pytest.raises(SignatureError, match="authorization"):
            WEBHOOK.verify(headers, EVENT, "other", NOW)


def test_a_delivery_goes_by_the_id_in_its_body() -> None:
    assert WEBHOOK.delivery_id({}, EVENT) == "s1/e1"


@pytest.mark.parametrize("body", [b"", b"no JSON", b"[]", b"{}", b'{"id": 3}', b"\xff", b"[" * 100_000])
def test_a_body_without_an_id_is_known_by_its_bytes(body: bytes) -> None:
    assert WEBHOOK.delivery_id({}, body) == f"sha256:{hashlib.sha256(body).hexdigest()}"


def test_commits_are_looked_for_at_the_host_and_in_the_mirror() -> None:
    assert looks("git.push", repository={"id": REPOSITORY.upper()}) == (REPOSITORY, f"{REPOSITORY}/git")


@pytest.mark.parametrize("event", ["git.pullrequest.created", "git.pullrequest.updated", "git.pullrequest.merged"])
def test_a_request_is_looked_at_and_once_completed_its_commits_too(event: str) -> None:
    repository = {"id": REPOSITORY}
    assert looks(event, repository=repository, status="active") == (REPOSITORY,)
    assert looks(event, repository=repository, status="completed") == (REPOSITORY, f"{REPOSITORY}/git")


def test_a_comment_names_its_repository_inside_the_request() -> None:
    event = "ms.vss-code.git-pullrequest-comment-event"
    assert looks(event, pullRequest={"repository": {"id": REPOSITORY}}) == (REPOSITORY,)


@pytest.mark.parametrize(
    ("stated", "scope"),
    [
        ({"type": "TfsGit", "id": REPOSITORY}, REPOSITORY),
        ({"type": "GitHub", "id": "acme/site", "url": "https://[broken"}, f"{PROJECT}/pipelines"),
        (None, f"{PROJECT}/pipelines"),
    ],
)
def test_a_run_is_looked_at_where_it_belongs_with_what_it_deployed(stated: Any, scope: str) -> None:
    assert looks("build.complete", repository=stated) == (scope, f"{PROJECT}/environments")


@pytest.mark.parametrize("what", ["run", "stage"])
def test_the_run_of_a_yaml_pipeline_names_its_repository_further_inside(what: str) -> None:
    event = f"ms.vss-pipelines.{what}-state-changed-event"
    run = {"resources": {"repositories": {"self": {"repository": {"type": "azureReposGit", "id": REPOSITORY}}}}}
    assert looks(event, run=run) == (REPOSITORY, f"{PROJECT}/environments")
    assert looks(event, stage={"name": "deploy"}) == (f"{PROJECT}/pipelines", f"{PROJECT}/environments")


def test_releases_and_work_items_are_parts_of_a_project() -> None:
    assert looks("ms.vss-release.deployment-completed-event") == (f"{PROJECT}/releases",)
    assert looks("workitem.updated") == (f"{PROJECT}/issues",)
    by_resource = {"eventType": "ms.vss-release.release-created-event", "resource": {"project": {"id": PROJECT}}}
    assert WEBHOOK.looks({}, by_resource) == (f"{PROJECT}/releases",)


@pytest.mark.parametrize("event", ["git.repo.created", "git.repo.renamed", "git.repo.deleted"])
def test_repositories_that_come_go_or_change_their_name_are_a_new_list(event: str) -> None:
    assert looks(event) is None


@pytest.mark.parametrize(
    "event", ["tfvc.checkin", "message.posted", "ms.vss-pipelines.job-state-changed-event", "news"]
)
def test_what_is_not_read_is_no_reason_to_look(event: str) -> None:
    assert looks(event) == ()


@pytest.mark.parametrize("payload", [[], "text", None, {}, {"eventType": 1}, {"eventType": ["git.push"]}])
def test_a_payload_that_names_no_kind_is_no_reason_to_look(payload: Any) -> None:
    assert WEBHOOK.looks({}, payload) == ()


@pytest.mark.parametrize(
    ("event", "place"),
    [
        ("git.push", r"resource\.repository\.id"),
        ("git.pullrequest.updated", r"resource\.repository\.id"),
        ("ms.vss-code.git-pullrequest-comment-event", r"resource\.pullRequest\.repository\.id"),
        ("build.complete", r"resourceContainers\.project\.id"),
        ("workitem.created", r"resourceContainers\.project\.id"),
    ],
)
@pytest.mark.parametrize("resource", [None, [], "text", {"repository": 3}])
def test_a_payload_of_odd_shape_is_refused_with_the_field(event: str, place: str, resource: Any) -> None:
    with pytest.raises(PayloadError, match=f"no text at `{place}`"):
        WEBHOOK.looks({}, json.loads(json.dumps({"eventType": event, "resource": resource})))


def test_the_scopes_are_those_that_the_source_lists(tmp_path: Path) -> None:
    scopes = listed("azure_devops", tmp_path)
    (mirror,) = (scope for scope in scopes if scope.endswith("/git"))
    (issues,) = (scope for scope in scopes if scope.endswith("/issues"))
    repository, project = mirror.removesuffix("/git"), {"project": {"id": issues.removesuffix("/issues")}}
    met: set[str] = set()
    for event in ("git.push", "build.complete", "ms.vss-release.deployment-completed-event", "workitem.updated"):
        payload = {"eventType": event, "resource": {"repository": {"id": repository}}, "resourceContainers": project}
        met |= set(WEBHOOK.looks({}, payload))
    assert met == scopes
