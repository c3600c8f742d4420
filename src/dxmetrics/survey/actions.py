"""You said, we did: what comes of a survey, by whom and until when, from `data/actions.yaml` of the project."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from dxmetrics.errors import SettingsError
from dxmetrics.survey.instrument import parsed

if TYPE_CHECKING:
    from dxmetrics.project import Project
    from dxmetrics.survey.read import Surveys

FILE = "data/actions.yaml"
SAMPLE = "data/seeds/sample/actions.yaml"

Text = Annotated[str, Field(min_length=1)]
Status = Literal["planned", "doing", "done", "dropped"]


def _name_or_place(wave: str | int) -> str | int:
    """A year without quotes is the name of a yearly wave."""
    return str(wave) if isinstance(wave, int) and wave > 0 else wave


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    survey: Text
    wave: Annotated[str | int, AfterValidator(_name_or_place)] = 0  # its name, or counted back from the newest: 0, -1
    theme: str | None = None
    said: Text
    did: Text
    owner: Text  # a team, never a person
    due_on: date | None = None
    due_weeks: int | None = Field(default=None, ge=0)  # after its wave closed
    status: Status = "planned"


class Action(BaseModel):
    """One thing people said, and what comes of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    survey: str
    wave: str
    theme: str | None
    said: str
    did: str
    owner: str
    due_on: date | None
    status: Status


def of_project(project: Project, surveys: Surveys) -> tuple[Action, ...]:
    """The project's actions, those of the newest wave first, the next one due before later ones; none without a file.

    SettingsError names the entry that is wrong.
    """
    file = project.content(SAMPLE) if project.is_sample else project.folder / FILE
    if not file.exists():
        return ()
    waves = {name: [one.wave for one in surveys.waves(name)] for name in surveys.names()}
    closed = {(one.survey, one.wave): one.closed_on for one in surveys.all()}
    found = []
    for entry in _read(file):
        wave = _wave(entry, waves.get(entry.survey, []))
        if wave is None:
            continue
        closed_on = closed.get((entry.survey, wave))
        weeks = None if entry.due_weeks is None or closed_on is None else timedelta(weeks=entry.due_weeks)
        due_on = closed_on + weeks if closed_on is not None and weeks is not None else entry.due_on
        said = entry.model_dump(exclude={"wave", "due_on", "due_weeks"})
        found.append(Action(**said, wave=wave, due_on=due_on))
    order = {key: place for place, key in enumerate(closed)}
    return tuple(
        sorted(found, key=lambda one: (order.get((one.survey, one.wave), len(order)), one.due_on or date.max, one.said))
    )


def _read(file: Path) -> Sequence[_Entry]:
    try:
        return TypeAdapter(list[_Entry]).validate_python(parsed(file.read_text(encoding="utf-8")) or [])
    except yaml.YAMLError as error:
        raise SettingsError(f"{file}: not valid YAML: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: cannot be read: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise SettingsError(f"{file}: entry {place or 1}: {first['msg']}: see docs/surveys.md") from error


def _wave(entry: _Entry, waves: Sequence[str]) -> str | None:
    """The wave's name; None for one counted back to before the first."""
    if isinstance(entry.wave, str):
        return entry.wave
    return waves[-entry.wave] if 0 <= -entry.wave < len(waves) else None
