"""Instruments: what a file may say, and how it is told what it may not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from dxmetrics.errors import SettingsError
from dxmetrics.project import Project
from dxmetrics.survey import Instrument, instrument, instruments_of, library
from tests.survey.conftest import document


def item(name: str, **fields: Any) -> dict[str, Any]:
    return {"id": name, "text": "CI is fast.", "scale": "agree5", **fields}


def scale(**fields: Any) -> dict[str, Any]:
    return {"agree5": {"min": 1, "max": 5, "ends": {"low": "No", "high": "Yes"}, "favourable": [4, 5], **fields}}


SURVEY = {"id": "one", "version": 1, "title": "One"}
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "twice": ({"items": [item("a_v1"), item("a_v1")]}, "a_v1 twice: every item needs an id of its own"),
    "no scale": ({"items": [item("a_v1", scale="agree7")]}, "names scale agree7, which is none of agree5"),
    "outside": ({"scales": scale(favourable=[4, 6])}, "favourable has 6, which is not between 1 and 5"),
    "no licence": (
        {"items": [item("a_v1", source={"name": "DORA 2025", "url": "dora.dev"})]},
        r"items.0 \(a_v1\).source: is taken from DORA 2025 without a licence",
    ),
    "k": ({"privacy": {"k_cell": 4}}, "privacy.k_cell: input should be greater than or equal to 5"),
    "k of comments": ({"privacy": {"k_comment": 5}}, "privacy.k_comment: input should be greater than or equal to 10"),
    "no favourable": ({"scales": scale(favourable=[])}, "says not which points are favourable"),
    "labels": ({"scales": scale(labels=["a", "b"])}, "2 labels for 5 points"),
    "language": (
        {"survey": {**SURVEY, "languages": ["en", "de"]}, "items": [item("a_v1", text={"en": "CI is fast."})]},
        "item a_v1 says nothing in de, one of the survey's languages",
    ),
    "unknown key": ({"wave": {"cadance": "monthly"}}, "wave.cadance: extra inputs are not permitted"),
    "lone tag": ({"items": [item("a_v1", index="x")]}, "items are tagged x, and no index is over them"),
    "trigger": (
        {"triggers": [{"item": "b_v1", "on": "deployment.finished"}], "wave": {"cadence": "continuous"}},
        "a trigger asks b_v1, which is no item",
    ),
    "cool-down": (
        {"triggers": [{"item": "a_v1", "on": "deployment.finished", "cooldown_days": 7}]},
        "cooldown_days: input should be greater than or equal to 14",
    ),
    "closes": (
        {"wave": {"opens": "2026-12-15", "closes": "2026-12-01"}},
        "wave: closes on or before the day it opens",
    ),
}


@pytest.mark.parametrize(("sections", "message"), WRONG.values(), ids=WRONG)
def test_what_a_file_may_not_say_is_told_with_its_place(sections: dict[str, Any], message: str, tmp_path: Path) -> None:
    file = tmp_path / "one.yaml"
    file.write_text(yaml.safe_dump({"survey": SURVEY, "scales": scale(), "items": [item("a_v1")], **sections}))
    with pytest.raises(SettingsError, match=message) as refused:
        instrument.load(file)
    assert str(file) in str(refused.value)


@pytest.mark.parametrize("text", ["survey: [", "- one", "", "survey: {id: Über}"])
def test_a_file_that_is_no_survey_is_refused_by_name(text: str, tmp_path: Path) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=r"broken\.yaml"):
        instrument.load(file)


CHANGES: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "wording": (lambda said: said["items"][0].update(text={"en": "CI is quick.", "de": "CI ist schnell."}), "wording"),
    "translation": (lambda said: said["items"][0].update(text={"en": "CI is fast.", "de": "CI ist flott."}), "wording"),
    "direction": (lambda said: said["items"][0].update(reverse=True), "type"),
    "scale": (lambda said: said["scales"]["agree5"].update(favourable=[3, 4, 5]), "scale"),
}


@pytest.mark.parametrize(("change", "what"), CHANGES.values(), ids=CHANGES)
def test_an_id_stands_for_its_wording(change: Callable[[dict[str, Any]], Any], what: str) -> None:
    before, after = document(), document()
    change(after)
    with pytest.raises(SettingsError, match=f"item fast_v1 has another {what} than in small version 1.*a new id"):
        library.require_same_wording(Instrument.model_validate(after), Instrument.model_validate(before), "small.yaml")


def test_another_language_or_another_id_is_no_other_wording() -> None:
    after = document(survey={"id": "small", "version": 2, "title": "Small", "languages": ["en", "de", "fr"]})
    after["items"] = [
        item("fast_v1", text={"en": "CI is fast.", "de": "CI ist schnell.", "fr": "La CI est rapide."}),
        item("fast_v2", text="CI is quick."),
    ]
    after |= {"indices": [], "scales": scale(na=False)}
    library.require_same_wording(Instrument.model_validate(after), Instrument.model_validate(document()), "small.yaml")


def test_a_wave_keeps_the_instrument_as_it_was() -> None:
    made = Instrument.model_validate(document())
    assert Instrument.from_json(made.to_json()) == made


def test_words_are_told_in_the_language_asked_for_else_in_the_first() -> None:
    made = Instrument.model_validate(document())
    assert made.item("fast_v1").text.of("de") == "CI ist schnell."
    assert made.item("fast_v1").text.of("fr") == "CI is fast."
    assert made.item("interrupted_v1").text.of("de") == "I am interrupted."
    assert (made.language("de"), made.language("fr"), made.language(None)) == ("de", "en", "en")


def test_a_project_has_the_built_in_surveys_and_its_own_ones_before_them(tmp_path: Path) -> None:
    (tmp_path / "dx.toml").write_text("")
    folder = tmp_path / "data" / "surveys"
    folder.mkdir(parents=True)
    (folder / "small.yaml").write_text(yaml.safe_dump(document()))
    own = yaml.safe_dump(document(survey={"id": "recommend", "version": 9, "title": {"en": "Ours", "de": "Unser"},
                                          "languages": ["en", "de"]}))  # fmt: skip
    (folder / "recommend.yaml").write_text(own.replace("fast_v1", "quick_v1").replace("_v1", "_ours_v1"))
    found = instruments_of(Project.find(tmp_path, {}))
    assert {"small", "devex-quarterly", "platform", "after-deployment"} <= set(found)
    assert found["recommend"].survey.version == 9


def test_two_files_of_one_survey_are_refused(tmp_path: Path) -> None:
    (tmp_path / "dx.toml").write_text("")
    folder = tmp_path / "data" / "surveys"
    folder.mkdir(parents=True)
    for name in ("one.yaml", "two.yaml"):
        (folder / name).write_text(yaml.safe_dump(document()))
    with pytest.raises(SettingsError, match=r"two\.yaml: survey small is in another file too"):
        instruments_of(Project.find(tmp_path, {}))
