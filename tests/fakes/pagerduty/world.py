"""What there is in an account: services, teams, incidents, and the log of all that happens to these."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

Row = dict[str, Any]
WEB = "https://acme.pagerduty.com"


def reference(kind: str, key: str, summary: str) -> Row:
    """How one thing refers to another."""
    return {"id": key, "type": f"{kind}_reference", "summary": summary, "html_url": f"{WEB}/{kind}s/{key}"}


ADA = reference("user", "PADA", "Ada Example")


@dataclass(eq=False)
class Account:
    """The account; its methods are something that somebody does now. Instants are kept as instants."""

    now: datetime
    zone: tzinfo = field(default_factory=lambda: ZoneInfo("Pacific/Auckland"))
    services: dict[str, Row] = field(default_factory=dict)
    teams: dict[str, Row] = field(default_factory=dict)
    incidents: dict[str, Row] = field(default_factory=dict)
    log: list[Row] = field(default_factory=list)

    def add_team(self, name: str, parent: str | None = None) -> str:
        """A new team; its id."""
        key = f"PT{len(self.teams):05}"
        about = {"parent": self._team(parent) if parent else None, "description": None, "default_role": "manager"}
        self.teams[key] = {"id": key, "type": "team", "name": name, "html_url": f"{WEB}/teams/{key}", **about}
        return key

    def add_service(self, name: str, *teams: str) -> str:
        """A new service of some teams; its id."""
        key = f"PS{len(self.services):05}"
        self.services[key] = {
            "id": key, "type": "service", "name": name, "html_url": f"{WEB}/services/{key}", "created_at": self.now,
            "status": "active", "teams": [self._team(team) for team in teams], "description": "Calls +1 555 0100",
        }  # fmt: skip
        return key

    def trigger(self, service: str, title: str = "It burns", *, priority: str | None = None) -> str:
        """A new incident; its id."""
        key = f"Q{len(self.incidents):013}"
        self.incidents[key] = {
            "id": key, "type": "incident", "incident_number": len(self.incidents) + 1, "title": title,
            "summary": f"[#{len(self.incidents) + 1}] {title}", "html_url": f"{WEB}/incidents/{key}",
            "created_at": self.now, "updated_at": self.now, "last_status_change_at": self.now, "resolved_at": None,
            "status": "triggered", "urgency": "high", "resolve_reason": None, "acknowledgements": [],
            "assignments": [{"at": self.now, "assignee": ADA}], "incident_type": {"name": "incident_default"},
            "service": reference("service", service, self.services[service]["name"]),
            "teams": self.services[service]["teams"], "priority": self._priority(priority),
        }  # fmt: skip
        self._happens(key, "trigger")
        return key

    def acknowledge(self, key: str) -> None:
        """Somebody is at it."""
        acknowledgement = {"at": self.now, "acknowledger": ADA}
        self._becomes(key, "acknowledged", acknowledgements=[acknowledgement])
        self._happens(key, "acknowledge")

    def lapse(self, key: str) -> None:
        """Who was at it has said nothing for too long."""
        self._becomes(key, "triggered", acknowledgements=[])
        self._happens(key, "unacknowledge")

    def resolve(self, key: str) -> None:
        """It is over."""
        self._becomes(key, "resolved", resolved_at=self.now, acknowledgements=[], assignments=[])
        self._happens(key, "resolve")

    def reopen(self, key: str) -> None:
        """It is not over after all."""
        self._becomes(key, "triggered", resolved_at=None, resolve_reason=None)
        self._happens(key, "reopen")

    def merge(self, key: str, into: str) -> None:
        """It is the same as another one."""
        other = reference("incident", into, self.incidents[into]["summary"])
        self._becomes(
            key, "resolved", resolved_at=self.now, resolve_reason={"type": "merge_resolve_reason", "incident": other}
        )
        self._happens(key, "resolve")

    def annotate(self, key: str) -> None:
        """Somebody writes a note."""
        self.incidents[key]["updated_at"] = self.now
        self._happens(key, "annotate")

    def prioritise(self, key: str, priority: str | None) -> None:
        """Somebody says how bad it is, of which the log tells nothing."""
        self.incidents[key] |= {"priority": self._priority(priority), "updated_at": self.now}

    def rename_service(self, key: str, name: str) -> None:
        """A service is called otherwise, also in its incidents."""
        self.services[key]["name"] = name
        for row in self.incidents.values():
            if row["service"]["id"] == key:
                row["service"] = reference("service", key, name)

    def _team(self, key: str) -> Row:
        return reference("team", key, self.teams[key]["name"])

    def _priority(self, name: str | None) -> Row | None:
        return None if name is None else {**reference("priority", f"P-{name}", name), "name": name}

    def _becomes(self, key: str, status: str, **about: Any) -> None:
        times = {"updated_at": self.now, "last_status_change_at": self.now}
        self.incidents[key] |= {"status": status, **times, **about}

    def _happens(self, key: str, what: str) -> None:
        row = self.incidents[key]
        for kind, is_overview in ((what, True), ("notify", False)):
            self.log.append(
                {
                    "id": f"R{len(self.log):020}", "type": f"{kind}_log_entry", "created_at": self.now, "agent": ADA,
                    "incident": reference("incident", key, row["summary"]), "teams": row["teams"],
                    "channel": {"type": "auto"}, "is_overview": is_overview,
                }
            )  # fmt: skip


def as_sent(value: Any, zone: tzinfo | None) -> Any:
    """A body with its instants as text in a zone; None: UTC."""
    if isinstance(value, datetime):
        text = value.astimezone(zone or UTC).isoformat(timespec="seconds")
        return text.replace("+00:00", "Z")
    if isinstance(value, dict):
        return {name: as_sent(one, zone) for name, one in value.items() if name != "is_overview"}
    return [as_sent(one, zone) for one in value] if isinstance(value, list) else value
