"""Pushes over HTTP: authenticated, checked, written down, acknowledged; and what is told to those who run it."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from dxmetrics import api, pipeline
from dxmetrics.project import Project
from dxmetrics.state import State
from tests.conftest import Clock

DEPLOYMENT = {"service": "pay", "sha": "4f2c1e0b9d8a7c6b5a4f3e2d1c0b9a8f7e6d5c4b"}
HOOKED = '''
"""A source that receives webhooks, and reads nothing."""

import hmac, hashlib

from pydantic import SecretStr

from dxmetrics.collectors import Collector, SourceSettings
from dxmetrics.collectors.webhooks import Webhook
from dxmetrics.errors import SignatureError


class Settings(SourceSettings):
    """Its secret."""

    webhook_secret: SecretStr | None = None


def verify(headers, body, secret, now):
    signed = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(headers.get("x-signature", "").encode(), signed.encode()):
        raise SignatureError("forge: x-signature is not that of the body: set the same secret there and here")


def looks(headers, payload):
    return (str(payload["repository"]),)


class Hooked(Collector):
    kind = "hooked"
    produces = ()
    Settings = Settings
    webhook = Webhook(verify, lambda headers, body: headers["x-delivery"], looks)

    def scopes(self):
        return iter(())

    def collect(self, scope, cursor):
        return iter(())
'''


@dataclass
class Web:
    """The application of one project, and the state store it writes to."""

    client: TestClient
    state: State
    folder: Path
    stores: api.Stores

    def token(self, *scopes: str, **how: Any) -> dict[str, str]:
        text, _ = self.state.tokens.create("a script", scopes or ("ingest",), how.get("expires_at"))
        return {"authorization": f"Bearer {text}"}

    def kept(self) -> list[tuple[str, bytes]]:
        return [(one.endpoint, one.body) for one in self.state.inbox.pending(100)]


@pytest.fixture
def web(tmp_path: Path, clock: Clock) -> Iterator[Web]:
    (tmp_path / "collectors").mkdir()
    (tmp_path / "collectors/hooked.py").write_text(HOOKED)
    (tmp_path / "dx.toml").write_text(
        '[sources.ours]\nkind = "hooked"\nwebhook_secret = "s3cret"\n[sources.unsigned]\nkind = "hooked"\n'
    )
    stores = api.Stores(Project.find(tmp_path, {}), clock)
    app = Starlette(routes=[Mount("/api", api.create(stores)), *api.operations(stores)])
    with TestClient(app, raise_server_exceptions=False) as client:
        yield Web(client, stores.state, tmp_path, stores)
    stores.close()


def error(answer: Any) -> str:
    return str(answer.json()["error"])


def test_a_push_is_written_down_before_it_is_acknowledged(web: Web) -> None:
    answer = web.client.post("/api/v1/deployments", json=DEPLOYMENT, headers=web.token())
    assert answer.status_code == 202
    assert answer.json()["accepted"] == 1
    ((endpoint, body),) = web.kept()
    assert endpoint == "deployments"
    assert json.loads(body) == DEPLOYMENT


def test_the_same_idempotency_key_is_the_same_push(web: Web) -> None:
    headers = web.token() | {"idempotency-key": "run 4711"}
    first, second = (web.client.post("/api/v1/deployments", json=DEPLOYMENT, headers=headers) for _ in range(2))
    assert (first.status_code, second.status_code) == (202, 200)
    assert second.json() == {"accepted": 0, "duplicates": 1, "ids": first.json()["ids"]}
    assert len(web.kept()) == 1
    other = web.client.post(
        "/api/v1/deployments", json=DEPLOYMENT, headers=web.token() | {"idempotency-key": "run 4711"}
    )
    assert other.status_code == 202, "another token's keys are its own"
    assert [web.client.post("/api/v1/deployments", json=DEPLOYMENT, headers=web.token()).status_code for _ in "ab"] == [
        202,
        202,
    ]


@pytest.mark.parametrize(
    ("headers", "status", "said"),
    [
        ({}, 401, "no API token: send `Authorization: Bearer TOKEN`"),
        ({"authorization": "Basic abc"}, 401, "no API token"),
        ({"authorization": "Bearer dx_0123"}, 401, "the API token is not known here"),
        ({"authorization": "Bearer \xe9"}, 401, "the API token is not known here"),
    ],
)
def test_without_a_valid_token_nothing_is_kept(web: Web, headers: dict[str, str], status: int, said: str) -> None:
    raw = {name: value.encode("latin-1") for name, value in headers.items()}
    answer = web.client.post("/api/v1/deployments", json=DEPLOYMENT, headers=raw)
    assert answer.status_code == status
    assert error(answer).startswith(said)
    assert answer.headers["www-authenticate"] == "Bearer"
    assert web.kept() == []


def test_an_expired_token_and_one_for_something_else_are_refused_by_name(web: Web, clock: Clock) -> None:
    expiring = web.token(expires_at=clock.now + timedelta(days=1))
    clock.advance(days=1)
    refused = web.client.post("/api/v1/deployments", json=DEPLOYMENT, headers=expiring)
    assert (refused.status_code, error(refused)) == (
        401,
        "API token 'a script' expired on 2026-01-06: create another",
    )
    narrow = web.token("ingest:incidents")
    forbidden = web.client.post("/api/v1/deployments", json=DEPLOYMENT, headers=narrow)
    assert forbidden.status_code == 403
    assert "may not push deployments: create one with --scope ingest:deployments" in error(forbidden)
    assert web.client.post("/api/v1/incidents", json={"title": "slow"}, headers=narrow).status_code == 202


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("deployments", "{", "deployments: the body is no JSON"),
        ("deployments", '"pay"', "deployments is str, not an object"),
        (
            "deployments",
            '{"servce": "pay"}',
            "deployments: 'servce' is no field of a deployment: did you mean 'service'?",
        ),
        ("deployments", '{"sha": "abc"}', "deployments: a deployment names its `service`, or its `repository`"),
        (
            "deployments",
            '[{"service": "pay"}, {"service": "pay", "finished_at": "2026-03-02T10:00:00"}]',
            "deployments[1]: finished_at = '2026-03-02T10:00:00' has no zone",
        ),
        ("incidents", '{"severity": 9}', "incidents: severity = 9: input should be less than or equal to 5"),
        ("changes", '{"ext_id": "1"}', "changes: field 'repository' is missing: add it"),
        ("usage", '{"capability": "scaffolder"}', "usage: field 'action' is missing: add it"),
        ("usage", '{"occurred_on": "2026-03-02"}', "usage: field 'provider' is missing: add it"),
        ("deployments", '{"service": NaN}', "deployments: the body is no JSON"),
    ],
)
def test_what_is_malformed_is_told_by_field_and_not_kept(web: Web, path: str, body: str, said: str) -> None:
    answer = web.client.post(f"/api/v1/{path}", content=body, headers=web.token())
    assert answer.status_code == 400
    assert error(answer).startswith(said)
    assert web.kept() == []


def test_events_come_structured_binary_and_in_batches_and_count_once(web: Web) -> None:
    event = {
        "specversion": "1.0",
        "id": "1",
        "source": "/ci",
        "type": "dev.cdevents.service.deployed.0.3.0",
        "data": {"context": {"id": "1"}, "subject": {"id": "pay", "content": {}}},
    }
    token = web.token("ingest:events")
    structured = {"content-type": "application/cloudevents+json; charset=utf-8"}
    assert web.client.post("/api/v1/events", json=event, headers=token | structured).status_code == 202
    binary = {f"ce-{name}": str(value) for name, value in event.items() if name != "data"}
    same = web.client.post("/api/v1/events", json=event["data"], headers=token | binary)
    assert (same.status_code, same.json()["duplicates"]) == (200, 1)
    batch = {"content-type": "application/cloudevents-batch+json"}
    many = [{**event, "id": str(number), "data": None} for number in (1, 2, 3)]
    both = web.client.post("/api/v1/events", json=many, headers=token | batch)
    assert (both.status_code, both.json()["accepted"], both.json()["duplicates"]) == (202, 2, 1)
    assert [json.loads(body)["id"] for _, body in web.kept()] == ["1", "2", "3"]


def test_a_webhook_is_verified_over_its_raw_bytes_and_kept_without_credentials(web: Web) -> None:
    body = b'{ "repository":7 }'
    signed = hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    headers = {"x-signature": signed, "x-delivery": "d1", "x-event-key": "push", "x-api-key": "t", "cookie": "c"}
    assert web.client.post("/api/v1/webhooks/ours", content=body, headers=headers).status_code == 202
    assert web.client.post("/api/v1/webhooks/ours", content=body, headers=headers).status_code == 200
    (kept,) = web.state.inbox.pending(10)
    assert (kept.endpoint, kept.delivery_id, kept.body) == ("webhooks/ours", "d1", body)
    assert kept.headers == {"x-delivery": "d1", "x-event-key": "push"}
    forged = web.client.post("/api/v1/webhooks/ours", content=body + b" ", headers=headers | {"x-delivery": "d2"})
    assert forged.status_code == 401
    assert "set the same secret" in error(forged)
    assert len(web.kept()) == 1


def test_a_webhook_for_nobody_names_who_receives_some(web: Web) -> None:
    unknown = web.client.post("/api/v1/webhooks/github", content=b"{}")
    assert unknown.status_code == 404
    assert error(unknown).endswith("the path ends with a source's name in dx.toml: ours, unsigned")
    unsigned = web.client.post("/api/v1/webhooks/unsigned", content=b"{}")
    assert unsigned.status_code == 404
    assert "set webhook_secret in [sources.unsigned]" in error(unsigned)


def test_what_is_too_large_is_not_read(web: Web) -> None:
    answer = web.client.post("/api/v1/events", content=b"", headers=web.token() | {"content-length": "25000001"})
    assert answer.status_code == 413
    streamed = web.client.post("/api/v1/events", content=(b"x" * 1_000_000 for _ in range(26)), headers=web.token())
    assert streamed.status_code == 413
    assert "25,000,000 bytes" in error(streamed)


def test_a_state_store_that_cannot_be_used_is_told_and_asked_for_again(web: Web) -> None:
    token = web.token()
    web.stores.close()
    file = web.folder / "data/state.sqlite"
    file.rename(file.with_suffix(".away"))
    for beside in file.parent.glob("state.sqlite-*"):
        beside.unlink()
    file.mkdir()
    answer = web.client.post("/api/v1/deployments", json=DEPLOYMENT, headers=token)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert web.client.get("/readyz").status_code == 503
    assert web.client.get("/healthz").text == "ok\n"
    assert "dxmetrics_state_up 0.0" in web.client.get("/metrics").text
    file.rmdir()
    file.with_suffix(".away").rename(file)
    assert web.client.post("/api/v1/deployments", json=DEPLOYMENT, headers=token).status_code == 202


def test_those_who_run_it_see_whether_it_is_ready_and_how_it_does(web: Web) -> None:
    web.client.post("/api/v1/deployments", json=DEPLOYMENT, headers=web.token())
    web.state.schedule.start("ours")
    web.state.schedule.finish("ours", "failed", None)
    web.state.run_log.add("r1", "build", "ok", seconds=1.5)
    assert web.client.get("/readyz").json() == {
        "ready": True,
        "inbox": 1,
        "worker": None,
        "publication": None,
        "data_to": None,
    }
    lines = web.client.get("/metrics").text.splitlines()
    assert "dxmetrics_inbox_depth 1.0" in lines
    assert "dxmetrics_worker_up 0.0" in lines
    assert 'dxmetrics_source_failures{source="ours"} 1.0' in lines
    assert 'dxmetrics_step_seconds{source="",step="build"} 1.5' in lines


def test_the_description_and_its_page_need_no_internet(web: Web) -> None:
    described = web.client.get("/api/openapi.json").json()
    pushes = ("events", "deployments", "incidents", "changes", "usage", "webhooks/{source}")
    reads = ("metrics", "metrics/{name}", "metrics/{name}/compare", "metrics/{name}/explain", "changes", "health")
    assert set(described["paths"]) == {f"/v1/{name}" for name in (*pushes, *reads)}
    assert described["components"]["securitySchemes"] == {"token": {"type": "http", "scheme": "bearer"}}
    page = web.client.get("/api/docs").text
    assert "https://" not in page
    for address in {part.split('"')[0] for part in page.split('src="')[1:] + page.split('href="')[1:]}:
        assert web.client.get(address).status_code == 200, address


def test_pushes_reach_the_pipeline(web: Web, clock: Clock) -> None:
    web.client.post("/api/v1/deployments", json=DEPLOYMENT, headers=web.token())
    drained = pipeline.drain(web.stores.project, web.state, clock=clock)
    assert (drained.deliveries, drained.rows_changed, drained.failed) == (1, 1, 0)
