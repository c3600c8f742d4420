"""Adopters against others at 1,000 services: 5,000 resamples of each comparison, and before against after.

Half the services adopted, in 26 different weeks; what is measured is the arithmetic, without the queries.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

import numpy as np

from benchmarks.measurement import Measurement, at_most, hand_over, timed
from dxmetrics.metrics import adopters, before_after
from dxmetrics.metrics.adopters import Outcome
from dxmetrics.metrics.periods import Window

SERVICES, COHORTS = 1_000, 26
GOAL = 1.0
LEAD_TIME, FAIL_RATE = Outcome("lead time", "hours", "lower"), Outcome("change fail rate", "%", "lower")


def measure() -> Iterator[Measurement]:
    """Each comparison of the page Does it help."""
    random = np.random.default_rng(1)
    names = [f"service {place}" for place in range(SERVICES)]
    hours = dict(zip(names, np.exp(random.normal(3, 0.8, SERVICES)).tolist(), strict=True))
    counts = {name: (int(random.binomial(n, 0.1)), int(n)) for name in names for n in [random.integers(5, 200)]}
    one, other = names[: SERVICES // 2], names[SERVICES // 2 :]
    with timed() as watch:
        adopters.compare_medians(
            {name: hours[name] for name in one}, {name: hours[name] for name in other}, LEAD_TIME, is_duration=True
        )
    yield at_most(f"medians of {SERVICES:,} services", watch, GOAL)
    with timed() as watch:
        adopters.compare_shares({name: counts[name] for name in one}, {name: counts[name] for name in other}, FAIL_RATE)
    yield at_most(f"fail rates of {SERVICES:,} services", watch, GOAL)
    start = date(2025, 9, 1)
    adopted_on: dict[str, date | None] = {
        name: start + timedelta(weeks=place % COHORTS) if place < SERVICES // 2 else None
        for place, name in enumerate(names)
    }

    def known(_start: date, _end: date) -> Mapping[str, float | None]:
        return dict(zip(names, np.exp(random.normal(3, 0.8, SERVICES)).tolist(), strict=True))

    observed = Window(start - timedelta(weeks=20), start + timedelta(weeks=COHORTS + 20))
    with timed() as watch:
        before_after.before_after(adopted_on, observed, known, LEAD_TIME)
    yield at_most(f"before and after of {SERVICES:,} services in {COHORTS} cohorts", watch, GOAL)


if __name__ == "__main__":
    hand_over(measure())
