"""CDEvents: which record an event tells of, and one record of all its events, whatever order they came in."""

import itertools
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dxmetrics.errors import MalformedError, PayloadError
from dxmetrics.events import CloudEvent, cdevents
from dxmetrics.events.cdevents import Target, Unmapped
from dxmetrics.records import (
    Change,
    Deployment,
    Incident,
    Issue,
    Job,
    PipelineRun,
    Record,
    Review,
    snake_name,
)

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)
SHA = "4f2c1e0b9d8a7c6b5a4f3e2d1c0b9a8f7e6d5c4b"
UUID = "5328c37f-bb7e-4bb7-84ea-9f5f85e4a7ce"


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def event(
    what: str,
    minutes: float = 0,
    *,
    subject: str = "pay",
    event_id: str | None = None,
    source: str = "/ci",
    custom: Any = None,
    links: Any = None,
    subject_source: str | None = None,
    spec: str = "0.5.1",
    **content: Any,
) -> CloudEvent:
    """An event as 0.5 writes it, or 0.4; its id is what happened and when where none is given."""
    is_new = spec >= "0.5"
    kind = f"dev.cdevents.{what}.{'0.3.0' if is_new else '0.2.0'}"
    name = event_id or f"{what}@{minutes}"
    context = {
        "specversion" if is_new else "version": spec, "id": name, "source": source, "type": kind,
        "timestamp": at(minutes).isoformat(),
    }  # fmt: skip
    told: dict[str, Any] = {"id": subject, "content": content}
    if subject_source:
        told["source"] = subject_source
    if not is_new:
        told["type"] = what.partition(".")[0]
    if links:
        context["links"] = links
    data: dict[str, Any] = {"context": context, "subject": told}
    if custom is not None:
        data["customData"] = custom
    return CloudEvent(name, source, kind, subject, at(minutes), data)


def told_by(*events: CloudEvent) -> Record:
    """The record that these events tell of."""
    targets = {cdevents.target(one) for one in events}
    (target,) = targets
    assert isinstance(target, Target)
    record: Record = getattr(cdevents, snake_name(target.record))(cdevents.merge(None, target.ext_id, events))
    assert (type(record), record.ext_id) == (target.record, target.ext_id)
    return record


def deployed(**changed: Any) -> Deployment:
    record = told_by(event("service.deployed", environment={"id": "production"}, **changed))
    assert isinstance(record, Deployment)
    return record


def relation(target: str, kind: str = "RELATION") -> dict[str, Any]:
    return {"linkType": kind, "linkKind": "TRIGGER", "target": {"contextId": target}}


# -- targets ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "record", "ext_id"),
    [
        ("service.deployed", Deployment, "/ci/service.deployed@0"),
        ("service.upgraded", Deployment, "/ci/service.upgraded@0"),
        ("service.rolledback", Deployment, "/ci/service.rolledback@0"),
        ("change.reviewed", Review, "/ci/change.reviewed@0"),
        ("change.created", Change, "/ci/pay"),
        ("change.updated", Change, "/ci/pay"),
        ("change.merged", Change, "/ci/pay"),
        ("change.abandoned", Change, "/ci/pay"),
        ("incident.detected", Incident, "/ci/pay"),
        ("incident.reported", Incident, "/ci/pay"),
        ("incident.resolved", Incident, "/ci/pay"),
        ("pipelinerun.queued", PipelineRun, "/ci/pay"),
        ("pipelinerun.started", PipelineRun, "/ci/pay"),
        ("pipelinerun.finished", PipelineRun, "/ci/pay"),
        ("taskrun.started", Job, "/ci/pay"),
        ("taskrun.finished", Job, "/ci/pay"),
        ("ticket.created", Issue, "/ci/pay"),
        ("ticket.updated", Issue, "/ci/pay"),
        ("ticket.closed", Issue, "/ci/pay"),
    ],
)
@pytest.mark.parametrize("spec", ["0.4.1", "0.5.1"])
def test_an_event_of_either_version_tells_of_a_record(what: str, record: type[Record], ext_id: str, spec: str) -> None:
    assert cdevents.target(event(what, spec=spec)) == Target(record, ext_id)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("dev.cdevents.service.published.0.3.0", "dev.cdevents.service.published is not kept as a record"),
        ("dev.cdevents.service.removed.0.3.0", "dev.cdevents.service.removed is not kept as a record"),
        ("dev.cdevents.testsuiterun.finished.0.3.0", "dev.cdevents.testsuiterun.finished is not kept as a record"),
        (
            "dev.cdevents.service.deployed.1.0.0",
            "dev.cdevents.service.deployed.1.0.0 is of a later version than is known here: upgrade dxmetrics",
        ),
        ("com.example.deployed", "com.example.deployed is no CDEvent: nothing is made of it"),
        ("dev.cdeventsx.tool.0.1.0", "dev.cdeventsx.tool.0.1.0 is no CDEvent: nothing is made of it"),
    ],
)
def test_what_is_not_kept_says_why(kind: str, reason: str) -> None:
    assert cdevents.target(CloudEvent("1", "/ci", kind)) == Unmapped(reason)


@pytest.mark.parametrize("version", ["0.1.1", "0.2.0", "0.3.0", "0.4.0-draft", "0.9.12"])
def test_the_minor_version_of_an_event_does_not_matter(version: str) -> None:
    known = event("change.merged")
    other = CloudEvent("1", "/ci", f"dev.cdevents.change.merged.{version}", data=known.data, time=NOON)
    assert cdevents.target(other) == Target(Change, "/ci/pay")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "data.subject.id is missing: send the whole CDEvent as the event's data"),
        ({"subject": "pay"}, "data.subject.id is missing: send the whole CDEvent as the event's data"),
        ({"subject": {"id": " "}}, "data.subject.id is missing: send the whole CDEvent as the event's data"),
        ({"subject": {"id": 7}}, "data.subject.id is missing: send the whole CDEvent as the event's data"),
        (
            {"subject": {"id": "pay", "content": ["x"]}},
            "data.subject.content is no object: send the whole CDEvent as the event's data",
        ),
        (
            {"subject": {"id": "pay"}, "context": "x"},
            "data.context is no object: send the whole CDEvent as the event's data",
        ),
        (
            {"subject": {"id": "pay"}, "context": {"timestamp": "2026-03-31T12:00:00"}},
            (
                "context.timestamp = '2026-03-31T12:00:00' has no zone: write it as 2026-03-31T12:00:00Z, "
                "or with its offset"
            ),
        ),
        (
            {"subject": {"id": "pay"}},
            "context.timestamp = None is no RFC 3339 time: write it as 2026-03-31T12:00:00Z",
        ),
    ],
)
def test_a_cdevent_in_name_only_is_refused(data: Any, message: str) -> None:
    kind = "dev.cdevents.service.deployed.0.3.0"
    with pytest.raises(MalformedError) as caught:
        cdevents.target(CloudEvent("1", "/ci", kind, data=data))
    assert str(caught.value) == f"{kind}: {message}"


def test_what_happened_when_is_the_context_s_time_or_else_the_event_s() -> None:
    one = event("change.merged", 5)
    assert cdevents.occurred_at(one) == at(5)
    del one.data["context"]["timestamp"]
    assert cdevents.occurred_at(CloudEvent(one.id, one.source, one.type, data=one.data, time=at(7))) == at(7)


def test_blanks_around_an_id_are_no_part_of_it() -> None:
    assert told_by(event("pipelinerun.started", subject="run-1 ")).ext_id == "/ci/run-1"


# -- deployments ------------------------------------------------------------------------------------------------------


def test_a_deployed_service_is_a_deployment() -> None:
    purl = f"pkg:github/acme/pay@{SHA}"
    assert deployed(subject="service/pay", event_id=UUID, artifactId=purl) == Deployment(
        ext_id=UUID,
        service="pay",
        repository="github.com/acme/pay",
        environment="production",
        status="success",
        sha=SHA,
        version=SHA,
        artifact=purl,
        finished_at=NOON,
        updated_at=NOON,
        via="event",
    )


def test_only_a_rollback_has_a_kind() -> None:
    kinds = {}
    for what in ("deployed", "upgraded", "rolledback"):
        record = told_by(event(f"service.{what}"))
        assert isinstance(record, Deployment)
        kinds[what] = record.kind
    assert kinds == {"deployed": None, "upgraded": None, "rolledback": "rollback"}


@pytest.mark.parametrize(
    ("purl", "repository", "sha", "version"),
    [
        (f"pkg:github/acme/pay@{SHA}", "github.com/acme/pay", SHA, SHA),
        (f"pkg:gitlab/acme/sub/pay@{SHA}", "gitlab.com/acme/sub/pay", SHA, SHA),
        (f"pkg:bitbucket/acme/pay@{SHA}#src", "bitbucket.org/acme/pay", SHA, SHA),
        ("pkg:github/acme/pay@v1.2", "github.com/acme/pay", None, "v1.2"),
        ("pkg:github/pay@v1.2", None, None, "v1.2"),
        ("pkg:pypi/pay@1.2", None, None, "1.2"),
        ("pkg:golang/git.example.com/acme/pay@234fd47e07d1", None, None, "234fd47e07d1"),
        ("pkg:oci/pay@sha256%3A0b31b1c02ff4", None, None, None),
        ("pkg:oci/pay@sha256%3A0b31b1c02ff4?tag=1.2", None, None, "1.2"),
        (
            f"pkg:oci/pay@sha256%3A0b31b1c02ff4?vcs_url=git%2Bhttps://git.example.com/acme/pay.git%40{SHA}",
            "git.example.com/acme/pay", SHA, None,
        ),
        (
            f"pkg:deb/debian/pay@1.2?vcs_url=git%2Bssh://git%40git.example.com/acme/pay%40{SHA}",
            "git.example.com/acme/pay", SHA, "1.2",
        ),
        (
            "pkg:npm/pay@1.2?vcs_url=git%2Bhttps://git.example.com/acme/pay.git%40v1.2",
            "git.example.com/acme/pay", None, "1.2",
        ),
        ("pkg:npm/pay@1.2?vcs_url=https://git.example.com/acme/pay", "git.example.com/acme/pay", None, "1.2"),
        ("0b31b1c02ff458ad", None, None, None),
    ],
)  # fmt: skip
def test_a_package_url_tells_repository_commit_and_version(
    purl: str, repository: str | None, sha: str | None, version: str | None
) -> None:
    record = deployed(artifactId=purl)
    assert (record.repository, record.sha, record.version, record.artifact) == (repository, sha, version, purl)


@pytest.mark.parametrize("name", ["sha", "commit", "revision"])
def test_custom_data_says_what_the_specification_cannot(name: str) -> None:
    custom = {name: SHA, "repository": "git@git.example.com:acme/pay.git", "version": "2.0", "changes": ["1", 2, "3"]}
    record = deployed(artifactId="pkg:github/other/pay@1.0", custom=custom)
    assert (record.sha, record.repository, record.version) == (SHA, "git.example.com/acme/pay", "2.0")
    assert record.changes == ("1", "3")


@pytest.mark.parametrize("custom", ["PGRhdGE+", ["sha"], {"sha": 7, "changes": "all", "repository": 5}, {"sha": ""}])
def test_custom_data_of_other_shapes_says_nothing(custom: Any) -> None:
    record = deployed(custom=custom)
    assert (record.sha, record.repository, record.changes) == (None, None, ())


@pytest.mark.parametrize(
    ("subject", "service"), [("pay", "pay"), ("service/pay", "pay"), ("/apps/eu/pay/", "pay"), ("/", "/")]
)
def test_a_service_is_called_by_the_last_part_of_its_id(subject: str, service: str) -> None:
    assert deployed(subject=subject).service == service


def test_each_deployment_of_a_service_is_one_of_its_own() -> None:
    targets = {cdevents.target(event("service.deployed", minutes)) for minutes in range(3)}
    assert len(targets) == 3


# -- incidents --------------------------------------------------------------------------------------------------------


def incident(*events: CloudEvent) -> Incident:
    record = told_by(*events)
    assert isinstance(record, Incident)
    return record


def test_an_incident_is_told_by_three_events() -> None:
    service = {"id": "apps/pay", "source": "/cluster"}
    ticket = "https://issues.example.com/345"
    found = incident(
        event("incident.reported", 3, description="Checkout is slow", service=service, ticketURI=ticket,
              custom={"severity": "SEV-2"}),
        event("incident.resolved", 40, description="Response time is back below 100 ms", service=service),
        event("incident.detected", 0, description="Response time above 100 ms"),
    )  # fmt: skip
    assert found == Incident(
        ext_id="/ci/pay",
        title="Checkout is slow",
        severity=2,
        status="resolved",
        services=("pay",),
        detected_at=NOON,
        resolved_at=at(40),
        updated_at=at(40),
        url=ticket,
    )


def test_a_resolution_alone_waits_for_what_it_resolved() -> None:
    first = event("incident.resolved", 40)
    payload = cdevents.merge(None, "/ci/pay", [first])
    with pytest.raises(PayloadError, match="no event has told yet when it was detected: it waits for that"):
        cdevents.incident(payload)
    found = cdevents.incident(cdevents.merge(payload, "/ci/pay", [event("incident.detected", 0)]))
    assert (found.detected_at, found.resolved_at, found.status) == (NOON, at(40), "resolved")


def test_a_ticket_written_afterwards_does_not_open_an_incident_again() -> None:
    found = incident(event("incident.detected"), event("incident.resolved", 40), event("incident.reported", 60))
    assert (found.status, found.resolved_at) == ("resolved", at(40))


def test_an_incident_detected_again_is_open_until_it_is_resolved_again() -> None:
    again = [event("incident.detected"), event("incident.resolved", 40), event("incident.detected", 50)]
    assert (incident(*again).status, incident(*again).resolved_at) == ("open", None)
    ended = incident(*again, event("incident.resolved", 70))
    assert (ended.status, ended.detected_at, ended.resolved_at) == ("resolved", NOON, at(70))


def test_what_is_detected_and_resolved_in_the_same_second_is_resolved() -> None:
    assert incident(event("incident.resolved", 0), event("incident.detected", 0)).status == "resolved"


@pytest.mark.parametrize(
    ("stated", "severity"),
    [
        ("SEV1", 1), ("sev-3", 3), ("P2", 2), ("severity 4", 4), (2, 2), ("0", 0),
        ("critical", None), (7, None), (True, None),
    ],
)  # fmt: skip
def test_a_severity_is_a_number_that_was_stated(stated: Any, severity: int | None) -> None:
    assert incident(event("incident.detected", custom={"severity": stated})).severity == severity


def test_an_incident_without_severity_has_none() -> None:
    assert incident(event("incident.detected")).severity is None


def test_a_relation_to_a_deployment_is_the_cause() -> None:
    deployment = deployed(event_id=UUID, source="/cd")
    found = incident(event("incident.detected", source="/monitoring", links=[relation("x", "PATH"), relation(UUID)]))
    assert found.caused_by_deployment == deployment.ext_id


def test_a_relation_to_an_event_without_a_uuid_is_looked_for_in_the_same_source() -> None:
    deployment = deployed(event_id="deploy-7")
    assert incident(event("incident.detected", links=[relation("deploy-7")])).caused_by_deployment == deployment.ext_id


def test_what_a_resolution_is_related_to_is_no_cause() -> None:
    found = incident(event("incident.detected"), event("incident.resolved", 9, links=[relation(UUID)]))
    assert found.caused_by_deployment is None


@pytest.mark.parametrize("links", ["x", [7], [{"linkType": "RELATION"}], [relation("x", "END")]])
def test_links_of_other_shapes_name_no_cause(links: Any) -> None:
    assert incident(event("incident.detected", links=links)).caused_by_deployment is None


# -- changes and reviews ----------------------------------------------------------------------------------------------

REPOSITORY = {"id": "acme/pay", "source": "https://git.example.com"}


def change(*events: CloudEvent) -> Change:
    record = told_by(*events)
    assert isinstance(record, Change)
    return record


def test_a_change_is_told_from_its_opening_to_its_merge() -> None:
    head = "a" * 40
    found = change(
        event("change.merged", 90, subject="1234", repository=REPOSITORY, custom={"sha": SHA}),
        event("change.created", 0, subject="1234", repository=REPOSITORY, description="Round up\n\nAs agreed.",
              custom={"author": "ada", "sha": "b" * 40}),
        event("change.updated", 30, subject="1234", repository=REPOSITORY, custom={"sha": head}),
    )  # fmt: skip
    assert found == Change(
        ext_id="/ci/1234",
        repository="git.example.com/acme/pay",
        number=1234,
        title="Round up",
        author="ada",
        state="merged",
        opened_at=NOON,
        merged_at=at(90),
        closed_at=at(90),
        head_sha=head,
        merge_sha=SHA,
        updated_at=at(90),
    )


def test_a_merged_change_known_by_its_commit_has_that_commit() -> None:
    assert change(event("change.merged", subject=SHA, repository=REPOSITORY)).merge_sha == SHA
    assert change(event("change.created", subject=SHA, repository=REPOSITORY)).merge_sha is None


def test_an_abandoned_change_is_closed_unless_it_is_created_again_or_merged() -> None:
    created, abandoned = (
        event(f"change.{what}", minutes, repository=REPOSITORY) for what, minutes in (("created", 0), ("abandoned", 9))
    )
    updated, again = (event(f"change.{what}", 20, repository=REPOSITORY) for what in ("updated", "created"))
    merged = event("change.merged", 30, repository=REPOSITORY)
    states = [
        (found.state, found.opened_at, found.closed_at)
        for found in (
            change(created, abandoned),
            change(created, abandoned, updated),
            change(created, abandoned, again),
            change(created, abandoned, merged),
        )
    ]
    assert states == [
        ("closed", NOON, at(9)), ("closed", NOON, at(9)), ("open", NOON, None), ("merged", NOON, at(30)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ({"id": "acme/pay", "source": "https://git.example.com"}, "git.example.com/acme/pay"),
        ({"id": "acme/pay", "source": "git.example.com/acme/pay"}, "git.example.com/acme/pay"),
        ({"id": "acme/pay", "source": "/staging/tekton"}, "acme/pay"),
        ({"id": "acme/pay", "source": "tekton-dev-123"}, "acme/pay"),
        ({"id": "acme/pay"}, "acme/pay"),
        ({"id": "git.example.com/acme/pay", "source": "https://ci.example.com"}, "git.example.com/acme/pay"),
        ({"id": "https://git.example.com/acme/pay.git"}, "git.example.com/acme/pay"),
        ({"id": "ssh://git@git.example.com/acme/pay"}, "git.example.com/acme/pay"),
        ("git@git.example.com:acme/pay.git", "git.example.com/acme/pay"),
    ],
)
def test_a_repository_is_called_by_host_and_path(reference: Any, name: str) -> None:
    assert change(event("change.created", repository=reference)).repository == name


def test_a_change_without_a_repository_waits_for_one() -> None:
    with pytest.raises(PayloadError, match=r"names its repository: send content\.repository\.id"):
        told_by(event("change.created"))


def test_each_review_of_a_change_is_one_of_its_own() -> None:
    opened = change(event("change.created", repository=REPOSITORY))
    assert told_by(event("change.reviewed", 5, custom={"reviewer": "bo"})) == Review(
        ext_id="/ci/change.reviewed@5", change=opened.ext_id, reviewer="bo", submitted_at=at(5), updated_at=at(5)
    )
    assert cdevents.target(event("change.reviewed", 5)) != cdevents.target(event("change.reviewed", 6))


# -- runs and tasks ---------------------------------------------------------------------------------------------------


def run(*events: CloudEvent) -> PipelineRun:
    record = told_by(*events)
    assert isinstance(record, PipelineRun)
    return record


@pytest.mark.parametrize(("spec", "address"), [("0.4.1", "url"), ("0.5.1", "uri")])
def test_a_run_is_told_from_its_queueing_to_its_end(spec: str, address: str) -> None:
    link = {address: "https://ci.example.com/7"}
    found = run(
        event("pipelinerun.finished", 9, subject="7", spec=spec, pipelineName="build", outcome="failure", **link),
        event("pipelinerun.started", 2, subject="7", spec=spec, custom={"branch": "main", "commit": SHA}),
        event("pipelinerun.queued", 0, subject="7", spec=spec),
    )
    assert found == PipelineRun(
        ext_id="/ci/7",
        name="build",
        branch="main",
        sha=SHA,
        result="failure",
        queued_at=NOON,
        started_at=at(2),
        finished_at=at(9),
        updated_at=at(9),
        url="https://ci.example.com/7",
    )


@pytest.mark.parametrize(
    ("outcome", "result"),
    [
        ("success", "success"), ("failure", "failure"), ("error", "error"), ("cancel", "cancellation"),
        ("CANCEL", "cancellation"), ("exploded", "unknown"), (None, "unknown"), ({"a": 1}, "unknown"),
    ],
)  # fmt: skip
def test_an_outcome_is_a_result_or_unknown(outcome: Any, result: str) -> None:
    assert run(event("pipelinerun.finished", outcome=outcome)).result == result


def test_a_run_that_has_not_ended_has_no_result() -> None:
    found = run(event("pipelinerun.started", pipelineName="build"))
    assert (found.result, found.finished_at) == (None, None)


def test_a_run_started_again_is_another_attempt() -> None:
    first = [event("pipelinerun.started", 0), event("pipelinerun.finished", 5, outcome="failure")]
    second = event("pipelinerun.started", 10)
    again = run(*first, second)
    assert (again.started_at, again.finished_at, again.result) == (at(10), None, None)
    ended = run(*first, second, event("pipelinerun.finished", 12, outcome="success"))
    assert (ended.started_at, ended.finished_at, ended.result) == (at(10), at(12), "success")


def test_a_run_within_one_second_has_ended() -> None:
    found = run(event("pipelinerun.finished", outcome="success"), event("pipelinerun.started"))
    assert (found.started_at, found.finished_at, found.result) == (NOON, NOON, "success")


def test_a_relative_address_is_no_link_for_people() -> None:
    assert run(event("pipelinerun.started", uri="/apis/tekton.dev/7")).url is None


def test_a_task_names_the_run_it_is_part_of() -> None:
    whole = run(event("pipelinerun.started", subject="run-1", source="/jenkins"))
    found = told_by(
        event("taskrun.finished", 3, subject="task-1", source="/jenkins", taskName="test", outcome="success",
              pipelineRun={"id": "run-1"}),
        event("taskrun.started", 1, subject="task-1", source="/jenkins"),
    )  # fmt: skip
    assert found == Job(
        ext_id="/jenkins/task-1",
        pipeline_run=whole.ext_id,
        name="test",
        result="success",
        started_at=at(1),
        finished_at=at(3),
        updated_at=at(3),
    )


def test_a_task_of_a_run_elsewhere_says_where() -> None:
    found = told_by(event("taskrun.started", pipelineRun={"id": "run-1", "source": "/jenkins"}))
    assert isinstance(found, Job)
    assert found.pipeline_run == "/jenkins/run-1"


def test_a_task_of_no_run_is_refused() -> None:
    with pytest.raises(PayloadError, match=r"names its run: send content\.pipelineRun\.id"):
        told_by(event("taskrun.started", taskName="test"))


# -- tickets ----------------------------------------------------------------------------------------------------------


def test_a_ticket_is_told_from_its_creation_to_its_end() -> None:
    about = {"summary": "Need a database", "ticketType": "task", "uri": "https://issues.example.com/T-1"}
    events = [
        event("ticket.closed", 90, subject="T-1", **about, resolution="completed", assignees=["bo"]),
        event("ticket.created", 0, subject="T-1", **about, creator="ada", group="platform", labels=["db"]),
        event("ticket.updated", 30, subject="T-1", **about, assignees=["cy"]),
    ]
    assert told_by(*events) == Issue(
        ext_id="/ci/T-1",
        key="T-1",
        type="task",
        title="Need a database",
        status="completed",
        status_category="done",
        team="platform",
        author="ada",
        assignee="bo",
        created_at=NOON,
        done_at=at(90),
        labels=("db",),
        updated_at=at(90),
        url="https://issues.example.com/T-1",
    )
    opened = told_by(*events[1:])
    assert isinstance(opened, Issue)
    assert (opened.status, opened.status_category, opened.done_at) == ("open", "todo", None)


def test_a_ticket_waits_for_its_creation() -> None:
    with pytest.raises(PayloadError, match="when this ticket was created: it waits for that"):
        told_by(event("ticket.closed", resolution="completed"))


# -- folding ----------------------------------------------------------------------------------------------------------

LIVES = {
    "incident": ["detected", "reported", "resolved"],
    "change": ["created", "updated", "merged", "abandoned"],
    "pipelinerun": ["queued", "started", "finished"],
    "taskrun": ["started", "finished"],
    "ticket": ["created", "updated", "closed"],
}


@st.composite
def histories(draw: st.DrawFn) -> list[CloudEvent]:
    """Events of one subject: some at the same second, some with the same id from another source."""
    kind = draw(st.sampled_from(sorted(LIVES)))
    content: dict[str, Any] = {"repository": REPOSITORY, "pipelineRun": {"id": "run-1"}, "outcome": "success"}
    steps = st.tuples(
        st.sampled_from(LIVES[kind]), st.integers(0, 5), st.sampled_from(["a", "b"]), st.sampled_from(["one", "two"])
    )
    return [
        event(f"{kind}.{word}", minutes, event_id=f"{word}-{minutes}", source=source, subject_source="/s",
              custom={"title": title, "severity": minutes}, description=title, **content)
        for word, minutes, source, title in draw(st.lists(steps, min_size=1, max_size=8, unique_by=lambda s: s[:3]))
    ]  # fmt: skip


def folded(payload: Mapping[str, Any], record: type[Record]) -> Record | str:
    try:
        made: Record = getattr(cdevents, snake_name(record))(payload)
    except PayloadError as error:
        return str(error)
    return made


@settings(max_examples=150, deadline=None)
@given(histories(), st.data())
def test_any_order_any_duplicates_and_any_split_give_the_same_record(
    events: list[CloudEvent], data: st.DataObject
) -> None:
    target = cdevents.target(events[0])
    assert isinstance(target, Target)
    whole = cdevents.merge(None, target.ext_id, events)
    mixed = data.draw(st.permutations([*events, *data.draw(st.lists(st.sampled_from(events), max_size=4))]))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(mixed)), max_size=3)))
    payload: dict[str, Any] | None = None
    for start, end in itertools.pairwise([0, *cuts, len(mixed)]):
        merged = cdevents.merge(payload, target.ext_id, mixed[start:end])
        payload = json.loads(json.dumps(merged))  # as it comes back from where it is kept
    assert payload == whole
    assert folded(payload, target.record) == folded(whole, target.record)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["id", "source", "a"]), inner),
    max_leaves=4,
)
FIELDS = (
    "environment", "artifactId", "description", "service", "ticketURI", "repository", "pipelineName", "outcome",
    "uri", "url", "taskName", "pipelineRun", "summary", "ticketType", "group", "creator", "assignees", "labels",
)  # fmt: skip
CUSTOM = ("sha", "repository", "version", "changes", "severity", "title", "author", "reviewer", "branch", "service")


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["service.deployed", "change.reviewed", *(f"{kind}.{LIVES[kind][0]}" for kind in LIVES)]),
    st.dictionaries(st.sampled_from(FIELDS), JUNK),
    st.dictionaries(st.sampled_from(CUSTOM), JUNK) | JUNK,
    JUNK,
)
def test_whatever_a_field_holds_an_event_is_a_record_or_refused(
    what: str, content: dict[str, Any], custom: Any, links: Any
) -> None:
    one = event(what, custom=custom, links=links, **content)
    target = cdevents.target(one)
    assert isinstance(target, Target)
    payload = cdevents.merge(None, target.ext_id, [one])
    try:
        made = getattr(cdevents, snake_name(target.record))(payload)
    except (PayloadError, ValueError):  # what the loader puts into quarantine
        return
    assert (type(made), made.ext_id) == (target.record, target.ext_id)
