"""Settings: `dx.toml` for people, `DX_SECTION__KEY` for machines and secrets, frozen once read.

`DX_SERVE__PORT=9000` sets `[serve] port`; `DX_GITHUB__TOKEN=...` sets `token` of `[sources.github]`. An environment
variable wins over the file. A key nobody knows is refused by name. Every setting has a default, and its one line of
why is its `description`: `dx.example.toml` and `dxmetrics init` are written from here.
"""

import difflib
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from dxmetrics import cadence, patterns
from dxmetrics.errors import SettingsError
from dxmetrics.zones import ZoneName

FILE_NAME = "dx.toml"
ENVIRONMENT_PREFIX = "DX_"
PROJECT_SOURCE = "project"  # the source name under which teams, services and people of dx.toml are landed
PUSH_SOURCE = "push"  # the source name of records that were pushed as plain JSON
EVENTS_SOURCE = "cdevents"  # the source name of records that CDEvents tell of

Model = TypeVar("Model", bound=BaseModel)
Keys = tuple[str | int, ...]
Text = Annotated[str, Field(min_length=1)]


def _regular_expression(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"is not a regular expression ({error})") from None
    return pattern


def _pattern(text: str) -> str:
    if patterns.is_expression(text):
        _regular_expression(text[1:-1])
    return text


Pattern = Annotated[str, AfterValidator(_pattern)]


class Section(BaseModel):
    """What every section has: it cannot change once read, and refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


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
    severity_pattern: Annotated[str, AfterValidator(_regular_expression)] = Field(
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
    hotfix_pattern: Annotated[str, AfterValidator(_regular_expression)] = Field(
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


class Settings(Section):
    """Everything that can be set. `sources` is raw: each section is checked by its collector's own settings."""

    organisation: Organisation = Organisation()
    data: Data = Data()
    production: Production = Production()
    incidents: Incidents = Incidents()
    deployments: Deployments = Deployments()
    changes: Changes = Changes()
    bots: Bots = Bots()
    identities: Identities = Identities()
    serve: Serve = Serve()
    schedule: Schedule = Schedule()
    state: State = State()
    surveys: Surveys = Surveys()
    mail: Mail = Mail()
    slack: Slack = Slack()
    cost: Cost = Cost()
    sources: dict[str, dict[str, Any]] = Field(default_factory=dict, repr=False)  # may hold secrets
    services: tuple[ServiceEntry, ...] = ()
    teams: tuple[TeamEntry, ...] = ()
    people: tuple[PersonEntry, ...] = ()
    capabilities: tuple[CapabilityEntry, ...] = ()
    exemptions: tuple[ExemptionEntry, ...] = ()


SECTIONS: dict[str, type[Section]] = {
    name: field.annotation
    for name, field in Settings.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, Section)
}


def read(file: Path, environment: Mapping[str, str]) -> Settings:
    """The settings of `file` with `DX_*` variables over them; SettingsError names what cannot be used."""
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file}: not valid TOML: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: cannot be read: {error}") from error
    return resolve(document, environment, file.name)


def resolve(
    document: Mapping[str, Any], environment: Mapping[str, str], where: str = FILE_NAME, *, strict: bool = True
) -> Settings:
    """The settings of a parsed document and the environment.

    Not `strict`: a variable of a source that this document does not configure is left alone. That is how a token
    exported for one project does not stop a sample or a plain repository from being looked at.
    """
    merged, origins = _with_environment(document, environment, strict=strict)
    settings = checked(Settings, merged, where, origins)
    reserved = {*Settings.model_fields, PROJECT_SOURCE, PUSH_SOURCE, EVENTS_SOURCE}
    for name in settings.sources:
        if name.lower() in reserved:
            raise SettingsError(f"{where}: [sources.{name}]: a source cannot have this name: it is taken")
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name):
            raise SettingsError(f"{where}: [sources.{name!r}]: a source's name has letters, digits, - and _ only")
    twice = [name for name, count in Counter(one.name.lower() for one in settings.capabilities).items() if count > 1]
    if twice:
        raise SettingsError(f"{where}: [[capabilities]]: {', '.join(twice)} is there twice: name each one once")
    return settings


def _with_environment(
    document: Mapping[str, Any], environment: Mapping[str, str], *, strict: bool
) -> tuple[dict[str, Any], dict[Keys, str]]:
    """The document with environment variables laid over it, and which variable each such value came from."""
    merged = {key: dict(value) if isinstance(value, Mapping) else value for key, value in document.items()}
    written = merged.get("sources")
    sources: dict[str, Any] = {
        name: dict(value) if isinstance(value, Mapping) else value
        for name, value in (written if isinstance(written, dict) else {}).items()
    }
    by_variable = {name.lower().replace("-", "_"): name for name in sources}
    origins: dict[Keys, str] = {}
    for variable in sorted(environment):
        if not variable.startswith(ENVIRONMENT_PREFIX) or "__" not in variable:
            continue
        section, _, key = variable.removeprefix(ENVIRONMENT_PREFIX).lower().partition("__")
        if section in by_variable:
            name = by_variable[section]
            if isinstance(sources[name], dict):
                sources[name][key] = environment[variable]
                origins["sources", name, key] = variable
        elif section in SECTIONS:
            if isinstance(merged.setdefault(section, {}), dict):  # else the file's mistake is reported, not this
                merged[section][key] = _value(environment[variable], SECTIONS[section], key)
                origins[section, key] = variable
        elif strict:
            valid = [*SECTIONS, *sorted(by_variable)]
            raise SettingsError(f"{variable}: {_unknown(section, valid, 'a section or a source')}")
    if sources:
        merged["sources"] = sources
    return merged, origins


def _value(text: str, model: type[BaseModel], key: str) -> Any:
    """The variable's text as the setting's type wants it: lists as TOML or separated by commas, else the text."""
    field = model.model_fields.get(key)
    if field is None or not str(field.annotation).startswith("tuple"):
        return text
    if text.lstrip().startswith("["):
        try:
            return tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            return text
    return [part.strip() for part in text.split(",") if part.strip()]


def checked(
    model: type[Model], value: Mapping[str, Any], where: str, origins: Mapping[Keys, str] | None = None, at: Keys = ()
) -> Model:
    """`value` as `model`; SettingsError with one line per problem, each naming section, key, value and remedy."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        lines = [_problem(model, detail, where, origins or {}, at) for detail in error.errors()]
        raise SettingsError("\n".join(dict.fromkeys(lines))) from None  # the cause repeats values, secrets too


def _problem(model: type[BaseModel], detail: ErrorDetails, where: str, origins: Mapping[Keys, str], at: Keys) -> str:
    path: Keys = (*at, *detail["loc"])
    origin = origins.get(path[:3]) or origins.get(path[:2]) or where
    named = f"{origin}: {_place(path)}"
    owner = _model_at(model, detail["loc"][:-1])
    key = str(path[-1])
    if detail["type"] == "extra_forbidden":
        kind = "a section" if owner is Settings else "a setting"
        unknown = _unknown(key, list(owner.model_fields) if owner else [], kind)
        return " ".join(filter(None, [f"{origin}:", _place(path[:-1]), unknown]))
    if detail["type"] == "missing":
        return f"{named} is missing: add it"
    message = detail["msg"].removeprefix("Value error, ")
    field = owner.model_fields.get(key) if owner else None
    if field and "Secret" in str(field.annotation):
        return f"{named}: {message}"
    return f"{named} = {detail['input']!r}: {message[:1].lower()}{message[1:]}"


def _unknown(key: str, valid: Sequence[str], kind: str) -> str:
    close = difflib.get_close_matches(key, valid, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"{key!r} is not {kind}: {hint}valid: {', '.join(valid)}"


def _place(path: Keys) -> str:
    """A path as a person finds it in the file: `[serve] port`, `[sources.git] tags`, `[[teams]] number 2 name`."""
    if not path:
        return ""
    section, rest = f"[{path[0]}]", path[1:]
    if path[0] == "sources" and rest:
        section, rest = f"[sources.{rest[0]}]", rest[1:]
    elif rest and isinstance(rest[0], int):
        section, rest = f"[[{path[0]}]] number {rest[0] + 1}", rest[1:]
    return " ".join([section, *(f"number {key + 1}" if isinstance(key, int) else key for key in rest)])


def _model_at(model: type[BaseModel], path: Iterable[str | int]) -> type[BaseModel] | None:
    """The model that holds the keys at `path`, looking through tuples and unions."""
    found: type[BaseModel] | None = model
    for part in path:
        if isinstance(part, int) or found is None or part not in found.model_fields:
            continue
        found = next(_models_in(found.model_fields[part].annotation), None)
    return found


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def variables(settings: Settings) -> dict[str, Any]:
    """The SQL variables that core models read by `getvariable`: the organisation's choices."""
    return {
        "production_pattern": patterns.of_globs(settings.production.environments),
        "bot_pattern": patterns.of_globs((*settings.bots.patterns, *settings.bots.agents)),
        "incident_label_pattern": patterns.of_globs(settings.incidents.labels),
        "incident_type_pattern": patterns.of_globs(settings.incidents.types),
        "severity_pattern": settings.incidents.severity_pattern,
        "release_deployments": settings.deployments.releases,
        "incident_severities": list(settings.incidents.severities) or None,
        "incident_window_hours": settings.incidents.window_hours,
        "fan_out_minutes": settings.deployments.fan_out_minutes,
        "hotfix_pattern": settings.deployments.hotfix_pattern,
        "rework_scope": settings.deployments.rework_scope,
        "large_change_lines": settings.changes.large_lines,
        "reporting_zone": settings.organisation.reporting_zone,
        "cost_currency": settings.cost.currency,
        "cost_kind": settings.cost.kind,
        "cost_shared": settings.cost.shared,
        "ci_runners": [patterns.expression(one.runner) or "" for one in settings.cost.ci_prices],
        "ci_prices": [one.per_minute for one in settings.cost.ci_prices],
    }
