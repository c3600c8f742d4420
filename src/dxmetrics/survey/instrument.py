"""Survey instruments: YAML files in `data/surveys/`, checked whole before anybody is asked.

`load` reads one file and names place and remedy of what it refuses.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from dxmetrics.errors import SettingsError

K_CELL = 5  # respondents below which nothing is shown, whatever a file asks for
K_COMMENT = 10
OWN = "own"  # the name of the source of items we wrote ourselves

Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
SurveyId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=60)]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
Texts = Mapping[str, str]
Kind = Literal["likert", "recommend", "choice", "text"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Words(_Part):
    """A text in one or more languages. In YAML: a string, which is in the survey's first language, or a map."""

    texts: dict[str, Annotated[str, Field(min_length=1)]] = Field(min_length=1)

    def of(self, language: str) -> str:
        """The text in `language`, else in the language that comes first."""
        return self.texts.get(language) or self.texts.get("") or next(iter(self.texts.values()))

    @property
    def languages(self) -> frozenset[str]:
        """The languages it says; none for a plain string."""
        return frozenset(self.texts) - {""}


def _as_words(value: Any) -> Any:
    if isinstance(value, str):
        return {"texts": {"": value}}
    return value if isinstance(value, Words) or (isinstance(value, Mapping) and "texts" in value) else {"texts": value}


Text = Annotated[Words, BeforeValidator(_as_words)]


class Survey(_Part):
    """Who asks, and what is promised."""

    id: SurveyId
    version: int = Field(gt=0)
    title: Text
    intro: Text | None = None
    languages: tuple[Language, ...] = Field(default=("en",), min_length=1)  # the first is the default
    confidentiality: Literal["anonymous", "confidential"] = "confidential"
    owner: str | None = None  # the team that reads the results and acts on them
    contact: str | None = None


class Sampling(_Part):
    """Whom a wave asks: everybody, a third in turn, or a share by chance."""

    method: Literal["all", "rotate", "random"] = "all"
    parts: int = Field(default=3, ge=2, le=12)
    share: float = Field(default=1.0, gt=0, le=1)
    seed: int = 0


class Plan(_Part):
    """When it is asked. `continuous` waves are calendar quarters that open and close by themselves."""

    cadence: Literal["once", "monthly", "quarterly", "yearly", "continuous"] = "quarterly"
    days: int = Field(default=14, gt=0, le=120)  # how long a wave stays open
    opens: date | None = None
    closes: date | None = None
    sampling: Sampling = Sampling()
    min_gap_days: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _ends_after_it_began(self) -> Self:
        if self.opens and self.closes and self.closes <= self.opens:
            raise ValueError("closes on or before the day it opens")
        return self


class Privacy(_Part):
    """What is shown. The limits can be raised, never lowered."""

    k_cell: int = Field(default=K_CELL, ge=K_CELL)
    k_comment: int = Field(default=K_COMMENT, ge=K_COMMENT)
    breakdowns: tuple[Literal["team", "tenure"], ...] = ("team", "tenure")
    retention_days: int = Field(default=730, gt=0)  # answers are erased then; results stay


class Ends(_Part):
    """Words for both ends of a scale, where its points have none of their own."""

    low: Text
    high: Text


def _as_labels(value: Any) -> Any:
    return tuple(map(_as_words, value)) if isinstance(value, Sequence) and not isinstance(value, str) else value


class Scale(_Part):
    """Whole numbers from `min` to `max`, and what they mean."""

    min: int
    max: int
    labels: Annotated[tuple[Words, ...], BeforeValidator(_as_labels)] = ()
    ends: Ends | None = None
    favourable: tuple[int, ...] = ()
    promoters: tuple[int, ...] = ()
    detractors: tuple[int, ...] = ()
    na: bool = False  # "does not apply" can be answered; it is counted, and left out of every score

    @property
    def codes(self) -> range:
        """Its points, lowest first."""
        return range(self.min, self.max + 1)

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        if self.max <= self.min:
            raise ValueError(f"max {self.max} is not above min {self.min}")
        if self.labels and len(self.labels) != len(self.codes):
            raise ValueError(f"{len(self.labels)} labels for {len(self.codes)} points: give each point one, or `ends`")
        if not self.labels and self.ends is None:
            raise ValueError("says nowhere what its points mean: give `labels`, or `ends: {low: ..., high: ...}`")
        for name in ("favourable", "promoters", "detractors"):
            if outside := [code for code in getattr(self, name) if code not in self.codes]:
                raise ValueError(f"{name} has {outside[0]}, which is not between {self.min} and {self.max}")
        if set(self.promoters) & set(self.detractors):
            raise ValueError("a point is both promoter and detractor")
        return self


class Source(_Part):
    """Where an item's wording comes from."""

    name: str = OWN
    url: str | None = None
    licence: str | None = None
    modified: bool = False

    @model_validator(mode="after")
    def _has_a_licence(self) -> Self:
        if self.name != OWN and not self.licence:
            raise ValueError(f"is taken from {self.name} without a licence: name it, or write the item yourself")
        return self


class Measured(_Part):
    """The metric that measures what an item asks about."""

    metric: Identifier
    better: Literal["lower", "higher"]


class Item(_Part):
    """One question."""

    id: Identifier
    text: Text
    type: Kind = "likert"
    scale: str | None = None
    options: dict[Identifier, Text] = Field(default_factory=dict)
    dimension: str | None = None
    index: str | None = None
    reverse: bool = False  # agreeing is bad: flipped before scoring
    required: bool = False
    max_chars: int = Field(default=2000, gt=0, le=5000)
    share_optin: bool = True  # a comment is shown word for word only if its writer ticks so
    source: Source = Source()
    measured: Measured | None = None

    @model_validator(mode="after")
    def _fits_its_type(self) -> Self:
        if (self.type in ("likert", "recommend")) != (self.scale is not None):
            raise ValueError(f"is of type {self.type}: likert and recommend items name a scale, others do not")
        if (self.type == "choice") != bool(self.options):
            raise ValueError(f"is of type {self.type}: choice items have options, others do not")
        if self.index and self.type != "likert":
            raise ValueError("is in an index, which is made of likert items only")
        return self


class Trigger(_Part):
    """A question asked right after an event of a few people, and of nobody twice within the cool-down."""

    item: Identifier
    on: Literal["deployment.finished"]
    sample: float = Field(default=0.05, gt=0, le=1)
    cooldown_days: int = Field(default=14, ge=14)
    expires_h: int = Field(default=48, gt=0, le=336)


class Index(_Part):
    """A score from 0 to 100 over the items whose `index` is `items_by_tag`."""

    id: Identifier
    title: Text
    items_by_tag: str
    min_answered: float = Field(default=0.7, gt=0, le=1)


class Instrument(_Part):
    """One survey, as its file says."""

    survey: Survey
    wave: Plan = Plan()
    privacy: Privacy = Privacy()
    scales: dict[str, Scale] = Field(default_factory=dict)
    items: tuple[Item, ...] = Field(min_length=1)
    triggers: tuple[Trigger, ...] = ()
    indices: tuple[Index, ...] = ()

    @field_validator("items")
    @classmethod
    def _ids_are_unique(cls, items: tuple[Item, ...]) -> tuple[Item, ...]:
        twice = [name for name, times in Counter(item.id for item in items).items() if times > 1]
        if twice:
            raise ValueError(f"has {twice[0]} twice: every item needs an id of its own")
        return items

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for problem in (*self._scale_problems(), *self._reference_problems(), *self._language_problems()):
            raise ValueError(problem)
        return self

    def _scale_problems(self) -> Iterable[str]:
        for item in self.items:
            scale = self.scales.get(item.scale or "")
            if item.scale and scale is None:
                yield f"item {item.id} names scale {item.scale}, which is none of {', '.join(self.scales) or 'none'}"
            elif scale and item.type == "likert" and not scale.favourable:
                yield f"scale {item.scale} says not which points are favourable, and likert item {item.id} is scored so"
            elif scale and item.type == "recommend" and not (scale.promoters and scale.detractors):
                yield f"scale {item.scale} of {item.id} names no promoters and detractors, as a recommend score needs"

    def _reference_problems(self) -> Iterable[str]:
        ids = {item.id for item in self.items}
        tags = {item.index for item in self.items if item.index}
        for index in self.indices:
            if index.items_by_tag not in tags:
                yield f"index {index.id} is over items tagged {index.items_by_tag}, and there is none"
            if index.id in ids:
                yield f"index {index.id} has the id of an item"
        for tag in sorted(tags - {index.items_by_tag for index in self.indices}):
            yield f"items are tagged {tag}, and no index is over them"
        for trigger in self.triggers:
            if trigger.item not in ids:
                yield f"a trigger asks {trigger.item}, which is no item"
        if self.triggers and self.wave.cadence != "continuous":
            yield "has triggers, so `wave: {cadence: continuous}`"

    def _language_problems(self) -> Iterable[str]:
        wanted = frozenset(self.survey.languages)
        for place, words in self._texts():
            if words.languages and (missing := sorted(wanted - words.languages)):
                yield f"{place} says nothing in {missing[0]}, one of the survey's languages"
            if unknown := sorted(words.languages - wanted):
                yield f"{place} speaks {unknown[0]}, which is not one of the survey's languages: add it there"

    def _texts(self) -> Iterable[tuple[str, Words]]:
        yield "title", self.survey.title
        if self.survey.intro:
            yield "intro", self.survey.intro
        for name, scale in self.scales.items():
            yield from ((f"scale {name}", words) for words in scale.labels)
            if scale.ends:
                yield from ((f"scale {name}", words) for words in (scale.ends.low, scale.ends.high))
        for item in self.items:
            yield f"item {item.id}", item.text
            yield from ((f"option {name} of {item.id}", words) for name, words in item.options.items())
        for index in self.indices:
            yield f"index {index.id}", index.title

    def item(self, name: str) -> Item:
        """The item of this id; KeyError where there is none."""
        return {item.id: item for item in self.items}[name]

    def scale_of(self, item: Item) -> Scale:
        """The scale of a likert or recommend item."""
        return self.scales[item.scale or ""]

    def language(self, wanted: str | None) -> str:
        """`wanted` where the survey speaks it, else its first language."""
        return wanted if wanted in self.survey.languages else self.survey.languages[0]

    def to_json(self) -> dict[str, Any]:
        """Everything as JSON types: what a wave keeps, so that later changes of the file do not touch it."""
        return self.model_dump(mode="json")

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Instrument:
        """The instrument of a wave."""
        return cls.model_validate(document)


class _Loader(yaml.SafeLoader):
    """Reads booleans as YAML 1.2 does: a label `No`, or the language `no`, is a word."""


_Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|false)$"), list("tf"))


def parsed(text: str) -> Any:
    """What a YAML text says; yaml.YAMLError where it is none."""
    return yaml.load(text, Loader=_Loader)  # noqa: S506  (a SafeLoader)


def load(file: Path) -> Instrument:
    """The instrument in `file`; SettingsError names file, place and remedy."""
    try:
        document = parsed(file.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise SettingsError(f"{file}: not valid YAML: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: cannot be read: {error}") from error
    if not isinstance(document, Mapping):
        raise SettingsError(f"{file}: is no survey: it begins with `survey: {{id: ..., version: 1, title: ...}}`")
    try:
        return Instrument.model_validate(document)
    except ValidationError as error:
        raise SettingsError("\n".join(f"{file}: {_told(one, document)}" for one in error.errors())) from error


def _told(error: Any, document: Mapping[str, Any]) -> str:
    """One problem in a person's words: where, what, and which value."""
    place: list[str] = []
    value: Any = document
    for key in error["loc"]:
        value = value[key] if _has(value, key) else None
        name = value.get("id") if isinstance(value, Mapping) else None
        place.append(f"{key} ({name})" if isinstance(key, int) and name else str(key))
    message = error["msg"].removeprefix("Value error, ")
    where = f"{'.'.join(place)}: " if place else ""
    return f"{where}{message[0].lower()}{message[1:]}" if where else message


def _has(value: Any, key: Any) -> bool:
    if isinstance(value, Mapping):
        return key in value
    return isinstance(value, Sequence) and isinstance(key, int) and key < len(value)
