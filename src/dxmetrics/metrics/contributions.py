"""Which services or teams moved a number: what each adds to the difference between a window and the one before.

What they add sums up to the whole exactly. A share or a mean moves where a group's own level does, and where a group
with another level than the rest grows or shrinks: both are in its pull, n / N * (level - middle), in one window less
that in the other. A median is no sum, but it moves because more events lie above the old and the new one's middle, or
fewer, and that is a share.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from dxmetrics.metrics.comparison import in_window
from dxmetrics.metrics.gather import Group, Key, Request, gather
from dxmetrics.metrics.periods import Window, previous
from dxmetrics.metrics.statistics import Values, percentile
from dxmetrics.metrics.store import Reading

DURATIONS = ("median", "recovery")
WEEK = 7

Groups = Mapping[str | None, Group]
Level = Callable[[Group], float]


@dataclass(frozen=True)
class Contribution:
    """What one value of a dimension adds to a difference; `name` is None for what is unmapped.

    `amount` sums up over all values: to the difference of a share, a mean or a sum, of a count's events a week, and for
    a median to that of the share above its middle. `share` is its part, from 0 to 1, of everything that moved the way
    the whole did; 0 for what moved the other way. `n` and `n_before` are its events in both windows.
    """

    name: str | None
    amount: float
    share: float
    n: int
    n_before: int


def contributions(reading: Reading, asked: Request, window: Window) -> tuple[Contribution, ...]:
    """One for each value of the dimension that is asked by, what moved the whole most first.

    Empty for rates, stocks and metrics of several measures, which are no sum of their groups, and for those of people.
    """
    definition, before_window = asked.definition, previous(window)
    if definition.aggregate in ("rate", "stock") or len(definition.measures) > 1 or definition.is_of_people:
        return ()
    now = _groups(gather(reading, asked))
    before = _groups(gather(reading, in_window(reading, asked, before_window)))
    if definition.aggregate in DURATIONS:
        amounts = _of_levels(now, before, _above(now, before))
    elif definition.aggregate == "proportion":
        amounts = _of_levels(now, before, lambda group: group.k / group.n)
    elif definition.aggregate == "mean":
        amounts = _of_levels(now, before, lambda group: group.moments[0][1] or 0.0)
    elif definition.aggregate == "sum":
        amounts = _differences(now, before, lambda group: float(group.values.sum()))
    else:
        per_week = WEEK / (window.end - window.start).days, WEEK / (before_window.end - before_window.start).days
        amounts = _differences(now, before, lambda group: group.n, *per_week)
    return _ordered(amounts, now, before)


def _groups(found: Mapping[Key, Group]) -> dict[str | None, Group]:
    return {dimensions[0]: group for (_, dimensions), group in found.items() if _events(group)}


def _events(group: Group | None) -> int:
    return 0 if group is None else group.n + len(group.open_hours)


def _lasting(group: Group) -> Values:
    """How long each event took, or has lasted so far."""
    return np.concatenate([group.values, group.open_hours])


def _above(now: Groups, before: Groups) -> Level:
    """The share of a group's events above the middle of all of both windows; one that equals it counts half."""
    lasting = [_lasting(group) for side in (now, before) for group in side.values()]
    middle = percentile(np.sort(np.concatenate(lasting)), 0.5) if lasting else 0.0

    def level(group: Group) -> float:
        hours = _lasting(group)
        return float(np.mean(hours > middle) + np.mean(hours == middle) / 2)

    return level


def _of_levels(now: Groups, before: Groups, level: Level) -> dict[str | None, float]:
    """The pull of each group in the window less its pull before."""
    sides = [{name: (_events(group), level(group)) for name, group in side.items()} for side in (now, before)]
    totals = [sum(n for n, _ in side.values()) for side in sides]
    if not all(totals):
        return {}
    wholes = [sum(n * each for n, each in side.values()) / n_all for side, n_all in zip(sides, totals, strict=True)]
    middle = sum(wholes) / 2

    def pull(side: int, name: str | None) -> float:
        n, each = sides[side].get(name, (0, middle))
        return n / totals[side] * (each - middle)

    return {name: pull(0, name) - pull(1, name) for name in sides[0].keys() | sides[1].keys()}


def _differences(
    now: Groups, before: Groups, amount: Level, factor: float = 1.0, factor_before: float = 1.0
) -> dict[str | None, float]:
    nothing = Group()
    return {
        name: amount(now.get(name, nothing)) * factor - amount(before.get(name, nothing)) * factor_before
        for name in now.keys() | before.keys()
    }


def _ordered(amounts: Mapping[str | None, float], now: Groups, before: Groups) -> tuple[Contribution, ...]:
    side = 1 if sum(amounts.values()) > 0 else -1
    same_way = sum(amount for amount in amounts.values() if amount * side > 0)
    found = (
        Contribution(
            name,
            amount,
            max(0.0, amount / same_way) if same_way else 0.0,
            _events(now.get(name)),
            _events(before.get(name)),
        )
        for name, amount in amounts.items()
    )
    return tuple(sorted(found, key=lambda one: (-one.share, -side * one.amount, one.name or "")))
