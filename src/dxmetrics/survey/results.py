"""What is shown of a wave: a document with whole percents, no count below ten, and no cell that must not be shown.

Everything that reads results (pages, CLI, reports, exports) reads this document and no other.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict

Cut = Literal["all", "team", "tenure"]
MeasureKind = Literal["likert", "recommend", "index", "choice"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TeamNode(_Part):
    """A team as it stood when the wave closed."""

    name: str
    parent: str | None = None


class Participation(_Part):
    """How many of a team, with the teams below it, were asked and answered. Unknown, or too few to tell: None."""

    team: str | None  # None: everybody
    invited: int | None
    answered: int | None
    shown: bool


class Measure(_Part):
    """What was asked, and in which unit it is told."""

    id: str
    kind: MeasureKind
    text: dict[str, str]
    dimension: str | None = None
    unit: Literal["%", "points"]
    is_reversed: bool = False  # it is a complaint: disagreeing is favourable
    measured_by: str | None = None  # a metric of sql/metrics
    metric_better: Literal["lower", "higher"] | None = None
    source: str | None = None  # attribution of wording that is not ours


class Cell(_Part):
    """One measure for one group. Numbers are there only where `shown`."""

    measure: str
    cut: Cut
    key: str  # the team or band; empty for everybody
    shown: bool
    reason: str | None = None
    n: str | None = None
    value: int | None = None
    low: int | None = None
    high: int | None = None


class Quote(_Part):
    """Somebody's words, shown because they allowed it. Whose, and of which team, is known nowhere."""

    item: str
    text: str
    themes: tuple[str, ...]


class Theme(_Part):
    """How many comments speak of something; None where fewer than k do."""

    name: str
    count: int | None


class Results(_Part):
    """Everything that is shown of a wave."""

    survey: str
    version: int
    wave: str
    title: dict[str, str]
    owner: str | None
    confidentiality: str
    k_cell: int
    opened_on: date
    closed_on: date
    invited: int | None
    answered: int | None
    languages: tuple[str, ...]
    teams: tuple[TeamNode, ...]
    tenures: tuple[str, ...]
    participation: tuple[Participation, ...]
    measures: tuple[Measure, ...]
    cells: tuple[Cell, ...]
    comments: int | None
    quotes: tuple[Quote, ...]
    themes: tuple[Theme, ...]
    unusable: int | None  # answers that are on no point of their scale: left out; None where too few to tell
    attribution: str | None = None
