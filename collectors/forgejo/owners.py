"""Which team owns a repository, by its CODEOWNERS file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from dxmetrics.errors import NotFoundError

from .api import Place

if TYPE_CHECKING:
    from .repositories import Listed

EVERY = timedelta(days=1)
FILES = ("CODEOWNERS", "docs/CODEOWNERS", ".gitea/CODEOWNERS", ".forgejo/CODEOWNERS")
EVERYTHING = frozenset(
    {".*", "^.*$", ".+", "*", "**", "/*", "/**"}
)  # its rules are regular expressions; not everybody's


def owner_of(place: Place, one: Listed, kept: Mapping[str, Any]) -> Mapping[str, Any]:
    """The owning team, and when and of what it was looked up; again once a day after a change of the repository."""
    changed_at = one.updated_at.isoformat() if one.updated_at else None
    if kept and (kept["of"] == changed_at or one.served_at - datetime.fromisoformat(kept["at"]) < EVERY):
        return kept
    team = None if one.is_empty else owning_team(place)
    return {"team": team, "of": changed_at, "at": one.served_at.isoformat()}


def owning_team(place: Place) -> str | None:
    """The team that owns all of a repository, as `org/team`; None where no file says so."""
    try:
        names = {entry.get("name") for entry in place.entries()}
    except NotFoundError:  # nothing was pushed to it
        return None
    for file in FILES:
        if file.partition("/")[0] in names:
            try:
                return owner_of_everything(place.text(file))
            except NotFoundError:
                continue
    return None


def owner_of_everything(codeowners: str) -> str | None:
    """The team that a CODEOWNERS file gives everything to, by its last rule for all files; None: none, or no team."""
    found = None
    for line in codeowners.splitlines():
        words = line.partition("#")[0].split()
        if words and words[0] in EVERYTHING:
            teams = [word[1:] for word in words[1:] if word.startswith("@") and "/" in word]
            found = teams[0] if teams else None
    return found
