"""Settings: `dx.toml` for people, `DX_SECTION__KEY` for machines and secrets, frozen once read.

`DX_SERVE__PORT=9000` sets `[serve] port`; `DX_GITHUB__TOKEN=...` sets `token` of `[sources.github]`. An environment
variable wins over the file. A key nobody knows is refused by name. Every setting has a default, and its one line of
why is its `description`: `dx.example.toml` and `dxmetrics init` are written from here.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, Field

from dxmetrics import patterns
from dxmetrics.errors import SettingsError
from dxmetrics.settings.checking import Keys, checked, unknown
from dxmetrics.settings.entries import CapabilityEntry, ExemptionEntry, PersonEntry, ServiceEntry, TeamEntry
from dxmetrics.settings.parts import Section
from dxmetrics.settings.sections import (
    Bots,
    Changes,
    Cost,
    Data,
    Deployments,
    Identities,
    Incidents,
    Mail,
    Organisation,
    Production,
    Reports,
    Schedule,
    Serve,
    Slack,
    State,
    Surveys,
)  # fmt: skip

FILE_NAME = "dx.toml"
ENVIRONMENT_PREFIX = "DX_"
PROJECT_SOURCE = "project"  # the source name under which teams, services and people of dx.toml are landed
PUSH_SOURCE = "push"  # the source name of records that were pushed as plain JSON
EVENTS_SOURCE = "cdevents"  # the source name of records that CDEvents tell of


class Settings(Section):
    """Everything that can be set. `sources` is raw: each section is checked by its collector's own settings."""

    of_what: ClassVar[str] = "a section"

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
    reports: Reports = Reports()
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
            raise SettingsError(f"{variable}: {unknown(section, valid, 'a section or a source')}")
    if sources:
        merged["sources"] = sources
    return merged, origins


def _value(text: str, model: type[BaseModel], key: str) -> Any:
    """The variable's text as the setting's type wants it: lists as TOML or separated by commas, tables as TOML."""
    field = model.model_fields.get(key)
    kind = "" if field is None else str(field.annotation).partition("[")[0]
    if kind not in ("tuple", "dict"):
        return text
    if text.lstrip().startswith(("[", "{")):
        try:
            return tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            return text
    return text if kind == "dict" else [part.strip() for part in text.split(",") if part.strip()]


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
