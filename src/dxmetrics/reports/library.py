"""The reports of a project: files of `data/reports/`, each saying for whom it is, of which period, and what is in it.

A file of the user's replaces the built-in one of the same name. A file that cannot be used is refused with the place,
the value and the remedy.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from dxmetrics import cadence
from dxmetrics.errors import SettingsError
from dxmetrics.reports.calendar import Kind
from dxmetrics.reports.render import FORMATS
from dxmetrics.reports.sections import KINDS, AnyEntry
from dxmetrics.settings.checking import unknown
from dxmetrics.state.deliveries import CHANNELS, Channel
from dxmetrics.survey.instrument import parsed as yaml_of

if TYPE_CHECKING:
    from dxmetrics.project import Project

FOLDER = "data/reports"
NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
MAIL = "mail"  # as a format: the letter itself, with nothing attached

Text = Annotated[str, Field(min_length=1)]


def _address(text: str) -> str:
    if not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", text):
        raise ValueError("is no mail address: write it as name@example.org")
    return text


def _format(text: str) -> str:
    if text not in (*FORMATS, MAIL):
        raise ValueError(f"is not a format: use one of {', '.join((*FORMATS, MAIL))}")
    return text


def _cron(text: str) -> str:
    if cadence.checked(text) == cadence.MANUAL or len(text.split()) < 5:
        raise ValueError('is no cron expression: write it as "0 7 3 * *", or leave it out to send by hand only')
    return text


def _store(text: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9+]*://\S+", text):
        raise ValueError("is no address of an object store: write it as s3://bucket/prefix")
    return text


def _entry(given: Any) -> Any:
    """A section by its name alone, or as a mapping with options."""
    return {"section": given} if isinstance(given, str) else given


def _listed(given: Any) -> Any:
    """One value where a list is asked for."""
    return [given] if isinstance(given, str) else given


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Target(_Part):
    """One place that a report is delivered to: exactly one of these is set."""

    mail: Annotated[tuple[Annotated[str, AfterValidator(_address)], ...], BeforeValidator(_listed)] = ()
    slack: Text | None = None  # a channel, through [slack]
    webhook: Text | None = None  # the name of one of [reports] webhooks
    folder: Text | None = None
    store: Annotated[str, AfterValidator(_store)] | None = None
    teams: Annotated[tuple[Text, ...], BeforeValidator(_listed)] = ()  # whose document it gets; left out: every team's

    @property
    def channel(self) -> Channel:
        """Which of them it is."""
        return next(name for name in CHANNELS if getattr(self, name))

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if sum(bool(getattr(self, name)) for name in CHANNELS) != 1:
            raise ValueError(f"an entry names exactly one of {', '.join(CHANNELS)}: write several as several entries")
        return self


class ReportFile(_Part):
    """What a report file says. `name` is the file's."""

    name: str
    title: Text
    about: Text
    audience: Literal["team", "organisation"]
    teams: Annotated[tuple[Text, ...], BeforeValidator(_listed)] = ()
    period: Kind
    sections: Annotated[tuple[Annotated[AnyEntry, BeforeValidator(_entry)], ...], Field(min_length=1)]
    formats: Annotated[
        tuple[Annotated[str, AfterValidator(_format)], ...], BeforeValidator(_listed), Field(min_length=1)
    ] = ("pdf",)
    schedule: Annotated[str, AfterValidator(_cron)] | None = None
    deliver: tuple[Target, ...] = ()

    @model_validator(mode="after")
    def _teams_are_an_audience(self) -> Self:
        if self.teams and self.audience != "team":
            raise ValueError(
                "teams are named, but the audience is the organisation: write audience: team, or leave them out"
            )
        return self


def files_of(project: Project) -> dict[str, Path]:
    """The report files of a project by name."""
    found: dict[str, Path] = {}
    for root in reversed(project.roots):
        found |= {file.stem: file for file in sorted((root / FOLDER).glob("*.yaml"))}
    return {name: found[name] for name in sorted(found)}


def find_all(project: Project) -> dict[str, ReportFile]:
    """Every report by name; SettingsError where a file cannot be used."""
    return {name: load(file) for name, file in files_of(project).items()}


def find(project: Project, name: str) -> ReportFile:
    """The report of this name, whatever is wrong with other files; SettingsError names those there are."""
    files = files_of(project)
    if name not in files:
        close = difflib.get_close_matches(name, files, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise SettingsError(f"report {name!r} is not known: {hint}there are {', '.join(files) or 'none yet'}")
    return load(files[name])


def load(file: Path) -> ReportFile:
    """The report in a file; SettingsError names file, place, value and remedy."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: cannot be read: {error}") from error
    return parsed(text, file.stem, str(file))


def parsed(text: str, name: str, where: str) -> ReportFile:
    """The report that a YAML text says; SettingsError begins with `where`."""
    try:
        document = yaml_of(text)
    except yaml.YAMLError as error:
        raise SettingsError(f"{where}: not valid YAML: {error}") from error
    if not isinstance(document, Mapping):
        raise SettingsError(f"{where}: is no report: it begins with `title:`, `about:` and `audience:`")
    if not NAME.fullmatch(name):
        raise SettingsError(
            f"{where}: name the file with small letters, digits, - and _ only: the name is in addresses"
        )
    try:
        return ReportFile.model_validate({**document, "name": name})
    except ValidationError as error:
        problems = dict.fromkeys(f"{where}: {_told(one)}" for one in error.errors())
        raise SettingsError("\n".join(problems)) from None


def as_yaml(report: ReportFile) -> str:
    """The text of a report's file, with what is left at its default left out."""
    told = report.model_dump(mode="json", exclude={"name"}, exclude_defaults=True)
    sections = []
    for entry in report.sections:
        options = entry.model_dump(mode="json", exclude={"section"}, exclude_defaults=True)
        sections.append({"section": entry.section, **options} if options else entry.section)
    ordered = {
        key: sections if key == "sections" else told[key]
        for key in ReportFile.model_fields
        if key in told or key == "sections"
    }
    return yaml.safe_dump(ordered, sort_keys=False, allow_unicode=True, width=110)


def _told(error: Any) -> str:
    """One problem in a person's words: where, which value, and what to write."""
    place = _place(error["loc"])
    key = str(error["loc"][-1]) if error["loc"] else ""
    if error["type"] == "extra_forbidden":
        return f"{_inside(place)}{unknown(key, _valid(error['loc']), 'known here')}"
    if error["type"] == "missing":
        return f"{place} is missing: add it"
    if error["type"] in ("union_tag_invalid", "union_tag_not_found"):
        given = error["input"]
        name = given.get("section", given) if isinstance(given, Mapping) else given
        return f"{place}: {unknown(str(name), list(KINDS), 'a section')}"
    message = error["msg"].removeprefix("Value error, ")
    message = f"{message[:1].lower()}{message[1:]}"
    return f"{place}: {message}" if isinstance(error["input"], Mapping) else f"{place} = {error['input']!r}: {message}"


def _place(path: tuple[str | int, ...]) -> str:
    """A place in the file: `sections 2, metric`; the name of the section's kind is no key of it."""
    words: list[str] = []
    for place, part in enumerate(path):
        if isinstance(part, int) and words:
            words[-1] = f"{words[-1]} {part + 1}"
        elif not (part in KINDS and place == 2):
            words.append(str(part))
    return ", ".join(words)


def _inside(place: str) -> str:
    """What holds a key that is not known."""
    above = ", ".join(place.split(", ")[:-1])
    return f"{above}: " if above else ""


def _valid(path: tuple[str | int, ...]) -> list[str]:
    """The keys there are where an unknown one stands."""
    if path[0] == "sections" and len(path) > 2:
        return list(KINDS[str(path[2])].model_fields)
    if path[0] == "deliver":
        return list(Target.model_fields)
    return [name for name in ReportFile.model_fields if name != "name"]
