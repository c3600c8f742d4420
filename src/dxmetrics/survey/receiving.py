"""Taking in a response: three commits in two stores, in an order that loses nothing and joins nothing.

First the response is kept, not counting yet; then its link is spent, which one of many at once manages; then the
response counts and forgets the link. A process that ends in between leaves a response that `Answers.settle` decides on.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from dxmetrics.errors import AnswersRefused, LinkRefused
from dxmetrics.survey import links
from dxmetrics.survey.answers import Comment, Given
from dxmetrics.survey.instrument import Instrument, Item
from dxmetrics.survey.links import Link

if TYPE_CHECKING:
    from dxmetrics.state import State, Wave
    from dxmetrics.survey.answers import Answers

NOT_APPLICABLE = "na"  # what a form sends for "I don't know, or it does not apply"
SHARE = "share-"  # before an item's id: its comment may be shown word for word

MISSING = "missing"
NOT_A_CHOICE = "not_a_choice"
TOO_LONG = "too_long"
EMPTY = "empty"  # nothing was answered at all; told of the first item


def opened(state: State, token: str, now: datetime) -> tuple[Wave, Instrument, Link]:
    """The wave of a link with its instrument, and what the link says. Nothing is changed: a scanner may look.

    LinkRefused: forged, expired, used, or its wave is closed.
    """
    wave = state.waves.get(links.wave_of(token))
    if wave is None:
        raise LinkRefused("forged", links.FORGED)
    key = state.waves.key(wave.id)
    if key is None:
        raise LinkRefused("closed", links.CLOSED)
    link = links.verify(key, token, now)
    if link.wave != wave.id or wave.cohort(link.cohort) is None:
        raise LinkRefused("forged", links.FORGED)
    if now >= wave.closes_at:
        raise LinkRefused("closed", links.CLOSED)
    spent = links.digest(link.nonce)
    if state.waves.spent(wave.id, [spent]):
        raise LinkRefused("used", links.USED)
    return wave, Instrument.from_json(wave.instrument), link


def receive(state: State, answers: Answers, token: str, given: Given, now: datetime) -> str:
    """Keep a response for good; the code with which its writer can withdraw it. LinkRefused as `opened`."""
    wave, instrument, link = opened(state, token, now)
    cohort = wave.cohort(link.cohort)
    spent = links.digest(link.nonce)
    code, attempt = answers.pend(
        wave.survey,
        wave.name,
        given,
        submitted_on=_day(wave, instrument, now),
        team=cohort.team if cohort else None,
        tenure=cohort.tenure if cohort else None,
    )
    if not state.waves.spend(wave.id, spent, link.cohort, attempt):
        answers.drop(code)
        raise LinkRefused("used", links.USED)
    answers.confirm(code)
    return code


def read_form(instrument: Instrument, fields: Mapping[str, str], language: str | None = None) -> Given:
    """What a form sent in, by the instrument's items; unknown fields are not read.

    AnswersRefused has, by item, `missing`, `not_a_choice` or `too_long`; `empty` where nothing was answered.
    """
    answers: dict[str, int | str | None] = {}
    comments: list[Comment] = []
    problems: dict[str, str] = {}
    for item in instrument.items:
        said = fields.get(item.id, "").strip()
        if not said:
            if item.required:
                problems[item.id] = MISSING
        elif item.type == "text":
            text = said.replace("\r\n", "\n")
            if len(text) > item.max_chars:
                problems[item.id] = TOO_LONG
            comments.append(Comment(item.id, text, may_share=item.share_optin and bool(fields.get(SHARE + item.id))))
        elif said in _choices(instrument, item):
            answers[item.id] = _choices(instrument, item)[said]
        else:
            problems[item.id] = NOT_A_CHOICE
    if not problems and not answers and not comments:
        problems[instrument.items[0].id] = EMPTY
    if problems:
        raise AnswersRefused(problems)
    return Given(answers, tuple(comments), language)


def _choices(instrument: Instrument, item: Item) -> Mapping[str, int | str | None]:
    """What a form may send for an item, and what it means."""
    if item.type == "choice":
        return {name: name for name in item.options}
    scale = instrument.scale_of(item)
    return {str(code): code for code in scale.codes} | ({NOT_APPLICABLE: None} if scale.na else {})


def _day(wave: Wave, instrument: Instrument, now: datetime) -> date:
    """The day of a response; of a triggered question, which few are asked on a day, the first of its wave."""
    return (wave.opened_at if instrument.triggers else now).astimezone(UTC).date()
