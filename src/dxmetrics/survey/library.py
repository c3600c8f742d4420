"""The instruments of a project, and whether they mean the same by the same item.

An item's id stands for its wording: answers of two waves are compared only because the same id means the same words.
So a changed wording is a new id, and `require_same_wording` refuses anything else.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dxmetrics.errors import SettingsError
from dxmetrics.survey.instrument import Instrument, Item, Scale, Words, load

if TYPE_CHECKING:
    from dxmetrics.project import Project

FOLDER = "data/surveys"


def files_of(project: Project) -> tuple[Path, ...]:
    """The instrument files of a project, by name; one of the user's replaces the built-in one of the same name."""
    found: dict[str, Path] = {}
    for root in reversed(project.roots):
        found |= {file.name: file for file in (root / FOLDER).glob("*.yaml")}
    return tuple(found[name] for name in sorted(found))


def of_project(project: Project) -> dict[str, Instrument]:
    """The instruments of a project by survey id; SettingsError where one is wrong, or two do not fit together."""
    found = {file: load(file) for file in files_of(project)}
    by_id: dict[str, Instrument] = {}
    for file, instrument in found.items():
        if instrument.survey.id in by_id:
            raise SettingsError(f"{file}: survey {instrument.survey.id} is in another file too: give it another id")
        for other in by_id.values():
            require_same_wording(instrument, other, str(file))
        by_id[instrument.survey.id] = instrument
    return by_id


def require_same_wording(instrument: Instrument, other: Instrument, where: str) -> None:
    """Raise SettingsError where an item of `instrument` means something else than the item of that id in `other`."""
    known = {item.id: item for item in other.items}
    for item in instrument.items:
        before = known.get(item.id)
        if before is None:
            continue
        changed = _changed(instrument, item, other, before)
        if changed:
            raise SettingsError(
                f"{where}: item {item.id} has another {changed} than in {other.survey.id} version "
                f"{other.survey.version}: answers could not be compared any more: give the new wording a new id"
            )


def _changed(instrument: Instrument, item: Item, other: Instrument, before: Item) -> str | None:
    """What of an item's meaning is different; a language that only one of them speaks is not."""
    if item.type != before.type or item.reverse != before.reverse:
        return "type"
    ours, theirs = instrument.survey.languages[0], other.survey.languages[0]
    if _differ(item.text, ours, before.text, theirs):
        return "wording"
    if item.scale and not _same_points(instrument.scale_of(item), other.scale_of(before)):
        return "scale"
    return None


def _same_points(scale: Scale, other: Scale) -> bool:
    fields = ("min", "max", "favourable", "promoters", "detractors")
    return all(getattr(scale, field) == getattr(other, field) for field in fields)


def _differ(words: Words, language: str, before: Words, language_before: str) -> bool:
    ours = {name or language: text for name, text in words.texts.items()}
    theirs = {name or language_before: text for name, text in before.texts.items()}
    return any(ours[name] != theirs[name] for name in ours.keys() & theirs.keys())
