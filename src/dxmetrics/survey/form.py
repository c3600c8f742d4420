"""The pages a respondent sees: plain HTML that needs no script, no cookie and nothing from elsewhere.

Each function returns one whole page. Texts of the survey come from its instrument, all others from `phrases`. The one
script keeps a draft in the browser; `CONTENT_POLICY` allows that and the one style sheet by their hashes, and nothing
else.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from jinja2 import DictLoader, Environment, StrictUndefined

from dxmetrics.survey import phrases
from dxmetrics.survey.instrument import OWN, Instrument, Item
from dxmetrics.survey.receiving import NOT_APPLICABLE, SHARE, TOO_LONG

TEMPLATES = Path(__file__).with_name("templates")
SECONDS = {"likert": 7, "recommend": 8, "choice": 8, "text": 30}  # to read and answer one item of its kind
ROW = 6  # points of a scale that fit beside each other on a phone

Refusal = Literal["forged", "expired", "used", "closed", "unavailable", "too_large"]


@dataclass(frozen=True)
class Asked:
    """A survey as one link asks it. Both instants are in the zone they are shown in."""

    instrument: Instrument
    token: str
    until: datetime  # when the link or the wave ends, whichever is first
    closes_at: datetime
    team: str | None = None
    tenure: str | None = None


def render(
    asked: Asked,
    language: str,
    fields: Mapping[str, str] | None = None,
    problems: Mapping[str, str] | None = None,
    words: Path | None = None,
) -> str:
    """The survey. `fields` are answers to show, as a form would send them; `problems` are those of AnswersRefused."""
    return _survey(asked.instrument, language, words, asked, fields or {}, problems or {})


def preview(instrument: Instrument, language: str, words: Path | None = None) -> str:
    """The survey as respondents will see it, with nowhere to send it to."""
    return _survey(instrument, language, words, None, {}, {})


def preselected(instrument: Instrument, query: Mapping[str, str]) -> dict[str, str]:
    """The answers that a link such as `?build_speed_v1=4` proposes; what is no answer of the survey is left out."""
    return {
        item.id: query[item.id]
        for item in instrument.items
        if item.id in query and query[item.id] in {value for value, _ in _choices(instrument, item, "")}
    }


def sent(instrument: Instrument, posted: Mapping[str, str]) -> dict[str, str]:
    """What the form sent, under the names `receiving.read_form` reads.

    The page calls a question by its place, for its size; who posts without it may as well use the item's id.
    """
    fields: dict[str, str] = {}
    for place, item in enumerate(instrument.items, 1):
        for prefix in ("", SHARE):
            said = posted.get(f"{prefix}{place}") or posted.get(prefix + item.id)
            if said:
                fields[prefix + item.id] = said
    return fields


def thanks(asked: Asked, language: str, code: str, words: Path | None = None) -> str:
    """After sending: the code to withdraw with, and what happens next."""
    return _page("thanks.html", language, words, asked=asked, code=code, draft=draft_key(asked.token))


def about(asked: Asked, language: str, words: Path | None = None) -> str:
    """What the respondent's lead will see, what is kept, and what nobody can promise."""
    instrument = asked.instrument
    item = next((item for item in instrument.items if item.type == "likert"), instrument.items[0])
    sources = dict.fromkeys(item.source for item in instrument.items if item.source.name != OWN)
    example = _example(instrument.privacy.k_cell)
    return _page("about.html", language, words, asked=asked, item=item, example=example, sources=list(sources))


def withdrawal(language: str, code: str = "", *, is_unknown: bool = False, words: Path | None = None) -> str:
    """Where a code is entered; `is_unknown`: the one that was entered belongs to no answers."""
    return _page("withdrawal.html", language, words, code=code, is_unknown=is_unknown)


def withdrawn(language: str, words: Path | None = None) -> str:
    """After a response was withdrawn."""
    return _page("notice.html", language, words, what="withdrawn")


def refused(why: Refusal, language: str, token: str | None = None, words: Path | None = None) -> str:
    """Why a link or a request answers nothing. With a `token` the browser forgets the draft of it."""
    return _page("notice.html", language, words, what=why, draft=draft_key(token) if token else None)


def draft_key(token: str) -> str:
    """The name under which the browser keeps a draft, from which nobody finds the link."""
    return "dx-" + hashlib.sha256(b"draft\0" + token.encode()).hexdigest()[:16]


def _survey(
    instrument: Instrument,
    language: str,
    words: Path | None,
    asked: Asked | None,
    fields: Mapping[str, str],
    problems: Mapping[str, str],
) -> str:
    return _page(
        "survey.html",
        language,
        words,
        instrument=instrument,
        asked=asked,
        draft=draft_key(asked.token) if asked else None,
        fields=fields,
        problems=problems,
        questions=[_question(instrument, str(place), item, language) for place, item in enumerate(instrument.items, 1)],
        minutes=round(sum(SECONDS[item.type] for item in instrument.items) / 60),  # 0: less than one
        own_names=phrases.languages(words),
    )


@dataclass(frozen=True)
class _Question:
    """One item as it is drawn."""

    name: str
    item: Item
    text: str
    choices: Sequence[tuple[str, str]]  # what is sent, and what it reads
    low: str  # what the first and the last point mean
    high: str
    legend: str  # what every point means, where the scale says so
    layout: str  # style class of the choices
    has_na: bool


def _question(instrument: Instrument, name: str, item: Item, language: str) -> _Question:
    text, choices = item.text.of(language), _choices(instrument, item, language)
    if item.scale is None:
        return _Question(name, item, text, choices, "", "", "", "o", has_na=False)
    scale = instrument.scale_of(item)
    points = choices[: len(scale.codes)]
    labels = [words.of(language) for words in scale.labels]
    low, high = (scale.ends.low.of(language), scale.ends.high.of(language)) if scale.ends else (labels[0], labels[-1])
    legend = (
        " · ".join(f"{code}\N{NO-BREAK SPACE}{label}" for code, label in zip(scale.codes, labels, strict=True))
        if labels
        else ""
    )
    layout = "" if len(points) <= ROW else "w4" if len(points) <= 8 else "w6"
    return _Question(name, item, text, points, low, high, legend, layout, has_na=scale.na)


def _choices(instrument: Instrument, item: Item, language: str) -> list[tuple[str, str]]:
    """What can be chosen, "does not apply" last; nothing for a text."""
    if item.scale is None:
        return [(name, words.of(language)) for name, words in item.options.items()]
    scale = instrument.scale_of(item)
    return [(str(code), str(code)) for code in scale.codes] + ([(NOT_APPLICABLE, "")] if scale.na else [])


def _example(k: int) -> list[tuple[str, int | None, int | None]]:
    """Four invented teams: percent and answers, None for the hidden ones. C is too small, and D hides it."""
    large, middle, rest, small = 3 * k + 1, 2 * k + 2, k + 2, k - 1
    agree = {"A": round(0.7 * large), "B": round(0.4 * middle)}
    whole = sum(agree.values()) + round(0.55 * (rest + small))
    everybody = large + middle + rest + small
    return [
        ("", round(100 * whole / everybody), everybody),
        ("A", round(100 * agree["A"] / large), large),
        ("B", round(100 * agree["B"] / middle), middle),
        ("C", None, None),
        ("D", None, None),
    ]


def _page(template: str, language: str, words: Path | None, *, draft: str | None = None, **values: Any) -> str:
    say = phrases.of_language(language, words)
    return _ENVIRONMENT.get_template(template).render(
        say=say, language=language, direction=phrases.direction(language), draft=draft, **values
    )


def _source(name: str) -> str:
    """A file of the templates without what only its readers need; a page is to be small."""
    text = (TEMPLATES / name).read_text(encoding="utf-8")
    if name.endswith(".css"):
        text = re.sub(r"\s+", " ", re.sub(r"/\*.*?\*/", "", text))
        return re.sub(r" ?([{};,~]) ?|(?<=:) ", r"\1", text).strip()
    if name.endswith(".js"):
        text = re.sub(r"\s*//.*", "", text)
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())


def _hash(source: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"


_STYLE, _SCRIPT = _source("survey.css"), _source("draft.js")
CONTENT_POLICY = (
    f"default-src 'none'; style-src {_hash(_STYLE)}; script-src {_hash(_SCRIPT)}; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_ENVIRONMENT = Environment(
    loader=DictLoader({file.name: _source(file.name) for file in sorted(TEMPLATES.glob("*.html"))}),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
)
_ENVIRONMENT.globals.update(style=_STYLE, script=_SCRIPT, share=SHARE, not_applicable=NOT_APPLICABLE, too_long=TOO_LONG)
for _name in _ENVIRONMENT.list_templates():
    _ENVIRONMENT.get_template(_name)  # compiled now, so that the first to open a survey does not wait for it
