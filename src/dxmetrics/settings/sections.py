"""The sections of `dx.toml`: each setting has a default, and its one line of why."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from dxmetrics import cadence
from dxmetrics.settings.parts import Expression, Pattern, Section, Text
from dxmetrics.zones import ZoneName


class Organisation(Section):
    """Who is measured, and in which calendar."""

    name: Text = Field(default="Our organisation", description="shown at the top of every page and report")
    reporting_zone: ZoneName = Field(
        default="UTC", description="the one time zone that decides which day, week or month an event belongs to"
    )
    people_csv: Path | None = Field(
        default=None, description="people from a file: name, email, accounts (separated by ;), kind"
    )
    teams_csv: Path | None = Field(
        default=None, description="one line per membership: team, parent, person, valid_from, valid_to"
    )
    services_csv: Path | None = Field(
        default=None, description="services from a file: name, team, repository, paths (separated by ;), tier ..."
    )


class Data(Section):
    """Where collected data lives."""

    folder: Path = Field(default=Path("data"), description="warehouse, publications and mirrors; relative to dx.toml")


class Production(Section):
    """What counts as production."""

    environments: tuple[Text, ...] = Field(
        default=("production", "production-*", "prod", "prod-*", "prd", "live"),
        description="environment names (* and ? allowed) whose deployments count in DORA metrics",
    )


class Incidents(Section):
    """What is an incident, which ones count, and when they are blamed on a deployment."""

    labels: tuple[Text, ...] = Field(
        default=("incident", "incident:*", "incident/*", "type:incident", "type/incident", "kind/incident"),
        description="an issue with one of these labels (* and ? allowed) is an incident",
    )
    types: tuple[Text, ...] = Field(
        default=("incident",), description="an issue of one of these types (* and ? allowed) is an incident"
    )
    severity_pattern: Expression = Field(
        default="(?i)^(?:sev|severity|s|p|priority)[-_:/ ]*([0-5])$",
        description="regular expression whose group is the severity in a label of such an issue",
    )

    severities: tuple[Annotated[int, Field(ge=0, le=5)], ...] = Field(
        default=(), description="severities that count, 1 is worst; empty: all, also those without one"
    )
    window_hours: int = Field(
        default=24, gt=0, description="an incident without a link is inferred to be of a deployment this recent"
    )


class DeploymentRule(Section):
    """CI runs or jobs that deploy. Every pattern that is given must match."""

    source: Pattern = Field(default="", description="name of the source; blank: any")
    repository: Pattern = Field(default="", description="`host/org/name`, `org/name` or `name`; blank: any")
    workflow: Pattern = Field(default="", description="name of the workflow or pipeline; blank: any")
    job: Pattern = Field(default="", description="name of a job, which is then the deployment; blank: the run is")
    branch: Pattern = Field(default="", description="branch the run was of; blank: any")
    environment: Text = Field(default="production", description="the environment it deploys to")
    service: str = Field(default="", description="the service it deploys; blank: those of the repository")

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if not (self.workflow or self.job):
            raise ValueError(
                "a rule names at least `workflow` or `job`: without them every CI run would be a deployment"
            )
        return self


class Deployments(Section):
    """What counts as a deployment, and how deployments are told apart."""

    releases: Literal["fallback", "always", "never"] = Field(
        default="fallback",
        description="whether releases and version tags are deployments to production: where nothing else tells of a "
        "repository's deployments (fallback), always, or never",
    )
    rules: tuple[DeploymentRule, ...] = Field(
        default=(),
        description="CI runs or jobs that deploy, beside what sources report as deployments: "
        '[{ workflow = "deploy*", branch = "main", environment = "production" }]; also source, repository, job, '
        "service; a pattern has * and ?, or is a regular expression between slashes",
    )

    fan_out_minutes: int = Field(
        default=60, ge=0, description="the same commit of a service within this time is one rollout, not many"
    )
    hotfix_pattern: Expression = Field(
        default="(^|[^a-z])hot-?fix",
        description="regular expression that marks a hotfix in a branch, label or title in lower case",
    )
    rework_scope: Literal["incident", "incident_or_bug"] = Field(
        default="incident", description="rework repairs incidents only, or user-facing bugs too"
    )


class Changes(Section):
    """What is said about changes."""

    large_lines: int = Field(default=400, gt=0, description="a change of more lines than this counts as large")


class Bots(Section):
    """Which accounts are machines, beside those their source marks as such."""

    patterns: tuple[Text, ...] = Field(
        default=(
            "*[bot]", "dependabot*", "renovate*", "github-actions*", "web-flow", "project_*_bot*", "group_*_bot*",
            "*-bot", "*-ci", "pre-commit-ci*", "greenkeeper*", "snyk-*", "allcontributors*", "semantic-release*",
        ),
        description="logins, names or addresses (* and ? allowed) left out of people metrics",
    )  # fmt: skip
    agents: tuple[Text, ...] = Field(
        default=(
            "copilot", "copilot-*", "*-swe-agent", "devin-ai*", "claude[bot]", "noreply@anthropic.com", "cursoragent*",
            "google-labs-jules*", "openai-codex*",
        ),
        description="the same for AI agents, counted apart from other bots",
    )  # fmt: skip


class Identities(Section):
    """When two accounts are one person, beside what [[people]] says."""

    same_logins: tuple[tuple[Text, ...], ...] = Field(
        default=(), description='groups of sources where an equal login is one person: [["github", "gitlab"]]'
    )
    plus_tag_domains: tuple[Text, ...] = Field(
        default=(), description="mail domains where ada+work@ and ada@ are one mailbox"
    )


class Serve(Section):
    """Where the dashboard listens."""

    port: int = Field(default=8501, gt=0, lt=65536, description="the dashboard's port")
    address: Text = Field(
        default="localhost", description="0.0.0.0 lets other machines in: put a proxy with login before it"
    )


class State(Section):
    """Where it is kept what was pushed, who works on what, and when each source is due."""

    url: SecretStr | None = Field(
        default=None,
        description="postgresql://user:password@host/database; left out: state.sqlite in the data folder",
    )


class Schedule(Section):
    """When the worker reads the sources."""

    every: Annotated[str, AfterValidator(cadence.checked)] = Field(
        default="15m",
        description="how often a source is read that has no `schedule` of its own: 15m, 2h, 1d, a cron expression in "
        'the reporting zone such as "0 6 * * 1-5", or manual',
    )
    stuck_minutes: float = Field(
        default=30, gt=0, description="a scope that brings nothing for this long is given up and named"
    )


class Surveys(Section):
    """How developers are asked, and where their answers are kept."""

    address: Text | None = Field(
        default=None, description="where developers reach the web process, for links: https://metrics.example.org"
    )
    people_csv: Path | None = Field(
        default=None,
        description="whom to ask: address, team, tenure, language, slack (a name is not read); left out: members of "
        "teams with an address",
    )
    url: SecretStr | None = Field(
        default=None,
        description="postgresql://user:password@host/database of the answers, where several machines serve the form; "
        "left out: answers.sqlite in the data folder",
    )
    quiet_days: int = Field(
        default=14, gt=0, description="a wave that another tool collects ends when no answer came for so many days"
    )


class Mail(Section):
    """The server that sends invitations and reports."""

    host: Text | None = Field(default=None, description="name of the SMTP server; left out: no mail is sent")
    port: int = Field(default=587, gt=0, lt=65536, description="its port")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="how the connection is encrypted; none only on the same machine"
    )
    user: str | None = Field(default=None, description="login; left out: none is needed")
    password: SecretStr | None = Field(default=None, description="better in DX_MAIL__PASSWORD")
    sender: Text | None = Field(default=None, description="address that mails come from")


class Slack(Section):
    """The Slack workspace that gets messages."""

    token: SecretStr | None = Field(
        default=None,
        description="bot token with chat:write and users:read.email, better in DX_SLACK__TOKEN; left out: no Slack",
    )
    url: Text = Field(default="https://slack.com/api", description="address of its Web API")


class Reports(Section):
    """Where reports go, beside mail and Slack's own API."""

    address: Text | None = Field(
        default=None,
        description="where people open the dashboard, for links in messages to the archive: https://dx.example.org",
    )
    teams_webhooks: dict[str, SecretStr] = Field(
        default_factory=dict,
        description="addresses of Microsoft Teams' workflows by the names that reports call them, better in "
        'DX_REPORTS__TEAMS_WEBHOOKS: { engineering = "https://..." }',
    )
    slack_webhooks: dict[str, SecretStr] = Field(
        default_factory=dict,
        description="the same for incoming webhooks of Slack and what takes its messages, better in "
        "DX_REPORTS__SLACK_WEBHOOKS",
    )
    store: dict[str, SecretStr] = Field(
        default_factory=dict,
        description="how object stores are reached, better in DX_REPORTS__STORE; left out: as the environment says "
        '(AWS_ACCESS_KEY_ID ...): { endpoint = "https://minio.example.org", access_key_id = "...", '
        'secret_access_key = "..." }',
    )


class CiPrice(Section):
    """What a minute of some CI runners costs."""

    runner: Pattern = Field(default="", description="name of the runner (* and ? allowed); blank: any")
    per_minute: float = Field(ge=0, description="price of a minute, in [cost] currency")


class Cost(Section):
    """What is paid, and who pays for what all share."""

    currency: str | None = Field(
        default=None,
        pattern=r"^[A-Z]{3}$",
        description="the one currency that counts, such as EUR; others are told and never added up; left out: the one "
        "most charges are in",
    )
    kind: Literal["effective", "billed", "list"] = Field(
        default="effective",
        description="which cost counts, in FOCUS's words: effective spreads what was paid in advance; where a source "
        "tells no such cost, billed",
    )
    shared: Literal["usage", "even"] = Field(
        default="usage",
        description="how what all share is split in a month among services, and teams where no service is known: as "
        "they cost themselves (usage), or the same for each (even)",
    )
    ci_prices: tuple[CiPrice, ...] = Field(
        default=(),
        description="prices of CI minutes, the first whose runner matches counts: "
        '[{ runner = "macos-*", per_minute = 0.08 }]; needs currency',
    )

    @model_validator(mode="after")
    def _prices_have_a_currency(self) -> Self:
        if self.ci_prices and self.currency is None:
            raise ValueError("ci_prices need a currency: add currency, such as EUR")
        return self
