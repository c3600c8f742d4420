"""What was pushed becomes rows: once, whatever order it came in, and what cannot be mapped stays with its reason."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dxmetrics import pipeline, state
from dxmetrics.events import CloudEvent
from dxmetrics.metrics import Metrics
from dxmetrics.project import Project
from dxmetrics.state import Delivery, State
from tests.conftest import Clock

SOURCE = '''
"""A source whose webhooks name what to look at."""

from dxmetrics.collectors import Collector, SourceSettings
from dxmetrics.collectors.webhooks import Webhook


def looks(headers, payload):
    return None if headers.get("x-event") == "renamed" else tuple(payload["scopes"])


class Asked(Collector):
    kind = "asked"
    produces = ()
    Settings = SourceSettings
    webhook = Webhook(lambda *_: None, lambda headers, body: "1", looks)

    def scopes(self):
        return iter(())

    def collect(self, scope, cursor):
        return iter(())
'''


@dataclass
class Place:
    """A project with an inbox, and the time."""

    project: Project
    state: State
    clock: Clock
    number: int = 0

    def push(self, endpoint: str, *bodies: Any, headers: dict[str, str] | None = None) -> None:
        for body in bodies:
            self.number += 1
            text = body.as_json() if isinstance(body, CloudEvent) else json.dumps(body).encode()
            key = body.delivery_id if isinstance(body, CloudEvent) else f"d{self.number}"
            self.state.inbox.append(Delivery(endpoint, key, headers or {}, text))

    def drain(self) -> pipeline.Drained:
        return pipeline.drain(self.project, self.state, clock=self.clock)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.project.data / "dx.duckdb")) as connection:
            connection.execute("set timezone = 'UTC'")
            return connection.execute(query).fetchall()

    def failures(self) -> list[str]:
        return [one.error for one in self.state.inbox.failures()]


@pytest.fixture
def place(tmp_path: Path, clock: Clock) -> Iterator[Place]:
    (tmp_path / "collectors").mkdir()
    (tmp_path / "collectors/asked.py").write_text(SOURCE)
    (tmp_path / "dx.toml").write_text('[sources.asked]\nkind = "asked"\n')
    project = Project.find(tmp_path, {})
    with state.of_project(project, clock) as store:
        yield Place(project, store, clock)


def event(
    kind: str, key: str, moment: datetime, subject: str, custom: dict[str, str] | None = None, **content: Any
) -> CloudEvent:
    data = {
        "context": {"id": key, "source": "/ci", "timestamp": moment.isoformat()},
        "subject": {"id": subject, "content": content},
        **({"customData": custom} if custom else {}),
    }
    return CloudEvent(key, "/ci", f"dev.cdevents.{kind}.0.3.0", subject, moment, data)


def test_a_deployment_that_says_little_is_one_to_production_that_succeeded_just_now(place: Place) -> None:
    place.push("deployments", {"service": "pay", "sha": "abc"})
    assert place.drain() == pipeline.Drained(deliveries=1, rows_changed=1)
    rows = place.rows("select ext_id, service, environment, status, via, finished_at from landing.deployments")
    assert rows == [("d1#0", "pay", "production", "success", "api", place.clock.now)]
    assert place.state.inbox.depth() == 0


def test_draining_the_same_deliveries_again_changes_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.push("deployments", [{"service": "pay"}, {"service": "pay"}])
    place.push("events", event("incident.detected", "i1", place.clock.now, "INC-1"))
    with monkeypatch.context() as killed:
        killed.setattr(type(place.state.inbox), "done", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            place.drain()
    place.clock.advance(minutes=5)
    assert place.drain() == pipeline.Drained(deliveries=2, rows_changed=0)
    assert place.rows("select ext_id from landing.deployments order by 1") == [("d1#0",), ("d1#1",)]


def test_pushing_the_same_id_again_replaces_it_and_an_older_one_does_not(place: Place) -> None:
    newer = {"ext_id": "INC-7", "services": ["pay"], "status": "resolved", "detected_at": "2026-01-05T10:00:00Z"}
    place.push("incidents", {**newer, "updated_at": "2026-01-05T11:00:00Z"})
    place.push("incidents", {**newer, "status": "open", "updated_at": "2026-01-05T10:00:00Z"})
    place.drain()
    assert place.rows("select ext_id, status from landing.incidents") == [("INC-7", "resolved")]


def test_events_of_an_incident_give_one_incident_in_any_order(place: Place) -> None:
    start = place.clock.now - timedelta(hours=3)
    told: Sequence[CloudEvent] = (
        event("incident.detected", "a", start, "INC-1", service={"id": "apps/pay"}, description="slow"),
        event("incident.reported", "b", start + timedelta(hours=1), "INC-1", ticketURI="https://t.test/1"),
        event("incident.resolved", "c", start + timedelta(hours=2), "INC-1"),
    )
    expected = [("slow", ["pay"], "resolved", start, start + timedelta(hours=2), "https://t.test/1")]
    query = "select title, services, status, detected_at, resolved_at, url from landing.incidents where ext_id like ?"
    for number, order in enumerate(itertools.permutations(told)):
        renamed = [
            event(one.type[13:-6], f"{number}{one.id}", one.time, f"INC-{number}", **one.data["subject"]["content"])
            for one in order
            if one.time is not None
        ]
        for one in renamed:
            place.push("events", one)
            place.drain()
        assert place.rows(query.replace("?", f"'%INC-{number}'")) == expected, [one.type for one in order]
    assert place.rows("select row_key, scope, reason, payload from meta.quarantine") == []


def test_an_incident_that_is_only_resolved_waits_in_quarantine_with_the_reason(place: Place) -> None:
    place.push("events", event("incident.resolved", "c", place.clock.now, "INC-1"))
    place.drain()
    assert place.rows("select count(*) from landing.incidents") == [(0,)]
    ((reason,),) = place.rows("select reason from meta.quarantine")
    assert "no event has told yet when it was detected" in reason


def test_what_events_tell_of_a_deployment_comes_from_its_artifact_and_custom_data(place: Place) -> None:
    sha = "4f2c1e0b9d8a7c6b5a4f3e2d1c0b9a8f7e6d5c4b"
    origin = f"pkg:oci/pay@sha256%3Aabc?vcs_url=git%2Bhttps://git.test/acme/pay@{sha}"
    place.push(
        "events",
        event("service.deployed", "1", place.clock.now, "pay", environment={"id": "prod"}, artifactId=origin),
        event(
            "service.rolledback", "2", place.clock.now, "pay", {"commit": sha}, artifactId=f"pkg:github/acme/pay@{sha}"
        ),
    )
    place.drain()
    found = place.rows("select ext_id, environment, kind, sha, repository, version from landing.deployments order by 1")
    assert found == [
        ("/ci/1", "prod", None, sha, "git.test/acme/pay", None),
        ("/ci/2", "production", "rollback", sha, "github.com/acme/pay", sha),
    ]


def test_what_cannot_be_mapped_is_kept_raw_and_counted(place: Place) -> None:
    now = place.clock.now
    place.push(
        "events",
        event("testsuiterun.finished", "1", now, "suite"),
        CloudEvent("2", "/x", "com.example.thing", None, now, {}),
        event("service.deployed", "3", now + timedelta(minutes=6), "pay"),
        CloudEvent("4", "/ci", "dev.cdevents.service.deployed.0.3.0", None, now, {"context": {}}),
    )
    assert place.drain() == pipeline.Drained(deliveries=4, failed=4)
    told = " | ".join(place.failures())
    for said in (
        "dev.cdevents.testsuiterun.finished is not kept as a record",
        "com.example.thing is no CDEvent",
        "lay in the future when it came",
        "data.subject.id is missing",
    ):
        assert said in told
    assert place.state.inbox.depth() == 0


def test_a_webhook_asks_for_a_look_and_lands_nothing(place: Place) -> None:
    place.push("webhooks/asked", {"scopes": ["a"]}, {"scopes": ["b", "a"]})
    place.drain()
    assert place.state.schedule.looks() == {"asked": frozenset({"a", "b"})}
    place.push("webhooks/asked", {"scopes": []}, headers={"x-event": "renamed"})
    place.drain()
    assert place.state.schedule.looks() == {"asked": None}
    place.push("webhooks/gone", {})
    place.drain()
    assert place.failures() == ["gone: no such source receives webhooks any more: remove the webhook there"]


def test_pushes_are_known_from_the_first_one_of_each_service_until_they_were_last_drained(place: Place) -> None:
    first = place.clock.now
    place.push("deployments", {"service": "pay"}, {"service": "cart", "finished_at": "2026-01-02T08:00:00Z"})
    place.drain()
    place.clock.advance(days=3)
    place.push("deployments", {"service": "pay"})
    place.drain()
    found = place.rows("select scope, covered_from, covered_to from meta.coverage order by 1")
    assert found == [
        ("deployments/cart", datetime(2026, 1, 2, 8, tzinfo=UTC), place.clock.now),
        ("deployments/pay", first, place.clock.now),
    ]
    runs = place.rows("select source, scope, title, status, rows_read from meta.scope_runs order by scope")
    assert runs == [
        ("push", "deployments/cart", "deployments of cart", "ok", 1),
        ("push", "deployments/pay", "deployments of pay", "ok", 2),
    ]


def test_a_pushed_deployment_is_a_number_without_any_source(place: Place) -> None:
    for days in range(1, 29):
        moment = place.clock.now - timedelta(days=days)
        place.push("deployments", {"service": "pay", "sha": f"{days:040x}", "finished_at": moment.isoformat()})
    place.drain()
    pipeline.build(place.project, clock=place.clock)
    pipeline.publish(place.project, clock=place.clock)
    (cell,) = Metrics.open(place.project.data).query("deployments", start=date(2025, 12, 8), end=date(2026, 1, 5))
    assert (cell.value, cell.n) == (7.0, 21), "a week, of three complete ones"


def test_collecting_does_not_let_go_of_what_was_pushed(place: Place) -> None:
    place.push("deployments", {"service": "pay"})
    place.drain()
    pipeline.collect(place.project, clock=place.clock)
    assert place.rows("select count(*) from landing.deployments where deleted_at is null") == [(1,)]
