"""What the pages of a survey say by themselves, in the respondent's language: `data/seeds/survey_words.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from dxmetrics.errors import SettingsError
from dxmetrics.project import builtin_root

FILE = "data/seeds/survey_words.toml"
FALLBACK = "en"
RIGHT_TO_LEFT = frozenset({"ar", "dv", "fa", "he", "ku", "ps", "sd", "ug", "ur", "yi"})


@dataclass(frozen=True)
class Phrases:
    """The phrases of one language, and how it writes when something ends."""

    language: str
    texts: Mapping[str, Any]

    def __call__(self, key: str, **values: object) -> str:
        """The phrase of this key with its blanks filled in; KeyError where there is none."""
        return str(self.texts[key]).format(**values)

    def end(self, instant: datetime) -> str:
        """The day and time something ends, in the zone it is given in; of an end at midnight the last day."""
        is_midnight = instant.time() == time()
        last = instant.date() - timedelta(days=is_midnight)
        day = self("day", day=last.day, month=self.texts["months"][last.month - 1], year=last.year)
        return day if is_midnight else self("moment", day=day, time=f"{instant:%H:%M}")


def of_language(language: str, file: Path | None = None) -> Phrases:
    """The phrases of a language, of English where the file has none; of the built-in file unless another is named."""
    known = _read(file or builtin_root() / FILE)
    speaks = next((name for name in (language, language.partition("-")[0]) if name in known), FALLBACK)
    return Phrases(speaks, known[speaks])


def languages(file: Path | None = None) -> Mapping[str, str]:
    """The languages there are phrases in, each with its own name for itself."""
    return {language: str(texts["name"]) for language, texts in _read(file or builtin_root() / FILE).items()}


def direction(language: str) -> str:
    """`rtl` or `ltr`."""
    return "rtl" if language.partition("-")[0] in RIGHT_TO_LEFT else "ltr"


@cache
def _read(file: Path) -> Mapping[str, Mapping[str, Any]]:
    """The phrases by language; what a file does not say is said in the built-in English."""
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{file}: cannot be read: {error}") from error
    builtin = builtin_root() / FILE
    base = document[FALLBACK] if file == builtin else _read(builtin)[FALLBACK]
    return {FALLBACK: base} | {language: {**base, **texts} for language, texts in document.items()}
