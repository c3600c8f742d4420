"""What comments speak of, found by their words on this machine, and names taken out of what is shown."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from dxmetrics.errors import SettingsError

OTHER = "Other"
NAME = "[name]"
CONTACT = "[contact]"
LEAST = 3  # letters of a part of a name that is looked for; shorter ones are also words

_CONTACTS = re.compile(
    r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"  # mail
    r"|https?://\S+"
    r"|(?<![\w/])@[\w-]+(?:\.[\w-]+)*|<@\w+>"  # handles, as people and as Slack write them
    r"|\+?\d[\d ()/-]{7,}\d"  # telephones
)


class Themes:
    """Themes, and the words by which a comment has them; * stands for any letters, case does not matter."""

    def __init__(self, words: Mapping[str, Sequence[str]]) -> None:
        self._words = words

    @property
    def names(self) -> tuple[str, ...]:
        """Every theme, and `Other`."""
        return (*self._words, OTHER)

    @cached_property
    def _expressions(self) -> dict[str, re.Pattern[str]]:
        return {name: _expression(words) for name, words in self._words.items()}

    def of(self, text: str) -> tuple[str, ...]:
        """The themes of a comment; `Other` where none of their words is in it."""
        return tuple(name for name, pattern in self._expressions.items() if pattern.search(text)) or (OTHER,)


def _expression(words: Sequence[str]) -> re.Pattern[str]:
    """What matches any of these words as a whole: a run of letters, digits and hyphens."""
    any_of = "|".join(re.escape(word).replace(r"\*", r"[\w-]*") for word in words)
    return re.compile(rf"(?<![\w-])(?:{any_of})(?![\w-])", re.IGNORECASE)


def load(file: Path) -> Themes:
    """The themes of a TOML file, `[[themes]]` with name and words each; SettingsError names what is wrong."""
    try:
        document: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
        return Themes({str(theme["name"]): [str(word) for word in theme["words"]] for theme in document["themes"]})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SettingsError(f"{file}: no list of themes ({error}): write [[themes]] with a name and words") from error


def scrub(text: str, names: Collection[str]) -> str:
    """The text without addresses, handles, links, telephone numbers, and the names of people that are known here."""
    without = _CONTACTS.sub(CONTACT, text)
    parts = {part for name in names for part in re.split(r"[\s.,_-]+", name) if len(part) >= LEAST}
    known = sorted({*(name for name in names if len(name) >= LEAST), *parts}, key=len, reverse=True)
    if not known:
        return without
    pattern = r"(?<!\w)(?:" + "|".join(map(re.escape, known)) + r")(?!\w)"
    return re.sub(rf"{pattern}(?:\s+{pattern})*", NAME, without, flags=re.IGNORECASE)
