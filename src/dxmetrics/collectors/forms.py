"""What sources of survey answers have in common: which question is which item, and which wave an answer belongs to.

An answer leaves a mapping function as a `SurveyResponse` in the record's own shape, and nothing else does: no address,
no name, no time of day. The engine keeps it in the private answers store, never in the warehouse.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field

from dxmetrics.zones import ZoneName

Answer = str | float | bool | None

_LEADING_NUMBER = re.compile(r"(-?\d{1,3})\s*(?:[-–—:=(].*)?", re.DOTALL)  # "4", "4 - Agree", "10 (likely)"


class AnswerSettings(BaseModel):
    """How the answers of a form are read; a source's settings inherit it beside `SourceSettings`."""

    survey: Annotated[str, Field(min_length=1)] = Field(
        description="id of the instrument in data/surveys whose items the form asks"
    )
    wave: Annotated[str, Field(min_length=1)] = Field(
        default="quarter",
        description="quarter, month or year: the one in which it was handed in; any other text: the wave's name",
    )
    items: dict[str, str] = Field(
        description='which question is which item: { "id of the question" = "id of the item" }; others are not read'
    )
    values: dict[str, float] = Field(
        default_factory=dict, description='codes of answers given in words: { "Strongly agree" = 5 }'
    )
    team: str | None = Field(
        default=None, description="question or hidden field whose answer is the team's name; left out: no team is known"
    )
    tenure: str | None = Field(
        default=None, description="question or hidden field whose answer is the band of tenure; left out: none is known"
    )
    comments_may_be_shown: bool = Field(
        default=False, description="whether the form told those who comment that their words may be shown word for word"
    )
    zone: ZoneName = Field(default="UTC", description="time zone in which the day of an answer is told")


def response(
    settings: AnswerSettings,
    ext_id: str,
    submitted_at: datetime | date,
    answers: Mapping[str, Answer | Iterable[str]],
    *,
    language: str | None = None,
) -> dict[str, Any]:
    """A `SurveyResponse` in the record's shape from answers by question: mapped items only, a day instead of a time.

    A naive `submitted_at` is of the declared zone. An answer in words also has the code that `values` gives it,
    or the number it begins with. What was left blank is left out.
    """
    submitted_on = _day(submitted_at, settings.zone)
    return {
        "ext_id": ext_id,
        "survey": settings.survey,
        "wave": wave_of(settings.wave, submitted_on),
        "submitted_on": submitted_on,
        "team": _words(answers.get(settings.team)) if settings.team else None,
        "cohort": _words(answers.get(settings.tenure)) if settings.tenure else None,
        "language": language,
        "answers": [
            {"item": item, "may_share": settings.comments_may_be_shown, **said}
            for question, item in settings.items.items()
            if (said := _said(answers.get(question), settings.values)) is not None
        ],
    }


def wave_of(rule: str, submitted_on: date) -> str:
    """The name of the wave: `2026-Q4`, `2026-11`, `2026`, or the rule itself."""
    if rule == "quarter":
        return f"{submitted_on.year}-Q{(submitted_on.month + 2) // 3}"
    if rule == "month":
        return f"{submitted_on:%Y-%m}"
    return str(submitted_on.year) if rule == "year" else rule


def _day(submitted_at: datetime | date, zone: str) -> date:
    if not isinstance(submitted_at, datetime):
        return submitted_at
    return (submitted_at if submitted_at.tzinfo is None else submitted_at.astimezone(ZoneInfo(zone))).date()


def _words(answer: Answer | Iterable[str]) -> str | None:
    """An answer as text; None for one that was left blank."""
    if answer is None or isinstance(answer, bool | float | int | str):
        text = "" if answer is None else str(answer)
    else:
        text = ", ".join(answer)
    return text.strip() or None


def _said(answer: Answer | Iterable[str], values: Mapping[str, float]) -> dict[str, Any] | None:
    """What was answered as a number, as text, or as both: the item says which it takes. None for a blank."""
    if isinstance(answer, bool | int | float):
        return {"number": float(answer)}
    words = _words(answer)
    if words is None:
        return None
    codes = {label.casefold().strip(): code for label, code in values.items()}
    if words.casefold() in codes:
        return {"number": codes[words.casefold()], "text": words}
    number = _LEADING_NUMBER.fullmatch(words)
    return {"text": words} if number is None else {"number": float(number[1]), "text": words}
