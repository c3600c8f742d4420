"""The line from sources and the inbox to published pages: collect, drain, build, check, publish; `up` does them all.

This is the only place where collectors and the warehouse meet. Each step opens the warehouse, works in transactions of
its own and leaves it usable, so that a step that was interrupted is simply run again.
"""

from dxmetrics.pipeline.asking import Asking
from dxmetrics.pipeline.backfill import BackFill
from dxmetrics.pipeline.collection import Collection, ScopeResult
from dxmetrics.pipeline.derivations import derivations
from dxmetrics.pipeline.events import (
    Event,
    Listener,
    Noticed,
    ScopeFinished,
    ScopeMoved,
    ScopeStarted,
    SourceSaid,
    StepFinished,
    StepStarted,
)
from dxmetrics.pipeline.pushes import Drained, drain
from dxmetrics.pipeline.redelivery import redeliver
from dxmetrics.pipeline.steps import (
    Outcome,
    build,
    check,
    collect,
    counted,
    has_data,
    publish,
    replay,
    sample_source,
    up,
    utc_now,
)

__all__ = [
    "Asking", "BackFill", "Collection", "Drained", "Event", "Listener", "Noticed", "Outcome", "ScopeFinished",
    "ScopeMoved", "ScopeResult", "ScopeStarted", "SourceSaid", "StepFinished", "StepStarted", "build", "check",
    "collect", "counted", "derivations", "drain", "has_data", "publish", "redeliver", "replay", "sample_source", "up",
    "utc_now",
]  # fmt: skip
