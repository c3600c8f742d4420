"""Rows of the platform's use: what services and people do with its capabilities, or ask for by ticket."""

from datetime import date, timedelta

from dxmetrics import records

from .capabilities import Capability, weeks_between
from .dice import Dice
from .organisation import Organisation, Service, Team
from .rows import Rows, instant
from .tickets import issue
from .work import HOUR
from .worktime import midnight


def week(organisation: Organisation, monday: date, rows: Rows) -> None:
    """Add what is done with every capability in this week, and the services that are made from a template in it."""
    for capability in organisation.capabilities:
        uses = Uses(organisation, capability, monday)
        if capability.usage:
            uses.write_counts(capability.usage, rows)
        elif capability.is_for_services:
            uses.write_of_services(rows)
        else:
            uses.write_of_people(rows)


class Uses:
    """The uses of one capability in one week."""

    def __init__(self, organisation: Organisation, capability: Capability, monday: date) -> None:
        self.organisation = organisation
        self.capability = capability
        self.monday = monday
        self.weeks_ago = weeks_between(monday, organisation.anchor)
        self.begins = midnight(monday)
        self.dice = Dice(organisation.seed, capability.name, monday)

    def write_of_services(self, rows: Rows) -> None:
        """Add the uses of services that are live; a service uses it as often in a small organisation as in a large."""
        for service in self._services():
            members = self.organisation.members(service.team, self.monday)
            for number in range(self.dice.count(self.capability.a_week) if members else 0):
                self._use(f"{service.name}-{number}", self.dice.pick(members), service.team, service, rows)

    def write_of_people(self, rows: Rows) -> None:
        """Add the uses of the members of teams that have it."""
        capability, organisation = self.capability, self.organisation
        for team in organisation.teams:
            members = organisation.members(team, self.monday)
            if capability.is_open_to(team.role, self.weeks_ago) and members:
                for number in range(self.dice.count(capability.a_week * len(members) * organisation.volume)):
                    self._use(f"{team.slug}-{number}", self.dice.pick(members), team, None, rows)
        if capability.template:
            self._write_made(rows)

    def write_counts(self, metric: str, rows: Rows) -> None:
        """Add what a tool counts of each service, once a week."""
        day = self.monday + timedelta(days=2)
        for service in self._services():
            rows.add(records.UsageFact, midnight(day) + 20 * HOUR, {
                "ext_id": f"{service.name}-{metric}-{day}", "occurred_on": day, "provider": "scanner",
                "subject_kind": "service", "subject": service.name, "metric": metric,
                "value": 1 + self.dice.count(self.capability.a_week),
            })  # fmt: skip

    def _services(self) -> list[Service]:
        organisation, monday = self.organisation, self.monday
        return [
            service
            for service in organisation.services
            if self.capability.serves(service.role, self.weeks_ago)
            and organisation.born(service) <= monday
            and organisation.is_live(service, monday)
            and not organisation.is_quiet(service, monday)
        ]

    def _write_made(self, rows: Rows) -> None:
        """Add the making of each service that is made from the template in this week."""
        for service in self.organisation.services:
            is_made = service.template == self.capability.template and self.organisation.made(service) == self.monday
            if is_made and service.team:
                made_by = self.dice.pick(self.organisation.members(service.team, self.monday))
                self._event(f"{service.name}-made", self.begins + 9 * HOUR, made_by, service.team, service, rows)

    def _use(self, key: str, person: str, team: Team | None, service: Service | None, rows: Rows) -> None:
        """One use: by oneself, or by a ticket that somebody answers."""
        dice, capability = self.dice, self.capability
        occurred = self.begins + (int(dice.share() * 5) * 24 + dice.between(9, 18)) * HOUR
        if not dice.happens(capability.ticket_share):
            self._event(key, occurred, person, team, service, rows)
            return
        title = f"{dice.pick(capability.actions)} for {capability.name.replace('-', ' ')}"
        answered = occurred + dice.duration(5, 0.9) * HOUR
        done = answered + min(dice.duration(14, 1.0), 400) * HOUR
        issue(
            self._key(key), title, "request", occurred, answered, done, rows, team=team.slug if team else None,
            author=person, capability=capability.name,
        )  # fmt: skip

    def _event(
        self, key: str, occurred: float, person: str, team: Team | None, service: Service | None, rows: Rows
    ) -> None:
        dice = self.dice
        rows.add(records.PlatformEvent, occurred, {
            "ext_id": self._key(key), "occurred_at": instant(occurred), "capability": self.capability.name,
            "action": dice.pick(self.capability.actions), "outcome": "success" if dice.happens(0.96) else "failure",
            "person": person, "team": team.slug if team else None, "service": service.name if service else None,
            "duration_seconds": round(dice.duration(70), 1),
        })  # fmt: skip

    def _key(self, key: str) -> str:
        return f"{self.capability.name}-{self.monday:%G%V}-{key}"
