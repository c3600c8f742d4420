"""Services that adopted a capability against those that did not: effect sizes, intervals and words that claim no cause.

The unit is the service with its own outcome, never a deployment: a busy service is one dot as a quiet one is. Pure
functions over numbers, every interval a 95 % one with a fixed seed. Below eight
services a side there is no verdict, below five not even dots.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import special

from dxmetrics.metrics import statistics
from dxmetrics.metrics.statistics import SEED, Interval, Values

RESAMPLES = 5000
DOTS_N = 5  # services a side; fewer: nothing but how many there are
VERDICT_N = 8  # fewer: every service as a dot, no interval and no verdict

Counts = npt.NDArray[np.int64]  # a row per service: those that count, all
Better = Literal["lower", "higher", "none"]
Shown = Literal["counts", "dots", "verdict"]
Change = Literal["better", "worse"]


@dataclass(frozen=True)
class Outcome:
    """What services are compared by: its name inside a sentence, its unit, and which of its sides is better."""

    title: str
    unit: str
    better: Better


@dataclass(frozen=True)
class Estimate:
    """An effect; its 95 % interval is None where there are too few services for one."""

    value: float
    interval: Interval | None

    def side_of(self, nothing: float) -> int:
        """1 or -1 where the whole interval is above or below the value that means no effect, else 0."""
        if self.interval is None:
            return 0
        return (self.interval[0] > nothing) - (self.interval[1] < nothing)


@dataclass(frozen=True)
class Verdict:
    """What may be said: `shown` is how much of the comparison may be seen at this n.

    `change` is "better" or "worse" where the interval excludes no effect and the outcome has a better side, else None.
    """

    shown: Shown
    change: Change | None
    text: str


@dataclass(frozen=True)
class Contrast:
    """Adopters against others, both in the outcome's unit; effects are adopters minus others.

    `adopters` and `others` are the sides' own values: the median over services, or the pooled share. None with fewer
    than 5 services on either side, as are the effects. `hodges_lehmann` is the median of all differences between one
    service of each side; `cliffs_delta`, from -1 to 1, is how much more often an adopter has the larger value than the
    smaller one. `ratio` is adopters' median by the others', for durations above 0 only. Shares have the difference
    only.
    """

    outcome: Outcome
    adopters_n: int
    others_n: int
    adopters: float | None
    others: float | None
    difference: Estimate | None
    hodges_lehmann: float | None
    cliffs_delta: float | None
    ratio: Estimate | None
    verdict: Verdict


def compare_medians(
    adopters: Mapping[str, float | None],
    others: Mapping[str, float | None],
    outcome: Outcome,
    *,
    is_duration: bool = False,
) -> Contrast:
    """Each service's own outcome against those of the other side; services without one (None) are left out.

    The interval is the percentile bootstrap over services of the difference of medians.
    """
    one, other = _known(adopters), _known(others)
    shown = shown_at(len(one), len(other))
    if shown == "counts":
        return _counts_only(outcome, len(one), len(other))
    middle, other_middle = float(np.median(one)), float(np.median(other))
    difference = Estimate(middle - other_middle, None)
    has_ratio = is_duration and min(one[0], other[0]) > 0
    ratio = Estimate(middle / other_middle, None) if has_ratio else None
    if shown == "verdict":
        random = np.random.default_rng(SEED)
        drawn, other_drawn = _resampled_medians(one, random), _resampled_medians(other, random)
        difference = Estimate(difference.value, percentile_interval(drawn - other_drawn))
        if ratio is not None:  # percentiles of a ratio are those of its logarithm
            ratio = Estimate(ratio.value, percentile_interval(drawn / other_drawn))
    return Contrast(
        outcome=outcome,
        adopters_n=len(one),
        others_n=len(other),
        adopters=middle,
        others=other_middle,
        difference=difference,
        hodges_lehmann=hodges_lehmann(one, other),
        cliffs_delta=cliffs_delta(one, other),
        ratio=ratio,
        verdict=judge(outcome, shown, difference.side_of(0), len(one), len(other)),
    )


def compare_shares(
    adopters: Mapping[str, tuple[int, int]], others: Mapping[str, tuple[int, int]], outcome: Outcome
) -> Contrast:
    """Shares such as the change fail rate, each service given as (failed, deployments); in %, effects in points.

    Both sides are pooled and services drawn whole (cluster bootstrap). Few services and few failures make such an
    interval too narrow: its tails are widened for the number of services (expanded percentile, Hesterberg 2015,
    doi 10.1080/00031305.2015.1089789), and it is never narrower than Newcombe's, which takes every deployment as
    independent. Services without a deployment are left out.
    """
    one, other = _counted(adopters), _counted(others)
    shown = shown_at(len(one), len(other))
    if shown == "counts":
        return _counts_only(outcome, len(one), len(other))
    (k, n), (other_k, other_n) = one.sum(axis=0).tolist(), other.sum(axis=0).tolist()
    interval: Interval | None = None
    if shown == "verdict":
        random = np.random.default_rng(SEED)
        spread = _resampled_shares(one, random) - _resampled_shares(other, random)
        low, high = percentile_interval(spread, expanded_tail(min(len(one), len(other))))
        independent = statistics.proportion_difference(k, n, other_k, other_n)
        if independent is not None:
            low, high = min(low, independent.low), max(high, independent.high)
        interval = 100 * low, 100 * high
    difference = Estimate(100 * (k / n - other_k / other_n), interval)
    return Contrast(
        outcome=outcome,
        adopters_n=len(one),
        others_n=len(other),
        adopters=100 * k / n,
        others=100 * other_k / other_n,
        difference=difference,
        hodges_lehmann=None,
        cliffs_delta=None,
        ratio=None,
        verdict=judge(outcome, shown, difference.side_of(0), len(one), len(other)),
    )


def hodges_lehmann(one: Values, other: Values) -> float:
    """The median of all differences between a value of one side and a value of the other, in their unit."""
    return float(np.median(np.subtract.outer(one, other)))


def cliffs_delta(one: Values, other: Values) -> float:
    """P(a value of one side is larger) - P(it is smaller), from -1 to 1; ties count for neither. `other` ascends."""
    below = np.searchsorted(other, one, "left").sum()
    above = len(one) * len(other) - np.searchsorted(other, one, "right").sum()
    return float(below - above) / (len(one) * len(other))


def percentile_interval(spread: Values, tail: float = 0.025) -> Interval:
    """The interval that leaves out so large a share of resampled values at either end."""
    low, high = np.quantile(spread, (tail, 1 - tail))
    return float(low), float(high)


def expanded_tail(n: int) -> float:
    """The share to leave out at either end, so that a percentile interval from n >= 2 units is as wide as Student's."""
    return float(special.ndtr(special.stdtrit(n - 1, 0.025) * math.sqrt(n / (n - 1))))


def shown_at(adopters: int, others: int) -> Shown:
    """How much of a comparison may be shown with so many services a side."""
    fewest = min(adopters, others)
    return "counts" if fewest < DOTS_N else "dots" if fewest < VERDICT_N else "verdict"


def judge(outcome: Outcome, shown: Shown, side: int, adopters: int, others: int) -> Verdict:
    """The verdict in words: `side` is 1 where adopters are higher beyond doubt, -1 where lower, 0 where neither."""
    counts = f"{adopters} adopters, {others} others"
    if shown == "counts":
        return Verdict(shown, None, f"too few to compare: {counts}; it takes {DOTS_N} services a side")
    if shown == "dots":
        return Verdict(shown, None, f"no verdict: {counts}; it takes {VERDICT_N} services a side")
    if side == 0:
        return Verdict(shown, None, f"no difference detectable at this n ({counts})")
    direction = "higher" if side > 0 else "lower"
    text = f"adoption is associated with {direction} {outcome.title}"
    if outcome.better == "none":
        return Verdict(shown, None, text)
    change: Change = "better" if outcome.better == direction else "worse"
    return Verdict(shown, change, f"{text}: {change}")


@dataclass(frozen=True)
class Confounder:
    """What else differs between the sides. A number: the median of each side, `value` None. A word: the share of each
    side that has this `value`, from 0 to 1.

    `adopters_n` and `others_n` are the services of which the trait is known. With fewer than 5 on either side the rest
    is None. `apart`, from -1 to 1, is Cliff's delta of numbers and the difference of the shares of words.
    """

    trait: str
    value: str | None
    adopters_n: int
    others_n: int
    adopters: float | None
    others: float | None
    apart: float | None


Traits = Mapping[str, float | str | None]


def confounders(adopters: Collection[Traits], others: Collection[Traits]) -> tuple[Confounder, ...]:
    """Traits of services such as age_years (number) or language (word) side by side, those furthest apart first."""
    found: list[Confounder] = []
    for trait in dict.fromkeys(name for service in (*adopters, *others) for name in service):
        one, other = (
            [value for service in side if (value := service.get(trait)) is not None] for side in (adopters, others)
        )
        if all(isinstance(value, str) for value in (*one, *other)):
            found.extend(_words(trait, [str(value) for value in one], [str(value) for value in other]))
        else:
            found.append(_numbers(trait, [float(value) for value in one], [float(value) for value in other]))
    return tuple(sorted(found, key=lambda row: -abs(row.apart or 0)))


def _numbers(trait: str, adopters: list[float], others: list[float]) -> Confounder:
    if shown_at(len(adopters), len(others)) == "counts":
        return Confounder(trait, None, len(adopters), len(others), None, None, None)
    one, other = np.sort(np.array(adopters)), np.sort(np.array(others))
    return Confounder(
        trait, None, len(one), len(other), float(np.median(one)), float(np.median(other)), cliffs_delta(one, other)
    )


def _words(trait: str, adopters: list[str], others: list[str]) -> list[Confounder]:
    one, other = Counter(adopters), Counter(others)
    if shown_at(len(adopters), len(others)) == "counts":
        return [Confounder(trait, None, len(adopters), len(others), None, None, None)]
    return [
        Confounder(trait, value, len(adopters), len(others), share, other_share, share - other_share)
        for value in sorted(one.keys() | other.keys())
        for share, other_share in [(one[value] / len(adopters), other[value] / len(others))]
    ]


def _counts_only(outcome: Outcome, adopters: int, others: int) -> Contrast:
    verdict = judge(outcome, "counts", 0, adopters, others)
    return Contrast(outcome, adopters, others, None, None, None, None, None, None, verdict)


def _known(side: Mapping[str, float | None]) -> Values:
    return np.sort(np.array([value for value in side.values() if value is not None], dtype=np.float64))


def _counted(side: Mapping[str, tuple[int, int]]) -> Counts:
    # ordered by name: the same services give the same interval in whatever order they are asked for
    return np.array([side[name] for name in sorted(side) if side[name][1]], dtype=np.int64).reshape(-1, 2)


def _resampled_medians(ordered: Values, random: np.random.Generator) -> Values:
    drawn = random.integers(0, len(ordered), (RESAMPLES, len(ordered)), dtype=np.int32)
    medians: Values = np.median(ordered[drawn], axis=1)
    return medians


def _resampled_shares(counted: Counts, random: np.random.Generator) -> Values:
    drawn = random.integers(0, len(counted), (RESAMPLES, len(counted)), dtype=np.int32)
    shares: Values = counted[:, 0][drawn].sum(axis=1) / counted[:, 1][drawn].sum(axis=1)
    return shares
