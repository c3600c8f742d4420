"""The settings of `kind = "port"`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from dxmetrics.collectors.hosts import ApiSettings

Part = Literal["catalog", "actions"]
Text = Annotated[str, Field(min_length=1)]


class PortSettings(ApiSettings):
    """How Port is reached, which blueprints are what, and which of their properties or relations mean what.

    A property or relation goes by its identifier; `$identifier`, `$title`, `$team` and `$createdAt` are those that
    every entity has.
    """

    url: str | None = Field(
        default=None,
        description="address of the API; left out: that of Europe; in the United States https://api.us.port.io",
    )
    client_id: Text = Field(description="the client id of the credentials")
    token: SecretStr | None = Field(default=None, description="the client secret of the credentials")
    webhook_secret: SecretStr | None = Field(default=None, description="not used: Port is looked at as scheduled")
    reads: Annotated[tuple[Part, ...], Field(min_length=1)] = Field(
        default=("catalog", "actions"), description="what is read; leave out what is not used"
    )
    services: Annotated[tuple[Text, ...], Field(min_length=1)] = Field(
        default=("service",), description="blueprints whose entities are services"
    )
    teams: Text = Field(default="_team", description="blueprint whose entities are teams")
    users: Text = Field(default="_user", description="blueprint whose entities are people")
    name: Text = Field(
        default="$identifier",
        description="what services are called by deployments: `$identifier`, `$title`, a property",
    )
    team: Text = Field(default="$team", description="property or relation of services that names the owning team")
    type: Text = Field(
        default="type", description="property of services that tells the type; where there is none, the blueprint does"
    )
    lifecycle: Text = Field(default="lifecycle", description="property of services that tells the lifecycle")
    tier: Text = Field(default="tier", description="property of services that tells the tier")
    tiers: dict[str, Annotated[int, Field(ge=0)]] = Field(
        default_factory=dict,
        description='tier by the property\'s value: { "Mission Critical" = 1 }; 1, T1 and tier-1 need no line',
    )
    language: Text = Field(default="language", description="property of services that tells the language")
    system: Text = Field(default="system", description="property or relation of services that names the system")
    repository: Text = Field(
        default="repository",
        description="property or relation of services that names the repository: an address, or host/org/name",
    )
    repository_host: Text | None = Field(
        default=None, description="host of repositories that are named as org/name: github.com"
    )
    template: Text = Field(default="template", description="property or relation of services that names the template")
    template_version: Text = Field(
        default="template_version", description="property of services that tells the version of that template"
    )
    created_at: Text | None = Field(
        default=None,
        description="property that tells when a service was made; `$createdAt` where services are entered as they are"
        " made; left out: not known",
    )
    parent: Text = Field(default="parent", description="relation of teams to the team above")
    email: Text = Field(default="$identifier", description="property of people that tells the address")
    member_of: Text = Field(default="$team", description="property or relation of people that names their teams")
    capability: Text | None = Field(
        default=None, description="the capability that a run of an action is a use of; left out: the action itself"
    )
    capabilities: dict[str, Text] = Field(
        default_factory=dict,
        description='capability by action, where it is another one: { new_database = "databases" }',
    )
