"""The lists of `dx.toml`: services, teams, people, capabilities and exemptions, each `[[...]]` one entry."""

from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from dxmetrics.settings.parts import Pattern, Section, Text


class ServiceEntry(Section):
    """A deployable component; without any, each repository is one."""

    name: Text = Field(description="as deployments and incidents call it")
    team: str | None = Field(default=None, description="the team that owns it")
    repository: str | None = Field(default=None, description="host/org/name, or the repository's name")
    paths: tuple[Text, ...] = Field(default=(), description="globs within the repository; empty: the whole repository")
    tier: int | None = Field(default=None, description="1 is most critical")
    type: str | None = Field(default=None, description="for example service, website, library")
    lifecycle: str | None = Field(default=None, description="for example experimental, production, deprecated")
    language: str | None = Field(default=None, description="main programming language")
    system: str | None = Field(default=None, description="the larger system it is a part of")


def _named(value: Any) -> Any:
    """A member given by name alone is one who always was in the team."""
    return {"person": value} if isinstance(value, str) else value


class MemberEntry(Section):
    """A person's time in a team."""

    person: Text = Field(description="name as in [[people]], mail address, login, or source:login")
    valid_from: date | None = Field(default=None, description="first day; none: always was")
    valid_to: date | None = Field(default=None, description="first day no longer in the team; none: still is")


class TeamEntry(Section):
    """A group of people that owns services."""

    name: Text = Field(description="shown on pages")
    parent: str | None = Field(default=None, description="the team it belongs to")
    members: tuple[Annotated[MemberEntry, BeforeValidator(_named)], ...] = Field(
        default=(), description='"ada@example.org", or { person = "ada", valid_from = 2026-01-01 }'
    )


class PersonEntry(Section):
    """A person whose accounts are merged whatever their addresses say."""

    name: Text = Field(description="unique; memberships may refer to it")
    email: str | None = Field(default=None, description="main address")
    accounts: tuple[Text, ...] = Field(default=(), description="further addresses, logins, or source:login")
    kind: Literal["human", "bot", "agent", "service"] = Field(
        default="human", description="a machine account can be named here too"
    )


class ExclusionEntry(Section):
    """What a capability cannot serve although it looks as if it could, and why."""

    reason: Text = Field(description="shown beside the number: runs on clusters of its own")
    services: tuple[Pattern, ...] = Field(default=(), description="services of these names")
    teams: tuple[Pattern, ...] = Field(default=(), description="services, or people, of these teams")

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if not (self.services or self.teams):
            raise ValueError("it names neither `services` nor `teams`: that would exclude everything")
        return self


class CapabilityEntry(Section):
    """Something the platform offers: whom it could serve, and what counts as using it."""

    name: Text = Field(description="as platform events, usage facts and tickets call it")
    title: str = Field(default="", description="shown on pages; blank: the name")
    unit: Literal["service", "person"] = Field(default="service", description="what adopts it: services or people")
    is_mandated: bool = Field(default=False, description="its use is demanded: then its share says nothing of merit")
    since: date | None = Field(default=None, description="first day it was offered; left out: its first use")
    actions: tuple[Pattern, ...] = Field(
        default=(), description="actions of its platform events that are of value, not mere looks; empty: all"
    )
    metrics: tuple[Pattern, ...] = Field(
        default=(), description="metrics of usage facts that are its use, beside those of its own name"
    )
    templates: tuple[Pattern, ...] = Field(default=(), description="a service made from one of these templates uses it")
    is_lasting: bool = Field(
        default=False, description="one use lasts, as making a service from a template does; else four weeks"
    )
    services: tuple[Pattern, ...] = Field(default=(), description="it could serve services of these names; empty: all")
    types: tuple[Pattern, ...] = Field(default=(), description="of these types")
    tiers: tuple[int, ...] = Field(default=(), description="of these tiers")
    languages: tuple[Pattern, ...] = Field(default=(), description="in these languages")
    lifecycles: tuple[Pattern, ...] = Field(default=(), description="in these lifecycles")
    teams: tuple[Pattern, ...] = Field(default=(), description="of these teams; for people the teams they are in")
    excluded: tuple[ExclusionEntry, ...] = Field(
        default=(), description='exceptions: [{ services = ["legacy-*"], reason = "..." }], or teams'
    )
    ticket_labels: tuple[Pattern, ...] = Field(
        default=(), description="labels of tickets that ask for it instead of using it"
    )

    @model_validator(mode="after")
    def _fits_its_unit(self) -> Self:
        if self.unit == "person":
            of_services = ("templates", "services", "types", "tiers", "languages", "lifecycles")
            wrong = [name for name in of_services if getattr(self, name)]
            if any(one.services for one in self.excluded):
                wrong.append("excluded services")
            if wrong:
                raise ValueError(f'it is for people, who have no {", ".join(wrong)}: use `teams`, or unit = "service"')
        return self


class ExemptionEntry(Section):
    """A standard that a service need not meet for a while."""

    standard: Text = Field(description="name of the check: the file's name in sql/standards")
    service: Pattern = Field(description="the services it is for")
    until: date = Field(description="first day on which it counts again")
    reason: Text = Field(description="why, shown beside the result")
