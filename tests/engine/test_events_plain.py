"""Plain JSON of the records: what a script may leave out, and what it is told when it is wrong."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from dxmetrics.errors import MalformedError
from dxmetrics.events import plain
from dxmetrics.records import Change, Deployment, Incident, PlatformEvent, Record, UsageFact

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
COUNT = {
    "occurred_on": "2026-03-30", "provider": "copilot", "subject_kind": "team", "subject": "payments",
    "metric": "active_users", "value": 7,
}  # fmt: skip


def pushed(name: str, *items: dict[str, Any]) -> list[Record]:
    read = plain.read(name, json.dumps(items[0] if len(items) == 1 else items).encode())
    return [
        record.model_validate(plain.row(given, record, "token/run-7", place, NOW))
        for place, (record, given) in enumerate(read)
    ]


def refusal(name: str, body: Any) -> str:
    with pytest.raises(MalformedError) as caught:
        plain.read(name, body if isinstance(body, bytes) else json.dumps(body).encode())
    return str(caught.value)


def test_a_service_and_a_commit_are_a_deployment_to_production_that_succeeded_just_now() -> None:
    assert pushed("deployments", {"service": "pay", "sha": "4f2c"}) == [
        Deployment(
            ext_id="token/run-7#0",
            service="pay",
            sha="4f2c",
            environment="production",
            status="success",
            via="api",
            finished_at=NOW,
            updated_at=NOW,
        )
    ]


def test_what_a_script_says_is_kept() -> None:
    said = {
        "ext_id": "d-1", "repository": "acme/pay", "environment": "staging", "status": "failure", "via": "gitops",
        "started_at": "2026-03-31T13:00:00+02:00", "updated_at": "2026-03-31T11:30:00Z",
    }  # fmt: skip
    assert pushed("deployments", said) == [Deployment.model_validate(said)]


def test_a_deployment_that_says_some_time_is_given_no_other() -> None:
    (deployment,) = pushed("deployments", {"service": "pay", "created_at": "2026-03-31T10:00:00Z"})
    assert isinstance(deployment, Deployment)
    assert (deployment.created_at, deployment.finished_at) == (datetime(2026, 3, 31, 10, tzinfo=UTC), None)


def test_a_deployment_that_runs_has_started_just_now() -> None:
    (deployment,) = pushed("deployments", {"service": "pay", "status": "running"})
    assert isinstance(deployment, Deployment)
    assert (deployment.started_at, deployment.finished_at) == (NOW, None)


def test_an_incident_without_any_time_was_detected_just_now() -> None:
    assert pushed("incidents", {"ext_id": "INC-7", "services": ["pay"], "severity": 2}) == [
        Incident(ext_id="INC-7", services=("pay",), severity=2, detected_at=NOW, updated_at=NOW)
    ]


def test_an_incident_that_says_only_when_it_was_resolved_is_asked_when_it_was_detected() -> None:
    assert refusal("incidents", {"ext_id": "INC-7", "resolved_at": "2026-03-31T12:00:00Z"}) == (
        "incidents: field 'detected_at' is missing: add it"
    )


def test_usage_is_a_platform_event_or_with_a_day_a_count() -> None:
    event, count = pushed("usage", {"capability": "scaffolder", "action": "create", "team": "Payments"}, COUNT)
    assert event == PlatformEvent(
        ext_id="token/run-7#0",
        capability="scaffolder",
        action="create",
        team="Payments",
        occurred_at=NOW,
        updated_at=NOW,
    )
    assert isinstance(count, UsageFact)
    assert (count.ext_id, count.occurred_on.isoformat(), count.value) == ("token/run-7#1", "2026-03-30", 7.0)


def test_a_change_needs_its_repository() -> None:
    assert refusal("changes", {"ext_id": "1"}) == "changes: field 'repository' is missing: add it"
    (change,) = pushed("changes", {"ext_id": "1", "repository": "acme/pay", "merged_at": "2026-03-31T10:00:00Z"})
    assert isinstance(change, Change)
    assert (change.merged_at, change.opened_at) == (datetime(2026, 3, 31, 10, tzinfo=UTC), None)


def test_null_is_as_good_as_left_out() -> None:
    nothing = {"service": "pay", "status": None, "finished_at": None, "ext_id": None}
    assert pushed("deployments", nothing) == pushed("deployments", {"service": "pay"})


def test_the_same_delivery_gives_the_same_rows_and_another_one_others() -> None:
    given = {"service": "pay"}
    rows = [plain.row(given, Deployment, delivery, place, NOW) for delivery in ("k", "k#0") for place in (0, 1)]
    assert len({row["ext_id"] for row in rows}) == 4
    assert rows[0] == plain.row(given, Deployment, "k", 0, NOW)


@pytest.mark.parametrize("written", ["2026-03-31T14:00:00+02:00", "2026-03-31 12:00:00Z", "2026-03-31t12:00:00.000z"])
def test_every_way_rfc_3339_writes_an_instant_is_read(written: str) -> None:
    ((record, given),) = plain.read("deployments", json.dumps({"service": "pay", "finished_at": written}).encode())
    row = plain.row(given, record, "k", 0, NOW)
    assert datetime.fromisoformat(row["finished_at"]) == NOW


@pytest.mark.parametrize(
    ("name", "item", "message"),
    [
        (
            "deployments",
            {"service": "pay", "finished_at": "2026-03-31T12:00:00"},
            (
                "deployments: finished_at = '2026-03-31T12:00:00' has no zone: write it as 2026-03-31T12:00:00Z, "
                "or with its offset"
            ),
        ),
        (
            "deployments",
            {"service": "pay", "finished_at": 1774958400},
            "deployments: finished_at = 1774958400 is no RFC 3339 time: write it as 2026-03-31T12:00:00Z",
        ),
        (
            "deployments",
            {"service": "pay", "finished_at": "1774958400"},
            "deployments: finished_at = '1774958400' is no RFC 3339 time: write it as 2026-03-31T12:00:00Z",
        ),
        (
            "deployments",
            {"service": "pay", "finished_at": "0001-01-01T00:00:00+05:00"},
            (
                "deployments: finished_at = '0001-01-01T00:00:00+05:00' is no day or hour of a calendar: "
                "write it as 2026-03-31T12:00:00Z"
            ),
        ),
        (
            "deployments",
            {"service": "pay", "status": "done"},
            (
                "deployments: status = 'done': input should be 'success', 'failure', 'cancelled', 'superseded', "
                "'running' or 'unknown'"
            ),
        ),
        ("deployments", {"service": 5}, "deployments: service = 5: input should be a valid string"),
        ("deployments", {"sha": "4f2c"}, "deployments: a deployment names its `service`, or its `repository`"),
        ("deployments", {}, "deployments: a deployment names its `service`, or its `repository`"),
        ("incidents", {"services": "pay"}, "incidents: services = 'pay': input should be a list"),
        ("incidents", {"severity": 9}, "incidents: severity = 9: input should be less than or equal to 5"),
        ("usage", {"capability": "ci"}, "usage: field 'action' is missing: add it"),
        ("usage", COUNT | {"occurred_on": 20260330}, "usage: occurred_on = 20260330 is no day: write it as 2026-03-31"),
        (
            "usage",
            COUNT | {"occurred_on": "yesterday"},
            "usage: occurred_on = 'yesterday' is no day: write it as 2026-03-31",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(name: str, item: dict[str, Any], message: str) -> None:
    assert refusal(name, item) == message


def test_an_unknown_field_is_answered_with_the_one_meant_and_all_there_are() -> None:
    message = refusal("deployments", {"servce": "pay"})
    assert message.startswith("deployments: 'servce' is no field of a deployment: did you mean 'service'? its fields")
    assert all(name in message for name in Deployment.model_fields)
    assert "did you mean" not in refusal("usage", {"zzzzzz": 1})


def test_an_item_of_a_list_is_named_by_its_place() -> None:
    assert refusal("deployments", [{"service": "pay"}, {"service": 7}]).startswith("deployments[1]: service = 7: ")
    assert refusal("deployments", [{"service": "pay"}, 3]).startswith("deployments[1] is int, not an object: send {")


def test_a_list_holds_at_most_ten_thousand() -> None:
    assert refusal("deployments", [{"service": "pay"}] * 10_001) == (
        "deployments: 10,001 items: send at most 10,000 at once"
    )
    assert plain.read("deployments", b"[]") == []


@pytest.mark.parametrize("body", [b"", b"service=pay", b"\xff", b'{"value": NaN}'])
def test_a_body_that_is_no_json_is_refused(body: bytes) -> None:
    message = refusal("deployments", body)
    assert message.startswith("deployments: the body is no JSON (")
    assert message.endswith("): send one object, or a list of them")


def test_a_number_beyond_all_numbers_is_refused() -> None:
    body = json.dumps(COUNT).replace("7", "1e999").encode()
    assert refusal("usage", body) == "usage: value is larger than any number that can be kept: send a smaller one"


def test_a_refused_value_is_told_in_short() -> None:
    assert len(refusal("deployments", {"service": ["x" * 1_000_000]})) < 200


@pytest.mark.parametrize("name", plain.PUSHES)
def test_the_documented_example_of_each_endpoint_is_accepted(name: str) -> None:
    push = plain.PUSHES[name]
    (record,) = pushed(name, dict(push.example))
    assert type(record) is push.record
    assert push.request_body["content"]["application/json"]["example"] == push.example
