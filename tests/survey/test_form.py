"""The pages of a survey as HTML: small, whole without a script, and with nothing in them that is not escaped."""

from __future__ import annotations

import base64
import hashlib
import re
import string
import tomllib
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dxmetrics.project import builtin_root
from dxmetrics.survey import form, instrument, library, phrases
from dxmetrics.survey.instrument import Instrument

LINK = "ee5cc7f2.12.6b1d655f._H3T2dKRIfZIangKCJm6-Q.awYKSYJAQiSukWB5MXVtOR-FbEMxnLC_BxwCM4CCluc"
CLOSES = datetime(2026, 12, 15, 18, 30, tzinfo=UTC)
SURVEYS = sorted((builtin_root() / library.FOLDER).glob("*.yaml"))
MOST_BYTES = 10_000
MARKUP = "<script>alert('1')</script> & \"more\""

SCALES = {
    "agree5": {"min": 1, "max": 5, "favourable": [4, 5], "ends": {"low": "Disagree", "high": "Agree"}, "na": True},
    "extent3": {"min": 1, "max": 3, "favourable": [3], "labels": ["Never", "At times", "Always"]},
    "eleven": {
        "min": 0, "max": 10, "promoters": [9, 10], "detractors": [0, 1], "ends": {"low": "Unlikely", "high": "Likely"},
    },
}  # fmt: skip
ITEMS: list[dict[str, Any]] = [
    {"id": "focus_v1", "text": "I can focus.", "scale": "agree5", "required": True},
    {"id": "calm_v1", "text": "It is calm.", "scale": "extent3"},
    {"id": "recommend_v1", "type": "recommend", "text": "Would you?", "scale": "eleven"},
    {"id": "tool_v1", "type": "choice", "text": "Which one?", "options": {"editor": "An editor", "shell": "A shell"}},
    {"id": "words_v1", "type": "text", "text": "And in words?", "max_chars": 300},
]


def survey(items: list[dict[str, Any]] | None = None, privacy: dict[str, Any] | None = None, **said: Any) -> Instrument:
    return Instrument.model_validate(
        {
            "survey": {"id": "pulse", "version": 1, "title": "Pulse", **said},
            "privacy": privacy or {},
            "scales": SCALES,
            "items": items or ITEMS,
        }
    )


def asked(of: Instrument, **rest: Any) -> form.Asked:
    return form.Asked(of, LINK, CLOSES, CLOSES, **rest)


def text_of(html: str) -> str:
    """What a reader reads, in one line."""
    body = re.sub(r"<(style|script|title)>.*?</\1>", "", html, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def labels(html: str, name: int) -> list[str]:
    """What a screen reader says of each choice of a question."""
    found = re.findall(rf"<label><input type=radio name={name} [^>]*>(.*?)</label>", html)
    return [" ".join(unescape(re.sub(r"<[^>]+>", "", label)).split()) for label in found]


@pytest.mark.parametrize("file", SURVEYS, ids=lambda file: file.stem)
def test_every_built_in_survey_is_a_page_of_less_than_10_kilobytes_in_each_of_its_languages(file: Path) -> None:
    built_in = instrument.load(file)
    for language in built_in.survey.languages:
        html = form.render(asked(built_in, team="search", tenure="1-3 years"), language)
        assert len(html.encode()) < MOST_BYTES, language
        assert f"<html lang={language} dir=ltr>" in html
        assert built_in.survey.title.of(language) in text_of(html)
        for item in built_in.items:
            assert item.text.of(language) in text_of(html)


def test_a_page_asks_nothing_of_any_other_address() -> None:
    shown = asked(survey())
    for html in (form.render(shown, "en"), form.about(shown, "en"), form.thanks(shown, "en", "code")):
        assert not re.search(r"https?:|src=|url\(|@import|<link|style=|\bon[a-z]+=", html)


def test_the_policy_allows_the_style_and_the_script_of_the_page_and_nothing_else() -> None:
    html = form.render(asked(survey()), "en")
    for tag in ("style", "script"):
        (source,) = re.findall(rf"<{tag}>(.*?)</{tag}>", html, flags=re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in form.CONTENT_POLICY
    assert form.CONTENT_POLICY.startswith("default-src 'none';")


def test_a_choice_is_named_by_its_number_and_by_what_the_ends_of_the_scale_mean() -> None:
    html = form.render(asked(survey()), "en")
    assert labels(html, 1) == ["1 Disagree", "2", "3", "4", "5 Agree", "I don’t know / does not apply"]
    assert labels(html, 2) == ["1 Never", "2", "3 Always"]
    assert "1 Never · 2 At times · 3 Always" in text_of(html)
    assert labels(html, 3) == ["0 Unlikely", *map(str, range(1, 10)), "10 Likely"]
    assert labels(html, 4) == ["An editor", "A shell"]


def test_what_all_points_mean_is_said_once_for_questions_that_follow_each_other() -> None:
    calm = [{"id": f"calm_v{n}", "text": "Calm?", "scale": "extent3"} for n in (1, 2)]
    html = text_of(form.render(asked(survey(calm + ITEMS[2:] + [{**calm[0], "id": "calm_v3"}])), "en"))
    assert html.count("2 At times") == 2


def test_a_question_that_needs_an_answer_says_so_and_the_browser_knows() -> None:
    html = form.render(asked(survey()), "en")
    assert "I can focus. needs an answer" in text_of(html)
    assert re.findall(r"name=(\d+) value=\S+ required", html) == ["1"]
    assert "maxlength=300" in html


def test_a_comment_is_shown_word_for_word_only_if_its_writer_ticks_so() -> None:
    html = form.render(asked(survey()), "en")
    assert "<input type=checkbox name=share-5>May be shown word for word" in html
    assert "type=checkbox" not in form.render(asked(survey([{**ITEMS[4], "share_optin": False}])), "en")


def test_the_page_says_at_the_top_how_long_it_takes_and_what_is_kept() -> None:
    html = text_of(form.render(asked(survey(intro="Five things.", contact="#dx")), "en"))
    top, _, _ = html.partition("I can focus.")
    assert "Five things. About 1 min. Open until 15 December 2026, 18:30. Confidential: kept are your answers" in top
    assert "What your lead will see" in top
    assert html.endswith("Questions: #dx")
    assert "Less than a minute." in form.render(asked(survey(ITEMS[:1])), "en")
    assert "Anonymous: kept" in form.render(asked(survey(confidentiality="anonymous")), "en")


def test_texts_of_a_survey_are_never_markup() -> None:
    items = [
        {"id": "focus_v1", "text": MARKUP, "scale": "evil", "source": {"name": MARKUP, "licence": MARKUP}},
        {"id": "tool_v1", "type": "choice", "text": MARKUP, "options": {"one": MARKUP}},
        {"id": "words_v1", "type": "text", "text": MARKUP},
    ]
    scales = {"evil": {"min": 1, "max": 2, "favourable": [2], "labels": [MARKUP, MARKUP], "na": True}}
    evil = Instrument.model_validate(
        {
            "survey": {"id": "evil", "version": 1, "title": MARKUP, "intro": MARKUP, "contact": MARKUP},
            "scales": scales,
            "items": items,
        }
    )
    shown = asked(evil, team=MARKUP, tenure=MARKUP)
    pages = {
        "survey": form.render(shown, "en", {}, {"focus_v1": "missing"}),
        "about": form.about(shown, "en"),
        "thanks": form.thanks(shown, "en", MARKUP),
        "withdrawal": form.withdrawal("en", MARKUP, is_unknown=True),
    }
    for name, html in pages.items():
        assert "alert(" in html, name
        assert "<script>alert" not in html, name
        assert MARKUP in unescape(html), name


def test_what_was_written_comes_back_as_it_was_and_cannot_leave_its_field() -> None:
    written = "\n  </textarea><script>alert(1)</script>\n\tlast"
    fields = {"words_v1": written, "share-words_v1": "on", "tool_v1": "shell", "focus_v1": "na"}
    html = form.render(asked(survey()), "en", fields, {"words_v1": "too_long"})
    (shown,) = re.findall(r"<textarea[^>]*>\n(.*?)</textarea>", html, flags=re.DOTALL)
    assert unescape(shown) == written
    assert "name=share-5 checked" in html
    assert re.findall(r"name=(\d) value=(\w+)[^>]* checked", html) == [("1", "na"), ("4", "shell")]


def test_what_is_wrong_is_listed_first_and_leads_to_each_question() -> None:
    problems = {"focus_v1": "missing", "tool_v1": "not_a_choice", "words_v1": "too_long"}
    html = form.render(asked(survey()), "en", {}, problems)
    assert "role=alert tabindex=-1 autofocus" in html
    (listed,) = re.findall(r"<section.*?</section>", html, flags=re.DOTALL)
    assert re.findall(r"href=#(\d)", listed) == ["1", "4", "5"]
    assert "And in words? please shorten this to 300 characters" in text_of(listed)
    for place in (1, 4, 5):
        assert re.search(rf"<(input|textarea)[^>]* id={place}[ >]", html), "the link ends at a field"


def test_a_link_may_propose_answers_and_only_those_there_are() -> None:
    proposed = {"focus_v1": "4", "calm_v1": "9", "tool_v1": "shell", "words_v1": "hello", "nothing": "1"}
    assert form.preselected(survey(), proposed) == {"focus_v1": "4", "tool_v1": "shell"}
    assert form.preselected(survey(), {"focus_v1": "na", "calm_v1": "na"}) == {"focus_v1": "na"}


def test_the_links_to_other_languages_keep_what_a_link_proposed() -> None:
    two = survey([{**ITEMS[3], "options": {"one": {"en": "One", "de": "Eins"}}}], languages=["en", "de"])
    html = form.render(asked(two), "en", {"tool_v1": "one"})
    assert '<a lang=de href="?lang=de&amp;tool_v1=one">Deutsch</a>' in html
    assert labels(form.render(asked(two), "de"), 1) == ["Eins"]


def test_the_form_calls_questions_by_place_and_understands_their_ids_too() -> None:
    sent = {"1": "4", "share-5": "on", "5": "Words", "tool_v1": "shell", "99": "1", "x": "y"}
    assert form.sent(survey(), sent) == {
        "focus_v1": "4",
        "tool_v1": "shell",
        "words_v1": "Words",
        "share-words_v1": "on",
    }


def test_a_preview_is_the_same_page_with_nowhere_to_send_it_to() -> None:
    html = form.preview(survey(), "en")
    assert labels(html, 1) == labels(form.render(asked(survey()), "en"), 1)
    assert "<button disabled>" in html
    assert not re.search(r"href=|action=|<script", html)


def test_the_thank_you_page_has_the_code_and_what_happens_next() -> None:
    html = form.thanks(asked(survey(contact="dx@example.org")), "en", "c0de")
    assert "<code class=t>c0de</code>" in html
    assert "The survey closes on 15 December 2026, 18:30." in text_of(html)
    assert 'href="withdraw?lang=en"' in html
    assert 'href="../experience"' in html
    assert "Questions: dx@example.org" in text_of(html)


def test_the_rules_that_are_told_are_those_of_the_instrument() -> None:
    strict = survey(privacy={"k_cell": 8, "k_comment": 12, "retention_days": 365, "breakdowns": ["team"]})
    html = text_of(form.about(asked(strict, team="search"), "en"))
    assert "A number is shown for 8 or more people" in html
    assert "Comments are shown where 12 or more people" in html
    assert "Everybody together, and each team: one at a time" in html
    assert "for 365 days" in html
    assert "closed on 15 December 2026, 18:30" in html
    assert "Team: search. Time in the organisation: not said." in html
    both = text_of(form.about(asked(survey()), "en"))
    assert "each team and each band of time in the organisation" in both
    none = text_of(form.about(asked(survey(privacy={"breakdowns": []})), "en"))
    assert "in no smaller groups" in none


def test_the_example_hides_a_small_team_and_the_neighbour_that_would_give_it_away() -> None:
    html = text_of(form.about(asked(survey()), "en"))
    assert "Everybody 56 % 39 Team A 69 % 16 Team B 42 % 12 Team C hidden Team D hidden" in html
    assert "Fewer than 5 people of team C answered" in html
    assert 'Share that agrees with "I can focus."' in html


def test_words_of_others_are_credited() -> None:
    source = {"name": "DORA 2025", "url": "https://dora.dev", "licence": "CC-BY-4.0", "modified": True}
    html = form.about(asked(survey([{**ITEMS[0], "source": source}, {**ITEMS[1], "source": source}, ITEMS[2]])), "en")
    assert text_of(html).endswith("Where the questions come from DORA 2025 : CC-BY-4.0 (adapted)")
    assert '<a href="https://dora.dev" rel=noreferrer>' in html


@pytest.mark.parametrize("why", ["forged", "expired", "used", "closed", "unavailable", "too_large"])
def test_each_refusal_has_its_own_words(why: form.Refusal) -> None:
    pages = {language: text_of(form.refused(why, language)) for language in phrases.languages()}
    assert len(set(pages.values())) == len(pages)
    assert pages["en"].startswith(phrases.of_language("en")(why))


def test_a_draft_is_kept_under_a_name_that_does_not_tell_the_link() -> None:
    html = form.refused("used", "en", LINK)
    (name,) = re.findall(r"data-draft=(\S+)>", html)
    assert name == form.draft_key(LINK)
    assert LINK not in html
    assert form.draft_key(LINK) != form.draft_key(LINK + "x")
    assert "<script>" not in form.refused("forged", "en")


def test_every_language_says_the_same_things_with_the_same_blanks() -> None:
    document = tomllib.loads((builtin_root() / phrases.FILE).read_text(encoding="utf-8"))
    assert set(document) >= {"en", "de", "fr", "es"}
    for language, texts in document.items():
        assert texts.keys() == document["en"].keys(), language
        assert len(texts["months"]) == 12
        for key in texts.keys() - {"months"}:
            blanks = [
                {name for _, name, _, _ in string.Formatter().parse(said[key]) if name}
                for said in (texts, document["en"])
            ]
            assert blanks[0] == blanks[1], (language, key)


def test_an_end_is_written_as_the_language_writes_it() -> None:
    written = [phrases.of_language(language).end(CLOSES) for language in ("en", "de", "fr", "es")]
    assert written == [
        "15 December 2026, 18:30",
        "15. Dezember 2026, 18:30 Uhr",
        "15 décembre 2026 à 18:30",
        "15 de diciembre de 2026, 18:30",
    ]


def test_what_ends_at_midnight_ends_with_the_day_before() -> None:
    midnight = datetime(2026, 12, 1, tzinfo=ZoneInfo("Europe/Berlin"))
    assert phrases.of_language("de").end(midnight) == "30. November 2026"


def test_a_language_without_words_of_ours_has_its_own_direction_and_english_buttons() -> None:
    arabic = survey([{"id": "focus_v1", "text": {"ar": "أستطيع التركيز"}, "scale": "agree5"}], languages=["ar"])
    html = form.render(asked(arabic), "ar")
    assert "<html lang=ar dir=rtl>" in html
    assert "أستطيع التركيز" in html
    assert "<button>Send answers</button>" in html
    assert "Antworten senden" in form.render(asked(survey()), "de-CH")


def test_an_organisation_may_say_it_in_its_own_words(tmp_path: Path) -> None:
    words = tmp_path / "survey_words.toml"
    words.write_text('[en]\nsend = "Off it goes"\n[nl]\nname = "Nederlands"\nsend = "Versturen"\n')
    html = form.render(asked(survey()), "nl", words=words)
    assert "<button>Versturen</button>" in html
    assert "May be shown word for word" in html, "what the file does not say is said in the built-in English"
    assert "<button>Off it goes</button>" in form.render(asked(survey()), "fr", words=words)


def test_every_text_can_be_read_on_its_ground_in_light_and_dark() -> None:
    style = (form.TEMPLATES / "survey.css").read_text(encoding="utf-8")
    roots = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    light, dark = (dict(re.findall(r"--(\w+): (#\w+)", block)) for block in roots)
    for colours in (light, light | dark):
        for ground in ("page", "card"):
            for ink in ("ink", "muted", "accent", "bad"):
                assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)
            assert contrast(colours["edge"], colours[ground]) >= 3, ground
        assert contrast(colours["card"], colours["accent"]) >= 4.5


def contrast(one: str, other: str) -> float:
    """The ratio of WCAG 2.2."""
    bright, dim = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def _luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
