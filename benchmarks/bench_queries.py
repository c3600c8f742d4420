"""Every query of the Delivery page at 1M changes, 200k deployments and 20k incidents: the median of several calls each.

The warehouse is built from the repository's own `sql/`; nothing is cached between calls.
"""

from __future__ import annotations

import os
import statistics
import tempfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

from benchmarks.generate import END, generate
from benchmarks.measurement import Measurement, hand_over, timed
from dxmetrics import models, warehouse
from dxmetrics.metrics import Metrics
from dxmetrics.pipeline import derivations
from dxmetrics.settings import Settings, variables

ROOT = Path(__file__).parents[1]
CALLS, GOAL = 7, 0.1

CARDS = (
    "deployment_frequency", "change_lead_time", "change_fail_rate", "failed_deployment_recovery_time",
    "deployment_rework_rate",
)  # fmt: skip


def measure() -> Iterator[Measurement]:
    """The median time of each query of the page, and of all of them together."""
    with tempfile.TemporaryDirectory() as folder:
        metrics = publication(Path(folder))
        total = 0.0
        for name, ask in delivery(metrics).items():
            seconds = median_seconds(ask)
            total += seconds
            yield Measurement(name, f"{seconds * 1000:.0f} ms", f"p50 <= {GOAL * 1000:.0f} ms", seconds <= GOAL)
        yield Measurement("all queries of the page, uncached", f"{total:.2f} s")


def delivery(metrics: Metrics) -> dict[str, Callable[[], object]]:
    """The queries of the Delivery page by name, over the usual 13 weeks."""
    until = metrics.as_of.date() + timedelta(days=1)
    queries: dict[str, Callable[[], object]] = {}
    for name in CARDS:
        queries[f"{name}: value"] = partial(metrics.query, name)
        queries[f"{name}: by week"] = partial(metrics.query, name, period="week", end=until)
        queries[f"{name}: comparison"] = partial(metrics.compare, name)
        queries[f"{name}: band"] = partial(metrics.band, name)
    queries["deployments: by week"] = partial(metrics.query, "deployments", period="week", end=until)
    queries["stages: by team"] = partial(metrics.query, "change_cycle_stages", by=("team",))
    queries["deployments: by week and service"] = partial(
        metrics.query, "deployments", period="week", by=("service", "team")
    )
    for name in ("change_lead_time", "time_to_first_review", "change_fail_rate", "failed_deployment_recovery_time"):
        queries[f"{name}: by service"] = partial(metrics.query, name, by=("service",))
    team = metrics.values("team")[0]
    queries["change_lead_time: one team"] = partial(metrics.query, "change_lead_time", where={"team": [team]})
    queries["change_lead_time: receipt"] = partial(metrics.explain, "change_lead_time")
    queries["services to filter by"] = partial(metrics.values, "service")
    return queries


def median_seconds(ask: Callable[[], object]) -> float:
    """The median of several calls after a first one."""
    ask()
    taken = []
    for _ in range(CALLS):
        with timed() as watch:
            ask()
        taken.append(watch.seconds)
    return statistics.median(taken)


def publication(data: Path) -> Metrics:
    """A published warehouse of that size (times BENCH_SCALE)."""
    connection = warehouse.open_writer(data, memory_limit="1GB", threads=2)
    generate(connection, float(os.environ.get("BENCH_SCALE", "1")))
    settings = Settings()
    models.build(connection, models.read([ROOT]).models, variables(settings), derivations(settings), clock=lambda: END)
    warehouse.publish(connection, data, lambda: END)
    connection.close()
    return Metrics.open(data)


if __name__ == "__main__":
    hand_over(measure())
