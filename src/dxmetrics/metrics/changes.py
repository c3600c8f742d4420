"""What changed and why: signals only, each with the stage and the services or teams that carry the larger part of it.

Nothing is said of routine variation, and nobody is named who does not really carry it: where no few services do, it
says that it is spread over many. Everything is as of one window against the equally long one before.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal

from dxmetrics import numbers
from dxmetrics.metrics.contributions import Contribution
from dxmetrics.metrics.results import Comparison
from dxmetrics.metrics.selection import NOTHING, UNMAPPED, Where

if TYPE_CHECKING:
    from dxmetrics.metrics.api import Metrics
    from dxmetrics.metrics.definition import Definition

DORA = (
    "deployment_frequency",
    "change_lead_time",
    "change_fail_rate",
    "failed_deployment_recovery_time",
    "deployment_rework_rate",
)
WATCHED = (
    *DORA, "time_to_first_review", "review_time", "pipeline_duration", "pipeline_success_rate", "incident_impact",
    "deployments",
)  # fmt: skip
LEAD_TIME, STAGES_METRIC = "change_lead_time", "change_cycle_stages"
STAGES = {
    "coding_hours": "coding",
    "pickup_hours": "waiting for review",
    "review_hours": "review",
    "merge_wait_hours": "waiting to merge",
    "before_merge_hours": "the time before the merge",
    "deploy_wait_hours": "the way from merge to production",
}
LARGER_PART = 0.5  # of what moved the way of the whole: fewer is not "mostly"
NAMED = 2  # services or teams in a sentence
LEAST_SHARE = 0.15  # of each that is named
MORE_THAN_EXPECTED = 2.0  # times the odds at which whoever is named would carry it by the number of their events alone
CLEARLY_LESS = 0.75  # of the least that is named: what comes next could as well be named
LEAST_EVENTS = 5  # of a group in either window: one deployment moves nothing that is worth a name
SPREAD = 4  # groups from which a change can be spread over many

Dimension = Literal["service", "team"]


@dataclass(frozen=True)
class Words:
    """A run of words; names of services, teams and stages are strong."""

    text: str
    is_strong: bool = False


@dataclass(frozen=True)
class Said:
    """A sentence: what it is about, and whether it is good or bad news; None where it is neither."""

    words: tuple[Words, ...]
    metric: str | None = None
    change: str | None = None

    @property
    def text(self) -> str:
        """The words alone."""
        return "".join(one.text for one in self.words)


@dataclass(frozen=True)
class Moved:
    """A metric whose change is a signal, with what carries it.

    `stage` is the stretch of lead time that alone carries the larger part, None where none does. `groups` are the one
    or two values of `dimension` that do, the most first; empty where it is spread over `spread_over` of them, and where
    that is 0, too, nothing can be said.
    """

    definition: Definition
    comparison: Comparison
    stage: str | None = None
    dimension: Dimension | None = None
    groups: tuple[Contribution, ...] = ()
    spread_over: int = 0


def changes(
    metrics: Metrics, start: date, end: date, where: Where = NOTHING, names: Sequence[str] = DORA
) -> tuple[Moved, ...]:
    """The metrics of `names` that changed against the window before, what got worse first; empty where none did."""
    compared = [one for name in names for one in metrics.compare(name, start=start, end=end, where=where)]
    return explained(metrics, compared, where)


def explained(metrics: Metrics, comparisons: Iterable[Comparison], where: Where = NOTHING) -> tuple[Moved, ...]:
    """The signals among comparisons of windows under `where`, with what carries them, what got worse first."""
    found = [_moved(metrics, one, where) for one in comparisons if one.is_signal]
    return tuple(sorted(found, key=lambda one: {"worse": 0, "better": 1}.get(one.comparison.change or "", 2)))


def sentences(found: Iterable[Moved]) -> tuple[Said, ...]:
    """A sentence for each."""
    return tuple(sentence(one) for one in found)


def sentence(moved: Moved) -> Said:
    """ "Change lead time rose from 20 to 31 h (95 %: +4 to +18 h): mostly review; checkout moved it most."

    Where single weeks are the signal, they come first: what they make of the whole may be little.
    """
    compared = moved.comparison
    verb = "rose" if (compared.difference or 0) > 0 else "fell"
    weeks = "" if is_certain(compared) else "had weeks outside their usual range and "
    start = f"{moved.definition.title} {weeks}{verb} {from_to(compared)}{certainty(compared)}"
    reasons = _reasons(moved)
    words = [Words(start), Words(": "), *reasons, Words(".")] if reasons else [Words(f"{start}.")]
    return Said(tuple(words), moved.definition.name, compared.change)


def from_to(compared: Comparison) -> str:
    """Both values of a comparison: "from 4 to 5 days a week", "from 50 min to 1.4 h"."""
    unit = compared.current.unit
    (before, words), (now, words_now) = (
        numbers.measure(one.value, unit) for one in (compared.previous, compared.current)
    )
    first = before if words == words_now else f"{before} {words}".rstrip()
    return f"from {first} to {now} {words_now}".rstrip()


def certainty(compared: Comparison) -> str:
    """The interval of the difference in brackets; blank where it is not what makes it a signal."""
    if not is_certain(compared):
        return ""
    return f" (95 %: {numbers.difference(compared.ci_low or 0, compared.ci_high or 0, compared.current.unit)})"


def is_certain(compared: Comparison) -> bool:
    """Whether the interval of the difference excludes 0; else single weeks are what makes it a signal."""
    low, high = compared.ci_low, compared.ci_high
    return low is not None and high is not None and low * high > 0


def _reasons(moved: Moved) -> list[Words]:
    words: list[Words] = []
    if moved.stage is not None:
        words = [Words("mostly "), Words(moved.stage, is_strong=True)]
    if not moved.groups and not moved.spread_over:
        return words
    if words:
        words.append(Words("; "))
    if not moved.groups:
        return [*words, Words(f"spread over {moved.spread_over} {moved.dimension}s")]
    if moved.dimension == "team":
        words.append(Words("team " if len(moved.groups) == 1 else "teams "))
    for place, group in enumerate(moved.groups):
        words += [Words(" and ")] if place else []
        words.append(Words(group.name or f"what is {UNMAPPED}", is_strong=True))
    return [*words, Words(" moved it most")]


def _moved(metrics: Metrics, compared: Comparison, where: Where) -> Moved:
    definition = metrics.definition(compared.metric)
    stage = _stage(metrics, compared, where) if definition.name == LEAD_TIME else None
    spread: tuple[Dimension | None, int] = (None, 0)
    for dimension in _dimensions(definition, where):
        found = _carrying(metrics, compared, dimension, where)
        groups = named(found)
        if groups:
            return Moved(definition, compared, stage, dimension, groups)
        moving = sum(one.share > 0 for one in found)
        if moving >= SPREAD and not spread[1]:
            spread = (dimension, moving)
    return Moved(definition, compared, stage, spread[0], (), spread[1])


def named(found: Sequence[Contribution]) -> tuple[Contribution, ...]:
    """The fewest that carry the larger part together; empty where nobody may be named.

    They have to carry more than their part of the events, else the change is everybody's; each has to carry enough and
    have enough events, and whoever comes next has to carry clearly less.
    """
    events = sum(one.n + one.n_before for one in found)
    for count in range(1, min(NAMED, len(found) - 1) + 1):
        first, following = tuple(found[:count]), found[count]
        share, part = sum(one.share for one in first), sum(one.n + one.n_before for one in first) / events
        if share < LARGER_PART:
            continue
        is_theirs = (
            _odds(share) >= MORE_THAN_EXPECTED * _odds(part) and following.share <= CLEARLY_LESS * first[-1].share
        )
        if is_theirs and all(_is_worth_a_name(one) for one in first):
            return first
    return ()


def _odds(share: float) -> float:
    return share / (1 - share) if share < 1 else math.inf


def _is_worth_a_name(one: Contribution) -> bool:
    return one.share >= LEAST_SHARE and max(one.n, one.n_before) >= LEAST_EVENTS


def _dimensions(definition: Definition, where: Where) -> list[Dimension]:
    """By what a change can be told apart: what is filtered already has nothing to tell."""
    known: list[Dimension] = ["service", "team"]
    return [one for one in known if one in definition.dimensions and one not in where]


def _carrying(metrics: Metrics, compared: Comparison, dimension: Dimension, where: Where) -> tuple[Contribution, ...]:
    """What each group adds; empty where their sum moved another way than the number, as a median may."""
    window = compared.current
    found = metrics.contributions(
        compared.metric, dimension, start=window.period_start, end=window.period_end, where=where
    )
    total = sum(one.amount for one in found)
    return found if total * (compared.difference or 0) > 0 else ()


def _stage(metrics: Metrics, compared: Comparison, where: Where) -> str | None:
    """The stage whose mean changed beyond doubt, the way lead time did, and more than all others together."""
    if not any(one.name == STAGES_METRIC for one in metrics.catalogue()):
        return None  # a project may do without it
    window, side = compared.current, 1 if (compared.difference or 0) > 0 else -1
    parts = metrics.compare(STAGES_METRIC, start=window.period_start, end=window.period_end, where=where)
    same_way = [one for one in parts if (one.difference or 0) * side > 0]
    whole = sum(abs(one.difference or 0) for one in same_way)
    for one in same_way:
        if one.is_signal and abs(one.difference or 0) > LARGER_PART * whole:
            return STAGES.get(str(one.dimensions["measure"]))
    return None
