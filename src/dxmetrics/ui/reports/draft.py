"""A report as the builder holds it, and the file it becomes: pure but for `save`."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from dxmetrics.errors import SettingsError
from dxmetrics.reports import library
from dxmetrics.reports.library import ReportFile, Target

if TYPE_CHECKING:
    from dxmetrics.project import Project

BY_HAND = ""
SCHEDULES = {
    "week": {"0 7 * * 1": "Mondays at 7"},
    "month": {"0 7 1 * *": "on the 1st at 7", "0 7 3 * *": "on the 3rd at 7"},
    "quarter": {"0 7 5 1,4,7,10 *": "on the 5th day after a quarter, at 7"},
}
FOR = re.compile(r"(?P<place>.+?)\s+for\s+(?P<teams>.+)")


@dataclass
class Draft:
    """What was chosen so far; `sections` are entries as a file has them. Without a name it has that of its title."""

    name: str = ""
    title: str = "Our delivery"
    about: str = "For whoever wants to know how delivery goes."
    audience: str = "team"
    teams: list[str] = field(default_factory=list)
    period: str = "month"
    sections: list[dict[str, Any]] = field(default_factory=list)
    formats: list[str] = field(default_factory=lambda: ["pdf"])
    schedule: str = BY_HAND
    recipients: str = ""


def of_report(report: ReportFile) -> Draft:
    """A draft that says what a report says."""
    told = report.model_dump(mode="json")
    sections = [{key: value for key, value in one.items() if value is not None} for one in told["sections"]]
    return Draft(
        name=report.name, title=report.title, about=report.about, audience=report.audience, teams=list(report.teams),
        period=report.period, sections=sections, formats=list(report.formats), schedule=report.schedule or BY_HAND,
        recipients="\n".join(map(_line, report.deliver)),
    )  # fmt: skip


def checked(draft: Draft, webhooks: Collection[str] = ()) -> ReportFile:
    """The report that a draft says; SettingsError names what is wrong, each thing in a line."""
    document: dict[str, Any] = {
        "title": draft.title,
        "about": draft.about,
        "audience": draft.audience,
        "teams": draft.teams if draft.audience == "team" else [],
        "period": draft.period,
        "sections": draft.sections,
        "formats": draft.formats,
        "deliver": targets(draft.recipients, webhooks),
    }
    if draft.schedule:
        document["schedule"] = draft.schedule
    return library.parsed(yaml.safe_dump(document), draft.name or name_of(draft.title), "the report")


def targets(text: str, webhooks: Collection[str]) -> list[dict[str, Any]]:
    """Where it goes, from one place a line: an address, #channel, webhook, s3://store, or a folder that ends with /.

    "lead@example.org for Payments, Search" gets the documents of these teams only. SettingsError: a line that is none.
    """
    return [_target(line.strip(), webhooks) for line in text.splitlines() if line.strip()]


def name_of(title: str) -> str:
    """A file's name for a title: "Monthly delivery review" is monthly-delivery-review."""
    plain = unicodedata.normalize("NFKD", title.casefold())
    letters = "".join(one for one in plain if not unicodedata.combining(one))
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-")


def folder_of(project: Project) -> Path | None:
    """Where the project's own reports are kept; None where it has no folder of its own, or it cannot be written."""
    if project.folder not in project.roots:
        return None
    folder = project.folder / library.FOLDER
    there = next((one for one in (folder, *folder.parents) if one.exists()), project.folder)
    return folder if os.access(there, os.W_OK) else None


def save(folder: Path, report: ReportFile) -> Path:
    """Write a report's file, whole or not at all; SettingsError where it cannot be written."""
    file = folder / f"{report.name}.yaml"
    fresh = file.with_suffix(".new")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        fresh.write_text(library.as_yaml(report), encoding="utf-8")
        fresh.replace(file)
    except OSError as error:
        raise SettingsError(f"{file} cannot be written ({error.strerror}): mend its folder's permissions") from error
    return file


def moved(sections: list[dict[str, Any]], place: int, by: int) -> list[dict[str, Any]]:
    """The sections with one of them further up (-1) or down (1)."""
    to = min(max(place + by, 0), len(sections) - 1)
    rest = [one for other, one in enumerate(sections) if other != place]
    return [*rest[:to], sections[place], *rest[to:]]


def _target(line: str, webhooks: Collection[str]) -> dict[str, Any]:
    found = FOR.fullmatch(line)
    place = found["place"] if found else line
    teams = {"teams": [one.strip() for one in found["teams"].split(",")]} if found else {}
    if "://" in place:
        return {"store": place, **teams}
    if "@" in place:
        return {"mail": [place], **teams}
    if place.startswith("#"):
        return {"slack": place, **teams}
    if place in webhooks:
        return {"webhook": place, **teams}
    if place.endswith("/"):
        if Path(place).is_absolute() or ".." in Path(place).parts or place.startswith("~"):
            raise SettingsError(
                f"recipient {place!r} is outside of the project: name a folder in it, such as reports/, or write "
                "another one into the report's file yourself"
            )
        return {"folder": place.rstrip("/"), **teams}
    known = f" ({', '.join(webhooks)})" if webhooks else ""
    raise SettingsError(
        f"recipient {place!r} is not understood: write a mail address, a Slack #channel, the name of a webhook{known}, "
        "a folder with / at its end, or s3://bucket/prefix"
    )


def _line(one: Target) -> str:
    places: Iterable[str] = one.mail or [str(getattr(one, one.channel))]
    suffix = f" for {', '.join(one.teams)}" if one.teams else ""
    end = "/" if one.channel == "folder" else ""
    return "\n".join(f"{place}{end}{suffix}" for place in places)


def without_defaults(entry: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """A section's entry with the options that say more than is said anyway."""
    return {key: value for key, value in entry.items() if key == "section" or value != defaults.get(key)}
