"""Services against the standards: each result is one check of one service, read as of the newest publication."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median
from typing import Literal

Status = Literal["pass", "fail", "not_applicable", "exempt"]

BELOW = "None yet"  # the level of a service that misses a check of the first tier


@dataclass(frozen=True)
class Check:
    """One standard: `tier` is the level it belongs to, and `remedy` what to do where it fails."""

    name: str
    title: str
    tier: str
    remedy: str


@dataclass(frozen=True)
class Result:
    """What a check says of a service; `days` is how long it has failed, `until` when its exemption ends."""

    check: Check
    service: str
    team: str | None
    status: Status
    days: float | None = None
    until: date | None = None
    reason: str = ""


@dataclass(frozen=True)
class Scorecard:
    """One service: its level is the highest tier of which, and of all below it, no check fails."""

    service: str
    team: str | None
    level: str
    passed: int
    applicable: int
    failing: tuple[Result, ...]
    exempt: tuple[Result, ...]

    @property
    def next_step(self) -> Result | None:
        """The failing check that stands before the next level, the oldest of them; None where nothing fails."""
        return self.failing[0] if self.failing else None


@dataclass(frozen=True)
class Failure:
    """A check over all services: how many fail of those it applies to, and for how many days half of them have."""

    check: Check
    failing: int
    applicable: int
    days: float | None


def scorecards(results: Iterable[Result], tiers: Sequence[str]) -> tuple[Scorecard, ...]:
    """One scorecard a service, worst first: the lowest level, then the smallest share of checks passed."""
    by_service: dict[str, list[Result]] = {}
    for result in results:
        by_service.setdefault(result.service, []).append(result)
    cards = (_scorecard(service, found, tiers) for service, found in by_service.items())
    levels = (BELOW, *tiers)
    return tuple(sorted(cards, key=lambda card: (levels.index(card.level), _share(card), card.service)))


def levels(cards: Iterable[Scorecard], tiers: Sequence[str]) -> dict[str, int]:
    """How many services have reached each level, the lowest first, zeros kept."""
    counted = Counter(card.level for card in cards)
    return {level: counted[level] for level in (BELOW, *tiers)}


def failures(results: Iterable[Result]) -> tuple[Failure, ...]:
    """The checks that fail anywhere, the one most services fail first."""
    by_check: dict[Check, list[Result]] = {}
    for result in results:
        if result.status in ("pass", "fail"):
            by_check.setdefault(result.check, []).append(result)
    found = (_failure(check, of_it) for check, of_it in by_check.items())
    return tuple(
        sorted((one for one in found if one.failing), key=lambda one: (-one.failing, one.applicable, one.check.title))
    )


def exemptions(results: Iterable[Result]) -> tuple[Result, ...]:
    """What is let off, the soonest to end first."""
    found = [result for result in results if result.status == "exempt"]
    return tuple(sorted(found, key=lambda one: (one.until or date.max, one.service, one.check.title)))


def _scorecard(service: str, results: Sequence[Result], tiers: Sequence[str]) -> Scorecard:
    failing = [one for one in results if one.status == "fail"]
    failing.sort(key=lambda one: (tiers.index(one.check.tier), -(one.days or 0), one.check.title))
    level = BELOW
    for tier in tiers:
        if any(one.check.tier == tier for one in failing):
            break
        level = tier
    return Scorecard(
        service,
        next((one.team for one in results if one.team), None),
        level,
        sum(one.status == "pass" for one in results),
        sum(one.status in ("pass", "fail") for one in results),
        tuple(failing),
        tuple(one for one in results if one.status == "exempt"),
    )


def _failure(check: Check, results: Sequence[Result]) -> Failure:
    failing = [one for one in results if one.status == "fail"]
    ages = [one.days for one in failing if one.days is not None]
    return Failure(check, len(failing), len(results), median(ages) if ages else None)


def _share(card: Scorecard) -> float:
    return card.passed / card.applicable if card.applicable else 1.0
