"""The configured sources of a project: `[sources.NAME]` sections, each checked by its collector's own settings."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dxmetrics import collectors
from dxmetrics.errors import SettingsError
from dxmetrics.settings import FILE_NAME
from dxmetrics.settings.checking import checked

if TYPE_CHECKING:
    from types import ModuleType

    from dxmetrics.collectors import Collector, SourceSettings
    from dxmetrics.project import Project


@dataclass(frozen=True)
class Source:
    """One `[sources.NAME]` section."""

    name: str
    collector: type[Collector]
    settings: SourceSettings

    @property
    def mappers(self) -> ModuleType:
        """The module whose functions map this source's payloads to records."""
        return _module(self.settings.kind)


def configured(project: Project) -> tuple[Source, ...]:
    """The sources in the file's order; SettingsError for an unknown kind or setting."""
    kinds(project)
    return tuple(_source(project, name) for name in project.settings.sources)


def kinds(project: Project) -> tuple[str, ...]:
    """The kinds that a section of this project can name; from now on its collectors are the ones that are found."""
    collectors.extend_path([root / "collectors" for root in project.roots])
    return collectors.available()


def described(kind: str) -> str:
    """What a kind reads, in one line."""
    return (_module(kind).__doc__ or kind).strip().partition("\n")[0]


def _module(kind: str) -> ModuleType:
    return importlib.import_module(f"dxmetrics.collectors.{kind}")


def _source(project: Project, name: str) -> Source:
    section = project.settings.sources[name]
    place = f"{FILE_NAME}: [sources.{name}]"
    if "kind" not in section:
        raise SettingsError(f"{place} kind is missing: use one of {', '.join(collectors.available())}")
    try:
        collector = collectors.load(str(section["kind"]))
    except SettingsError as error:
        raise SettingsError(f"{place} {error}") from error
    return Source(name, collector, checked(collector.Settings, section, FILE_NAME, at=("sources", name)))
