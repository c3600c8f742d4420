"""A first dx.toml, and dx.example.toml: every setting with its default and one line of why."""

from __future__ import annotations

import csv
import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from dxmetrics import collectors
from dxmetrics.errors import SettingsError
from dxmetrics.settings import FILE_NAME, SECTIONS
from dxmetrics.settings.entries import (
    CapabilityEntry,
    ExemptionEntry,
    MemberEntry,
    PersonEntry,
    ServiceEntry,
    TeamEntry,
)
from dxmetrics.sources import described, kinds

if TYPE_CHECKING:
    from dxmetrics.project import Project

DEPTH = 3  # folders below the project's that are looked into for repositories
HEAD = """\
# Settings of a dxmetrics project: https://toml.io. Every line can be left out; the values here are the defaults.
# A variable DX_SECTION__KEY wins over this file and is the place for secrets: DX_GITHUB__TOKEN is the `token` of
# the section [sources.github].
"""
ENTRIES: tuple[tuple[str, str, type[BaseModel], Mapping[str, Any]], ...] = (
    (
        "services",
        "Deployable components; without any, each repository is one.",
        ServiceEntry,
        {"name": "checkout", "team": "Payments", "repository": "github.com/example/shop", "paths": ["checkout/**"]},
    ),
    (
        "teams",
        "Teams; memberships count as of the day of each event.",
        TeamEntry,
        {
            "name": "Payments",
            "parent": "Product",
            "members": ["ada@example.org", {"person": "Grace Hopper", "valid_from": date(2026, 1, 1)}],
        },
    ),
    (
        "people",
        "People whose accounts are merged whatever their addresses say.",
        PersonEntry,
        {"name": "Grace Hopper", "email": "grace@example.org", "accounts": ["github:grace", "grace@home.example"]},
    ),
    (
        "capabilities",
        "What the platform offers; a pattern has * and ?, or is a regular expression between slashes.",
        CapabilityEntry,
        {
            "name": "environments",
            "title": "Test environments",
            "actions": ["create*"],
            "types": ["service", "website"],
            "excluded": [{"teams": ["Data"], "reason": "Runs on clusters of its own."}],
            "ticket_labels": ["environment-request"],
        },
    ),
    (
        "exemptions",
        "Standards that a service need not meet for a while.",
        ExemptionEntry,
        {
            "standard": "has_owner", "service": "old-*", "until": date(2027, 3, 1),
            "reason": "Handed over in the first quarter.",
        },
    ),
)  # fmt: skip
CSV_COLUMNS: dict[str, type[BaseModel]] = {"people": PersonEntry, "teams": MemberEntry, "services": ServiceEntry}
CSV_KEYS = {"people": "name", "teams": "team", "services": "name"}


@dataclass(frozen=True)
class Found:
    """A git repository: its path relative to the project, and where it was cloned from."""

    path: str
    remote: str | None


def example(project: Project) -> str:
    """The text of dx.example.toml: defaults as they are, sources and entries as comments."""
    sections = [_section(name, model, {}, shows_defaults=True) for name, model in SECTIONS.items()]
    return "\n".join([HEAD, *sections, *map(_source, kinds(project)), *map(_entry, ENTRIES)])


def write(project: Project) -> tuple[Path, tuple[Found, ...], tuple[str, ...]]:
    """Write the folder's dx.toml for what lies around; the file, the repositories and the CSV files it names."""
    folder = project.folder
    file = folder / FILE_NAME
    if file.exists():
        raise SettingsError(f"{file} exists already: edit it, or move it away to start anew")
    repositories, tables = tuple(repositories_below(folder)), tuple(csv_files(folder))
    organisation = {"name": folder.name or "Our organisation"}
    organisation |= {f"{name}_csv": f"{name}.csv" for name in tables}
    sections = [
        _section(name, model, organisation if name == "organisation" else {}, shows_defaults=False)
        for name, model in SECTIONS.items()
    ]
    head = HEAD.replace("the values here are the defaults", "the values in comments are the defaults")
    sources = [_repositories(repositories)] if repositories else []
    others = [_source(kind) for kind in kinds(project) if not (kind == "git" and repositories)]
    try:
        file.write_text("\n".join([head, *sources, *sections, *others, *map(_entry, ENTRIES)]), encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{file} cannot be written ({error.strerror}): choose another folder") from error
    return file, repositories, tables


def repositories_below(folder: Path, depth: int = DEPTH) -> Iterator[Found]:
    """The git repositories in and below `folder`, in order of path; not those inside another one or in data folders."""
    yield from _repositories_in(folder, folder, depth)


def _repositories_in(root: Path, folder: Path, depth: int) -> Iterator[Found]:
    is_bare = (folder / "HEAD").is_file() and (folder / "objects").is_dir()
    if (folder / ".git").exists() or is_bare:
        yield Found(str(folder.relative_to(root)), _remote(folder))
        return
    if depth == 0:
        return
    try:
        below = sorted(path for path in folder.iterdir() if path.is_dir() and not path.is_symlink())
    except PermissionError:
        return  # a folder we may not look into is not ours
    for path in below:
        if not path.name.startswith(".") and path.name not in {"data", "node_modules"}:
            yield from _repositories_in(root, path, depth - 1)


def _remote(folder: Path) -> str | None:
    """Where `origin` is, without any credentials in its URL."""
    asked = ["git", "-C", str(folder), "config", "--get", "remote.origin.url"]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603 - no shell, own words
    except FileNotFoundError:
        return None
    url = done.stdout.strip()
    scheme, separator, rest = url.partition("://")
    return (scheme + separator + rest.rpartition("@")[2] if separator else url) or None


def csv_files(folder: Path) -> Iterator[str]:
    """Which of people.csv, teams.csv and services.csv lie in `folder` with columns we read."""
    for name, model in CSV_COLUMNS.items():
        file = folder / f"{name}.csv"
        if not file.is_file():
            continue
        with file.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
            columns = {column.strip() for column in next(csv.reader(lines), [])}
        if CSV_KEYS[name] in columns and columns <= {*model.model_fields, "team", "parent"}:
            yield name


def _repositories(found: Sequence[Found]) -> str:
    lines = ["[sources.git]", 'kind = "git"', "repositories = ["]
    for one in found:
        remote = f"  # of {one.remote}: a URL also brings pull requests" if one.remote else ""
        lines.append(f"    {json.dumps(one.path)},{remote}")
    return "\n".join([*lines, "]", ""])


def _section(name: str, model: type[BaseModel], values: Mapping[str, Any], *, shows_defaults: bool) -> str:
    lines = [f"# {model.__doc__}", f"[{name}]"]
    for key, field in model.model_fields.items():
        lines.append(f"# {field.description}")
        if key in values:
            lines.append(f"{key} = {_literal(values[key])}")
        else:
            is_active = shows_defaults and field.default is not None
            lines.append(f"{'' if is_active else '# '}{key} = {_literal(_default(field))}")
    return "\n".join([*lines, ""])


def _source(kind: str) -> str:
    collector = collectors.load(kind)
    lines = [f"# {described(kind)}", f"# [sources.{kind}]", f'# kind = "{kind}"']
    for key, field in collector.Settings.model_fields.items():
        if key != "kind":
            lines += [f"# # {field.description}", f"# {key} = {_literal(_default(field))}"]
    return "\n".join([*lines, ""])


def _entry(entry: tuple[str, str, type[BaseModel], Mapping[str, Any]]) -> str:
    name, described, model, values = entry
    lines = [f"# {described}", f"# [[{name}]]"]
    for key, field in model.model_fields.items():
        lines += [f"# # {field.description}", f"# {key} = {_literal(values.get(key, _default(field)))}"]
    return "\n".join([*lines, ""])


def _default(field: FieldInfo) -> Any:
    value = field.get_default(call_default_factory=True, validated_data={})
    return "" if field.is_required() or value is None else value


def _literal(value: Any) -> str:
    """The value in TOML; lists longer than a line go over several only where a person wrote them so."""
    if isinstance(value, BaseModel):
        value = value.model_dump()
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_literal(one)}" for key, one in value.items()) + " }" if value else "{}"
    if isinstance(value, list | tuple | set | frozenset):
        return "[" + ", ".join(_literal(one) for one in value) + "]"
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, date):
        return value.isoformat()
    return json.dumps(str(value), ensure_ascii=False)
