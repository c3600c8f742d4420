"""What becomes of PagerDuty's payloads."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from .support import pagerduty

RECORDED = Path(__file__).parents[4] / "shared/data/recorded/pagerduty/_raw_pagerduty_incidents.csv"


def row(**about: Any) -> dict[str, Any]:
    """An incident as the list has it."""
    return {
        "id": "QABC", "html_url": "https://acme.pagerduty.com/incidents/QABC", "title": "Checkout is slow",
        "created_at": "2026-01-02T10:00:00Z", "updated_at": "2026-01-02T12:00:00Z", "status": "resolved",
        "last_status_change_at": "2026-01-02T12:00:00Z", "resolved_at": "2026-01-02T12:00:00Z", "urgency": "high",
        "service": {"id": "PSHOP", "summary": "shop"}, "teams": [{"id": "PPAY", "summary": "Team Payments"}],
        "priority": None, "resolve_reason": None, **about,
    }  # fmt: skip


def entry(kind: str, minute: int, hour: int = 10) -> dict[str, str]:
    """An entry of its log."""
    return {"id": f"R{hour}{minute}", "type": f"{kind}_log_entry", "created_at": f"2026-01-02T{hour}:{minute:02}:00Z"}


def incident(*log: dict[str, str], **about: Any) -> Any:
    return pagerduty.incident({"incident": row(**about), "log": log})


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 1, 2, hour, minute, tzinfo=UTC)


def test_an_incident_was_acknowledged_when_it_was_for_the_first_time() -> None:
    found = incident(entry("trigger", 0), entry("acknowledge", 30), entry("acknowledge", 5), entry("resolve", 0, 12))
    assert (found.ext_id, found.kind, found.status, found.title) == ("QABC", "incident", "resolved", "Checkout is slow")
    assert (found.detected_at, found.acknowledged_at, found.resolved_at) == (at(10), at(10, 5), at(12))
    assert (found.services, found.team, found.severity) == (("shop",), "team-payments", None)
    assert found.updated_at == at(12)
    assert found.url == "https://acme.pagerduty.com/incidents/QABC"


def test_an_incident_nobody_acknowledged_has_no_such_time() -> None:
    assert incident(entry("trigger", 0), entry("resolve", 0, 12)).acknowledged_at is None


def test_the_end_is_told_by_the_incident_else_by_the_log_else_by_its_last_change() -> None:
    without = {"resolved_at": None, "last_status_change_at": "2026-01-02T13:00:00Z"}
    log = [entry("trigger", 0), entry("resolve", 0, 11), entry("resolve", 30, 12)]
    assert incident(*log, resolved_at="2026-01-02T12:00:00Z").resolved_at == at(12)
    assert incident(*log, **without).resolved_at == at(12, 30)
    assert incident(**without).resolved_at == at(13)


def test_an_incident_that_was_opened_again_is_not_resolved() -> None:
    log = [entry("trigger", 0), entry("resolve", 0, 11)]
    found = incident(*log, status="triggered", resolved_at=None)
    assert (found.status, found.resolved_at) == ("open", None)


@pytest.mark.parametrize(
    ("priority", "severity"),
    [
        ("P1", 1), ("p5", 5), ("P0", 0), ("SEV-2", 2), ("Sev 3", 3), ("P1 - Critical", 1), ("Severity_4", 4),
        ("P12", None), ("P9", None), ("Critical", None), ("Top 1", None),
    ],
)  # fmt: skip
def test_severity_is_in_the_name_of_the_priority(priority: str, severity: int | None) -> None:
    assert incident(priority={"id": "P53", "summary": priority}).severity == severity
    assert incident(priority={"id": "P53", "summary": "?", "name": priority}).severity == severity


def test_what_the_settings_say_of_a_priority_wins() -> None:
    assert pagerduty.incident({"incident": row(priority={"summary": "P1"}), "severity": 0}).severity == 0


@pytest.mark.parametrize(
    ("vendors", "ours"),
    [("triggered", "open"), ("acknowledged", "acknowledged"), ("resolved", "resolved"), ("snoozed", "unknown")],
)
def test_every_status_has_its_word_and_one_that_is_new_is_unknown(vendors: str, ours: str) -> None:
    assert incident(status=vendors).status == ours


def test_a_merged_incident_is_an_alert_of_the_other_and_linked_to_it() -> None:
    payload = {"incident": row(resolve_reason={"type": "merge_resolve_reason", "incident": {"id": "QXYZ"}})}
    link = pagerduty.link(payload)
    assert pagerduty.incident(payload).kind == "alert"
    assert (link.from_id, link.relation, link.to_id) == ("QABC", "duplicates", "QXYZ")
    assert (link.from_kind, link.to_kind) == ("incident", "incident")


def test_an_incident_without_what_is_optional_is_still_one() -> None:
    found = pagerduty.incident({"incident": {"id": "QABC", "created_at": "2026-01-02T11:00:00+01:00"}})
    assert (found.detected_at, found.status, found.services, found.team) == (at(10), "unknown", (), None)


@pytest.mark.parametrize("missing", ["id", "created_at"])
def test_an_incident_without_id_or_beginning_is_none(missing: str) -> None:
    told = row()
    del told[missing]
    with pytest.raises(KeyError):
        pagerduty.incident({"incident": told})


def test_a_service_goes_by_its_name_and_belongs_to_its_first_team() -> None:
    service = pagerduty.service(
        {
            "id": "PSHOP", "name": "Web Shop", "html_url": "https://acme.pagerduty.com/services/PSHOP",
            "created_at": "2025-11-06T11:12:51-05:00", "teams": [{"summary": "Team Payments"}, {"summary": "Ops"}],
        }
    )  # fmt: skip
    assert (service.ext_id, service.name, service.team) == ("Web Shop", "Web Shop", "team-payments")
    assert service.created_at == datetime(2025, 11, 6, 16, 12, 51, tzinfo=UTC)
    assert pagerduty.service({"id": "PSHOP", "name": "Web Shop", "teams": []}).team is None


def test_a_team_goes_by_its_slug() -> None:
    team = pagerduty.team({"id": "PPAY", "name": "Équipe Paie & Co", "parent": {"summary": "Back Office"}})
    assert (team.ext_id, team.name, team.parent) == ("équipe-paie-co", "Équipe Paie & Co", "back-office")
    assert pagerduty.team({"id": "PPAY", "name": "!!", "parent": None}).ext_id == "!!"


@pytest.mark.skipif(not RECORDED.exists(), reason="recorded answers are kept beside the repository")
def test_recorded_incidents_are_mapped_with_the_times_their_logs_tell() -> None:
    with RECORDED.open(encoding="utf-8", newline="") as lines:
        told = [json.loads(one["data"]) for one in csv.DictReader(lines)]
    found = [pagerduty.incident({"incident": one, "log": one["log_entries"]}) for one in told]
    times = [(one.status, one.acknowledged_at, one.resolved_at) for one in found]
    day = datetime(2022, 11, 3, tzinfo=UTC)
    assert times == [
        ("open", day.replace(hour=6, minute=23, second=7), None),
        ("acknowledged", day.replace(hour=6, minute=44, second=37), None),
        ("resolved", day.replace(hour=6, minute=45, second=46), day.replace(hour=6, minute=51, second=44)),
    ]
    assert {one.services for one in found} == {("DevService",)}
