"""DORA's answer bands and scores (its quick check; Four Keys for frequency): pure functions, and a metric's band.

A band says which answer of DORA's questionnaire a number corresponds to. There is no overall level: the scores' means
exist for comparison with DORA's published benchmark only.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from dxmetrics.metrics.definition import Definition
from dxmetrics.metrics.results import Cell

FREQUENCY_LABELS = {
    6: "on demand",
    5: "about daily",
    4: "daily to weekly",
    3: "weekly to monthly",
    2: "monthly to six-monthly",
    1: "rarer than six-monthly",
}
DURATION_LABELS = {
    6: "less than one hour",
    5: "less than one day",
    4: "one day to one week",
    3: "one week to one month",
    2: "one to six months",
    1: "more than six months",
}
PERCENT_LABELS = {6: "0-15 %", 5: "16-30 %", 4: "31-45 %", 3: "46-60 %", 2: "61-75 %", 1: "76-100 %"}

DURATION_LIMITS = ((1, 6), (24, 5), (168, 4), (730, 3), (4380, 2))  # hours; a month is 730
PERCENT_LIMITS = ((15, 6), (30, 5), (45, 4), (60, 3), (75, 2))
DURATION_BANDS = ("change_lead_time", "recovery_time", "failed_deployment_recovery_time", "duration")
FREQUENCY_BANDS = ("deployment_frequency",)
PERCENT_BANDS = ("change_fail_rate", "deployment_rework_rate", "rework_rate", "percent")
NOT_ENOUGH = "not enough data"


@dataclass(frozen=True)
class Band:
    """The answer a value corresponds to: code 6 (best) to 1, its words, and DORA's score of 0 to 10.

    Where there are too few events `code` and `score` are None, `label` is "not enough data", and `reason` says what
    is missing.
    """

    metric: str
    code: int | None
    label: str
    score: float | None
    value: float | None
    n: int
    minimum_n: int
    reason: str | None
    source: str = "DORA quick check answers"


@dataclass(frozen=True)
class FrequencyHistory:
    """What the band of deployment frequency is read from; weeks, months and days in the reporting zone.

    `weekly_days` are the deploy days of each complete observed week, `per_active_day` the deployments of each day that
    had any in those weeks, `monthly_days` the deploy days of the last six complete observed months.
    """

    weekly_days: Sequence[int]
    per_active_day: Sequence[int]
    monthly_days: Sequence[int]
    deployments_182_days: int
    observed_days: int


def duration_code(hours: float) -> int:
    """The answer code of a lead or recovery time; bounds are strict, so that 1.0 hour is not under an hour."""
    return next((code for limit, code in DURATION_LIMITS if hours < limit), 1)


def percent_code(percent: float) -> int:
    """The answer code of a fail rate in DORA's ranges until 2022, after rounding to a whole percent."""
    whole = math.floor(percent + 0.5)
    return next((code for limit, code in PERCENT_LIMITS if whole <= limit), 1)


def frequency_code(history: FrequencyHistory, minimum_weeks: int = 4) -> int | None:
    """The answer code of deployment frequency by deploy days; None while history is too short."""
    if len(history.weekly_days) < minimum_weeks:
        return None
    weekly = median(history.weekly_days)
    if weekly >= 3:
        return 6 if history.per_active_day and median(history.per_active_day) >= 2 else 5
    if weekly >= 1:
        return 4
    if not history.monthly_days:
        return None
    if median(history.monthly_days) >= 1:
        return 3
    if history.deployments_182_days >= 1:
        return 2
    return 1 if history.observed_days >= 182 else None


def categorical_score(code: int) -> float:
    """DORA's score of an answer code, 0 to 10 where 10 is best."""
    return (code - 1) / 5 * 10


def percent_score(percent: float) -> float:
    """DORA's score of a percentage of failures or rework, 0 to 10 where 10 is best."""
    return 10 - percent / 10


@dataclass(frozen=True)
class Scores:
    """Means of the answered scores; None where nothing of it is answered (upstream counts those as a perfect 10)."""

    overall: float | None
    throughput: float | None
    stability: float | None


def scores(
    *,
    change_lead_time: int | None = None,
    deployment_frequency: int | None = None,
    recovery_time: int | None = None,
    change_fail_rate: float | None = None,
    deployment_rework_rate: float | None = None,
) -> Scores:
    """DORA's 0 to 10 means from answer codes and percentages; what is unknown is left out, not counted as best."""
    codes = (change_lead_time, deployment_frequency, recovery_time)
    percents = (change_fail_rate, deployment_rework_rate)
    throughput = [categorical_score(code) for code in codes if code is not None]
    stability = [percent_score(percent) for percent in percents if percent is not None]
    return Scores(_mean([*throughput, *stability]), _mean(throughput), _mean(stability))


def _mean(parts: Iterable[float]) -> float | None:
    known = list(parts)
    return sum(known) / len(known) if known else None


def band_of(definition: Definition, cell: Cell) -> Band:
    """The band of a duration's or percentage's cell; that of a frequency needs its history: `frequency_band`."""
    minimum = definition.level_minimum_n
    if cell.value is None or cell.n < minimum:
        reason = cell.reason or f"{cell.n} {definition.entities}, a level needs {minimum}"
        return Band(definition.name, None, NOT_ENOUGH, None, cell.value, cell.n, minimum, reason)
    if definition.band in PERCENT_BANDS:
        code, labels, score = percent_code(cell.value), PERCENT_LABELS, percent_score(cell.value)
    else:
        code = duration_code(cell.value)
        labels, score = DURATION_LABELS, categorical_score(code)
    return Band(definition.name, code, labels[code], score, cell.value, cell.n, minimum, None)


def frequency_band(definition: Definition, cell: Cell, history: FrequencyHistory) -> Band:
    """The band of deployment frequency from its history."""
    minimum = definition.level_minimum_n
    code = frequency_code(history, minimum)
    if code is not None:
        label, score = FREQUENCY_LABELS[code], categorical_score(code)
        return Band(definition.name, code, label, score, cell.value, cell.n, minimum, None)
    weeks = len(history.weekly_days)
    reason = f"insufficient history: {weeks} complete weeks observed"
    reason += f", a level needs {minimum}" if weeks < minimum else " with too few deployments to tell months apart"
    return Band(definition.name, None, NOT_ENOUGH, None, cell.value, cell.n, minimum, reason)
