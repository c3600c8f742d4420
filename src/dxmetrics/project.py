"""A project: the folder that is worked in, its settings, its data, and where content is found.

A project is any folder with `collectors/ sql/ dashboards/ data/`. The built-in one is the repository's root in a
checkout and `dxmetrics/_builtin` in the wheel; a folder with a `dx.toml` is laid over it. Data of different origins
never mixes:

    dx.toml              data/                      (or what [data] folder says)
    dxmetrics up A B     data/repositories/<key>/   one folder for each list of repositories
    neither              data/sample/

Without a dx.toml, what `dxmetrics up` opened last in a folder is what the other verbs speak of there.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from dxmetrics.errors import SettingsError
from dxmetrics.settings import FILE_NAME, Settings, read, resolve

FOLDER_VARIABLE = "DX_PROJECT"  # names the project's folder, to the dashboard's process and to whoever prefers it
DATA_VARIABLE = "DX_DATA"  # tells the dashboard's process which of the project's data folders `up` filled
SAMPLE = "sample"
SAMPLE_SETTINGS = "data/seeds/sample/settings.toml"
OPENED = "opened.json"  # in the data folder where there is no dx.toml: the repositories `up` opened last
REPOSITORIES_SOURCE = "git"


@dataclass(frozen=True)
class Project:
    """Settings and folders of one run. `roots` are the content roots, the user's before the built-in."""

    folder: Path
    settings: Settings
    data: Path
    roots: tuple[Path, ...]
    is_sample: bool = False
    repositories: tuple[str, ...] = ()

    @classmethod
    def find(cls, folder: Path | None = None, environment: Mapping[str, str] | None = None) -> Project:
        """The project of `folder`, else of `DX_PROJECT`, else of the current folder.

        Without a dx.toml it is what was opened there last (`stay_open`), else the sample.
        """
        environment = os.environ if environment is None else environment
        folder = _folder(folder, environment)
        file = folder / FILE_NAME
        if file.exists():
            settings = read(file, environment)
            roots = tuple(dict.fromkeys((folder, builtin_root())))
            project = cls(folder, settings, folder / settings.data.folder, roots)
        else:
            project = cls._opened(folder, environment)
        told = environment.get(DATA_VARIABLE)
        return replace(project, data=Path(told)) if told else project

    @classmethod
    def sample(cls, folder: Path | None, environment: Mapping[str, str]) -> Project:
        """The built-in sample organisation, with its data below `folder`; its exemptions end some months from now."""
        document = tomllib.loads((builtin_root() / SAMPLE_SETTINGS).read_text(encoding="utf-8"))
        today = datetime.now(UTC).date()
        for exemption in document["exemptions"]:
            exemption["until"] = _months_later(today, exemption.pop("months"))
        project = cls._without_file(_folder(folder, environment), document, environment, SAMPLE)
        return replace(project, is_sample=True)

    @classmethod
    def of_repositories(
        cls, folder: Path | None, repositories: Sequence[str], environment: Mapping[str, str]
    ) -> Project:
        """One git source with `repositories` (URLs or paths, relative to the current folder) and nothing else set."""
        listed = tuple(dict.fromkeys(map(_located, repositories)))
        names = sorted(_short_name(repository) for repository in listed)
        document = {
            "organisation": {"name": ", ".join(map(_short_name, listed))},
            "sources": {REPOSITORIES_SOURCE: {"kind": "git", "repositories": listed}},
        }
        part = f"repositories/{_key(listed, names)}"
        project = cls._without_file(_folder(folder, environment), document, environment, part)
        return replace(project, repositories=listed)

    @classmethod
    def _opened(cls, folder: Path, environment: Mapping[str, str]) -> Project:
        """What was opened last in a folder without dx.toml, else the sample."""
        sample = cls.sample(folder, environment)
        file = folder / sample.settings.data.folder / OPENED
        repositories = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
        return cls.of_repositories(folder, repositories, environment) if repositories else sample

    def stay_open(self) -> None:
        """Make this the project of its folder for later commands, where no dx.toml says what that is."""
        file = self.folder / self.settings.data.folder / OPENED
        if (self.folder / FILE_NAME).exists():
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_suffix(".new")
        fresh.write_text(json.dumps(self.repositories), encoding="utf-8")
        fresh.replace(file)

    @classmethod
    def _without_file(
        cls, folder: Path, document: Mapping[str, object], environment: Mapping[str, str], part: str
    ) -> Project:
        settings = resolve(document, environment, strict=False)
        return cls(folder, settings, folder / settings.data.folder / part, (builtin_root(),))

    def source_folder(self, name: str) -> Path:
        """The folder that source keeps between runs: mirrors, downloads."""
        return self.data / "sources" / name

    @property
    def pages(self) -> tuple[Path, ...]:
        """Every page in order of file name; a file of the user's replaces the built-in one of the same name."""
        found: dict[str, Path] = {}
        for root in reversed(self.roots):
            found |= {file.name: file for file in (root / "dashboards" / "pages").glob("*.py")}
        return tuple(found[name] for name in sorted(found) if not name.startswith("_"))

    def content(self, path: str) -> Path:
        """The file or folder at `path` in the first root that has it; SettingsError if none does."""
        for root in self.roots:
            if (root / path).exists():
                return root / path
        raise SettingsError(f"{path} is in none of {', '.join(map(str, self.roots))}: reinstall dxmetrics")


def builtin_root() -> Path:
    """The folder of the built-in project: in the wheel beside this file, else the repository's root."""
    shipped = Path(__file__).parent / "_builtin"
    return shipped if shipped.is_dir() else Path(__file__).parents[2]


def _folder(named: Path | None, environment: Mapping[str, str]) -> Path:
    folder = (named or Path(environment.get(FOLDER_VARIABLE) or ".")).resolve()
    if not folder.is_dir():
        raise SettingsError(f"{folder}: not a folder: name the folder that holds {FILE_NAME}")
    return folder


def _months_later(today: date, months: int) -> date:
    """The first day of the month so many months after today's."""
    years, month = divmod(today.month - 1 + months, 12)
    return date(today.year + years, month + 1, 1)


def _located(repository: str) -> str:
    """A path made absolute, so that it means the same from anywhere; a URL as it is."""
    path = Path(repository).expanduser().resolve()
    return str(path) if path.exists() or not _is_remote(repository) else repository.rstrip("/")


def _is_remote(repository: str) -> bool:
    return "://" in repository or re.match(r"^[^/\s]+@[^/\s]+:", repository) is not None


def _short_name(repository: str) -> str:
    return re.split(r"[/:]", repository.rstrip("/"))[-1].removesuffix(".git") or repository


def _key(listed: Sequence[str], names: Sequence[str]) -> str:
    """A folder name a person recognises, different for every set of repositories."""
    more = f"-and-{len(names) - 1}-more" if len(names) > 1 else ""
    digest = hashlib.sha256("\n".join(sorted(listed)).encode()).hexdigest()[:8]
    return f"{re.sub(r'[^A-Za-z0-9._-]', '_', names[0])}{more}-{digest}"
