"""A form that is read again and again: what it asks by now, and from when on its responses are read.

Questions are edited, removed and made anew while answers come in. What the settings map is compared with the form at
every look, and what does not fit any more is told by name, with the questions there are.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from dxmetrics.collectors import Page
from dxmetrics.collectors.forms import Answer, AnswerSettings, response
from dxmetrics.collectors.hosts import ApiSettings
from dxmetrics.errors import SettingsError
from dxmetrics.records import SurveyResponse

if TYPE_CHECKING:
    from dxmetrics.collectors import Cursor

OVERLAP = timedelta(hours=1)  # the newest responses come late into a vendor's list
WHOLE_EVERY = timedelta(days=7)  # then all is read again, to find what was deleted there
TITLE = 60  # characters of a question that a message quotes
LISTED = 40  # questions that a message lists
NUMBER = re.compile(r"\s*-?\d+([.,]\d+)?\s*")

Payload = Mapping[str, Any]
Said = Mapping[str, Answer | Sequence[str]]


class FormSettings(ApiSettings, AnswerSettings):
    """How one form of an API is read."""

    form: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")] = Field(description="id of the form")
    since: date | None = Field(default=None, description="nothing handed in earlier is read; left out: all there is")

    @property
    def since_instant(self) -> datetime | None:
        """The first instant that is read; None: all there is."""
        return datetime.combine(self.since, time(), UTC) if self.since else None


@dataclass(frozen=True)
class Question:
    """One question as it is now. `names` are the ids that settings and answers call it by, the first one for people.

    `scale` has the numbers it can be answered with (None: it has no scale), `labels` its choices in the form's own
    language by the vendor's id. `is_free`: it is answered in one's own words; `is_personal`: with who somebody is.
    """

    names: Sequence[str]
    title: str
    scale: range | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    is_free: bool = False
    is_personal: bool = False

    def __str__(self) -> str:
        title = " ".join(self.title.split())
        return f'{self.names[0]} "{title[:TITLE]}{"..." if len(title) > TITLE else ""}"'


class Form:
    """What a form asks now; `hidden` are fields that come with its address."""

    def __init__(self, title: str, questions: Iterable[Question], hidden: Iterable[str] = ()) -> None:
        self.title = title
        self.questions = tuple(questions)
        self.hidden = frozenset(hidden)
        self._by_name = {name: question for question in self.questions for name in question.names}

    def question(self, *names: str | None) -> Question | None:
        """The question that has one of these names; None: it was removed."""
        return next((self._by_name[name] for name in names if name in self._by_name), None)

    def check(self, source: str, settings: AnswerSettings) -> tuple[str, ...]:
        """What a person should know of the settings of `source`: mapped questions that are not asked any more.

        SettingsError where no question that is asked is mapped, or one is that asks who somebody is.
        """
        place = f"[sources.{source}]"
        if not any(name in self._by_name for name in settings.items):
            mapped = f" (but {', '.join(settings.items)})" if settings.items else ""
            raise SettingsError(
                f'{place} items maps no question of the form "{self.title}"{mapped}: set items = {{ "id of the'
                f' question" = "id of the item" }} of {self._list(self.questions)}'
            )
        cohort = {name: key for key in ("team", "tenure") if (name := getattr(settings, key))}
        for name in (*settings.items, *cohort):
            if (asked := self._by_name.get(name)) and asked.is_personal:
                raise SettingsError(
                    f"{place} {cohort.get(name, 'items')} names {asked}, which asks who somebody is: take it out, as"
                    " nothing of a person is read"
                )
        return tuple(self._missing(settings.items, cohort))

    def _missing(self, items: Mapping[str, str], cohort: Mapping[str, str]) -> Iterable[str]:
        unmapped = [one for one in self.questions if not {*items, *cohort} & set(one.names) and not one.is_personal]
        instead = f": if it was made anew, map one of {self._list(unmapped)}" if unmapped else ""
        for name, item in items.items():
            if name not in self._by_name and name not in self.hidden:
                yield (
                    f"question {name} of item {item} is not asked any more; its former answers are still read{instead}"
                )
        for name, key in cohort.items():
            if name not in self._by_name and name not in self.hidden:
                yield f"{name}, which {key} names, is neither a question nor a hidden field any more{instead}"

    def _list(self, questions: Sequence[Question]) -> str:
        more = f" and {len(questions) - LISTED} more" if len(questions) > LISTED else ""
        return (", ".join(map(str, questions[:LISTED])) or "none: the form asks nothing") + more

    def beyond(self, said: Said, settings: AnswerSettings) -> frozenset[str]:
        """The mapped questions answered with a number that their scale does not have: it was another scale then."""
        return frozenset(
            name
            for name in settings.items
            if (asked := self._by_name.get(name)) and asked.scale and _is_outside(said.get(name), asked.scale)
        )

    def response(self, settings: AnswerSettings, ext_id: str, submitted_at: datetime, said: Said) -> dict[str, Any]:
        """A `SurveyResponse` in the record's shape, without the numbers that are beyond their scale."""
        left_out = self.beyond(said, settings)
        row = response(
            settings, ext_id, submitted_at, {name: one for name, one in said.items() if name not in left_out}
        )
        free = {item for name, item in settings.items.items() if (one := self._by_name.get(name)) and one.is_free}
        row["answers"] = [_in_own_words(one) if one["item"] in free else one for one in row["answers"]]
        return row


def _is_outside(answer: object, scale: range) -> bool:
    return isinstance(answer, int | float) and not isinstance(answer, bool) and answer not in scale


def _in_own_words(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """`3 hours a day` is a comment and no 3; what is a number and nothing else stays one."""
    text = answer.get("text")
    if text is None or NUMBER.fullmatch(text):
        return answer
    return {name: value for name, value in answer.items() if name != "number"}


@dataclass(frozen=True)
class Reading:
    """One look at the responses of a form: those handed in from `since` on (None: all there are).

    `is_whole`: all that is read of the form is read again. Then what is not met was deleted there.
    """

    since: datetime | None
    is_whole: bool
    whole_at: datetime
    read_as: str
    beyond: frozenset[str]

    @classmethod
    def of(cls, cursor: Cursor | None, settings: FormSettings, now: datetime) -> Reading:
        """What to read after `cursor`: all at first, once a week, and where the settings read answers otherwise."""
        known, read_as = cursor or {}, _read_as(settings)
        first = settings.since_instant
        whole_at = datetime.fromisoformat(known["whole_at"]) if known.get("read_as") == read_as else None
        if whole_at is None or now - whole_at >= WHOLE_EVERY:
            return cls(first, True, now, read_as, frozenset())
        until = datetime.fromisoformat(known["until"]) - OVERLAP
        return cls(max(until, first or until), False, whole_at, read_as, frozenset(known["beyond"]))

    def cursor(self, until: datetime, beyond: Iterable[str]) -> dict[str, Any]:
        """The cursor after this look, which began at `until` by the server's clock."""
        return {
            "until": until.isoformat(),
            "whole_at": self.whole_at.isoformat(),
            "read_as": self.read_as,
            "beyond": sorted(self.beyond.union(beyond)),
        }

    def notes(self, form: Form, beyond: Iterable[str]) -> tuple[str, ...]:
        """For a person: the questions of which numbers were left out."""
        asked = {name: form.question(name) for name in sorted(self.beyond.union(beyond))}
        return tuple(
            f"question {one}: answers outside {one.scale[0]} to {one.scale[-1]} are left out, as they were given on"
            " another scale: ask on another scale in a new question"
            for one in asked.values()
            if one and one.scale
        )


def pages(
    source: str,
    settings: FormSettings,
    form: Form,
    reading: Reading,
    began_at: datetime,
    listed: Iterable[tuple[Sequence[Payload], bool]],
    *,
    answers: Callable[[Payload], Said | None],
    row: Callable[[Payload, Said], Mapping[str, Any]],
) -> Iterator[Page]:
    """The pages of one look, from those that are `listed`, with whether each is the last one.

    `answers` says what a response answers, None for one that was not handed in; `row` makes a record of it. The cursor
    is with the last page: a look that is broken off is begun again. SettingsError as `Form.check`.
    """
    notes, beyond = form.check(source, settings), set[str]()
    for payloads, is_last in listed:
        said = [(one, answered) for one in payloads if (answered := answers(one)) is not None]
        beyond |= {name for _, answered in said for name in form.beyond(answered, settings)}
        yield Page(
            {SurveyResponse: [row(one, answered) for one, answered in said]},
            reading.cursor(began_at, beyond) if is_last else None,
            snapshot=reading.is_whole,
            is_last=is_last,
            is_mapped=True,
            notes=(*notes, *reading.notes(form, beyond)) if is_last else (),
        )


def _read_as(settings: FormSettings) -> str:
    """A digest of all settings that decide what is made of a response."""
    what = settings.model_dump(mode="json", include={*AnswerSettings.model_fields, "form", "since"})
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]
