"""For those who run it: is it alive, is it ready, and how is it doing (Prometheus)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from dxmetrics.errors import DxError, StateError, WarehouseError
from dxmetrics.lease import LEASE
from dxmetrics.metrics import Health, Metrics

if TYPE_CHECKING:
    from prometheus_client import Metric

    from dxmetrics.api.stores import Stores

STEPS = 500  # newest entries of the run log that are looked at for durations


def routes(stores: Stores) -> list[Route]:
    """`/healthz`, `/readyz` and `/metrics`."""

    def ready(_request: Request) -> JSONResponse:
        return _ready(stores)

    def metrics(_request: Request) -> PlainTextResponse:
        return PlainTextResponse(_exposition(stores), media_type=CONTENT_TYPE_LATEST)

    return [Route("/healthz", alive), Route("/readyz", ready), Route("/metrics", metrics)]


async def alive(_request: Request) -> PlainTextResponse:
    """200 while this process answers."""
    return PlainTextResponse("ok\n")


def _ready(stores: Stores) -> JSONResponse:
    """200 while pushes can be written down; which publication is shown, and which worker works."""
    try:
        waiting, worker = stores.state.inbox.depth(), stores.state.leases.holder(LEASE)
    except StateError as error:
        return JSONResponse({"ready": False, "error": str(error)}, 503)
    metrics = _metrics(stores)
    return JSONResponse(
        {
            "ready": True,
            "inbox": waiting,
            "worker": worker,
            "publication": metrics.data_version if metrics else None,
            "data_to": metrics.as_of.isoformat() if metrics else None,
        }
    )


def _exposition(stores: Stores) -> str:
    """Ages of sources, depth of the inbox, durations of steps, in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_State(stores))
    return generate_latest(registry).decode()


def _metrics(stores: Stores) -> Metrics | None:
    try:
        return Metrics.open(stores.project.data)
    except WarehouseError:
        return None  # nothing is published yet


class _State(Collector):
    """Everything as it is now; read when asked."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def collect(self) -> Iterator[Metric]:
        try:
            yield from self._of_state()
            yield _gauge("dxmetrics_state_up", "Whether the state store can be used", [((), 1)])
        except DxError:
            yield _gauge("dxmetrics_state_up", "Whether the state store can be used", [((), 0)])
        metrics = _metrics(self._stores)
        if metrics is not None:
            yield from _of_publication(metrics.health())

    def _of_state(self) -> Iterator[Metric]:
        state = self._stores.state
        yield _gauge("dxmetrics_inbox_depth", "Deliveries that wait to be landed", [((), state.inbox.depth())])
        failed: dict[str, int] = {}
        for one in state.inbox.failures():
            failed[one.endpoint] = failed.get(one.endpoint, 0) + one.deliveries
        yield _gauge(
            "dxmetrics_inbox_unmapped",
            "Deliveries that could not be mapped and are kept",
            [((endpoint,), count) for endpoint, count in failed.items()],
            ("endpoint",),
        )
        yield _gauge(
            "dxmetrics_worker_up", "Whether a worker holds the lease", [((), state.leases.holder(LEASE) is not None)]
        )
        entries = state.schedule.entries().values()
        yield _gauge(
            "dxmetrics_source_failures",
            "How often a source ended badly since it last ended well",
            [((entry.source,), entry.failures) for entry in entries],
            ("source",),
        )
        yield _gauge(
            "dxmetrics_source_next_timestamp_seconds",
            "When a source is due next",
            [((entry.source,), entry.next_at.timestamp()) for entry in entries if entry.next_at],
            ("source",),
        )
        yield from self._durations()

    def _durations(self) -> Iterator[Metric]:
        steps: dict[tuple[str, ...], float] = {}
        for entry in self._stores.state.run_log.latest(STEPS):
            if entry.seconds is not None:
                steps.setdefault((entry.step, entry.source or ""), entry.seconds)
        yield _gauge(
            "dxmetrics_step_seconds",
            "How long a step took the last time",
            list(steps.items()),
            ("step", "source"),
        )


def _of_publication(health: Health) -> Iterator[Metric]:
    published = health.facts.get("published_at")
    if published:
        at = datetime.fromisoformat(str(published)).timestamp()
        yield _gauge("dxmetrics_publication_timestamp_seconds", "When the newest numbers were published", [((), at)])
    yield _gauge(
        "dxmetrics_source_success_timestamp_seconds",
        "When a source was last read whole",
        [((row["source"],), row["last_success_at"].timestamp()) for row in health.sources if row["last_success_at"]],
        ("source",),
    )
    yield _gauge(
        "dxmetrics_source_scopes_not_ok",
        "Scopes of a source whose last run did not end well",
        [((row["source"],), row["scopes_not_ok"]) for row in health.sources if "scopes_not_ok" in row],
        ("source",),
    )


def _gauge(
    name: str, about: str, samples: list[tuple[tuple[str, ...], float]], labels: tuple[str, ...] = ()
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, about, labels=labels)
    for values, value in samples:
        family.add_metric(values, float(value))
    return family
