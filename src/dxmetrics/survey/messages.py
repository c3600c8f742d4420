"""What an invitation or a reminder says, in the language of whoever gets it: `data/seeds/survey_mail.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from html import escape
from pathlib import Path
from typing import Literal

from dxmetrics.errors import SettingsError
from dxmetrics.notify import slack
from dxmetrics.survey import phrases
from dxmetrics.survey.instrument import Instrument

FILE = "data/seeds/survey_mail.toml"
Kind = Literal["invite", "remind"]

HTML = """\
<!doctype html>
<html lang="{language}" dir="{direction}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title></head>
<body style="margin:0;padding:24px;font:16px/1.5 system-ui,sans-serif;color:#14171f;background:#ffffff">
<div style="max-width:34em">
<h1 style="font-size:22px;line-height:1.25;margin:0 0 16px">{title}</h1>
{before}
<p style="margin:24px 0"><a href="{url}" style="display:inline-block;padding:12px 24px;border-radius:8px;\
background:#4f46e5;color:#ffffff;text-decoration:none;font-weight:600">{button}</a></p>
{after}
</div>
</body>
</html>
"""
PARAGRAPH = '<p style="margin:0 0 12px">{}</p>'
NOTE = '<p style="margin:0 0 12px;color:#667085;font-size:14px">{}</p>'


@dataclass(frozen=True)
class Message:
    """One message in the forms it can be sent in; `slack` is mrkdwn."""

    subject: str
    text: str
    html: str
    slack: str


def language_of(instrument: Instrument, wanted: str | None) -> str | None:
    """The language of the survey that somebody reads, None where it does not speak any of theirs."""
    if wanted is None:
        return None
    spoken = instrument.survey.languages
    return next((one for one in (wanted, wanted.partition("-")[0]) if one in spoken), None)


def message(file: Path, instrument: Instrument, kind: Kind, url: str, until: datetime, language: str | None) -> Message:
    """The message with this link, which answers `until` then; that is told in the zone it is given in."""
    spoken = language or instrument.survey.languages[0]
    say = _Texts(file, spoken)
    survey = instrument.survey
    title = survey.title.of(spoken)
    intro = [survey.intro.of(spoken)] if survey.intro else []
    before = [say("remind"), *intro] if kind == "remind" else intro
    notes = [
        say("until", moment=phrases.of_language(spoken).end(until)),
        say("personal"),
        say("kept", k=instrument.privacy.k_cell),
        say("choice"),
        *([say("contact", contact=survey.contact)] if survey.contact else []),
    ]
    return Message(
        subject=_one_line(say("remind_subject", title=title) if kind == "remind" else title),
        text="\n\n".join([title, *before, url, *notes]) + "\n",
        html=HTML.format(
            language=escape(spoken),
            direction=phrases.direction(spoken),
            title=escape(title),
            before="\n".join(PARAGRAPH.format(escape(one)) for one in before),
            url=escape(url),
            button=escape(say("button")),
            after="\n".join(NOTE.format(escape(one)) for one in notes),
        ),
        slack="\n\n".join(
            [
                f"*{slack.escaped(_one_line(title))}*",
                *map(slack.escaped, before),
                slack.link(url, say("button")),
                *map(slack.escaped, notes),
            ]
        ),
    )


class _Texts:
    """The texts of one language, of English where the file has none."""

    def __init__(self, file: Path, language: str) -> None:
        known = _read(file)
        base = language.partition("-")[0]
        self._texts = known.get(language) or known.get(base) or known[phrases.FALLBACK]

    def __call__(self, key: str, **values: object) -> str:
        return self._texts[key].format(**values)


@cache
def _read(file: Path) -> Mapping[str, Mapping[str, str]]:
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{file}: cannot be read: {error}") from error
    texts: dict[str, str] = document.get(phrases.FALLBACK, {})
    if not texts:
        raise SettingsError(f"{file}: says nothing in English, which is what other languages fall back to: add [en]")
    return {language: {**texts, **own} for language, own in document.items()}


def _one_line(text: str) -> str:
    return " ".join(text.split())
