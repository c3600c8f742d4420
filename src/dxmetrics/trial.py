"""Trying a source: what the rules of dx.toml make of it, before anything is kept.

What is collected already is looked at under the rules as they are now. A source that is not collected yet is asked for
the newest rows of a few scopes, into a warehouse that is thrown away.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dxmetrics import models, pipeline, warehouse
from dxmetrics.errors import CollectError
from dxmetrics.metrics import Metrics
from dxmetrics.pipeline import Listener
from dxmetrics.pipeline.events import silent

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from dxmetrics.metrics.results import Matches
    from dxmetrics.project import Project


@dataclass(frozen=True)
class Trial:
    """What was looked at, in words, what the rules make of it, and what could not be read."""

    looked_at: str
    matches: Matches
    failures: tuple[str, ...] = ()


def try_source(
    project: Project,
    name: str,
    *,
    scopes: int,
    fresh: bool = False,
    clock: Callable[[], datetime] = pipeline.utc_now,
    listen: Listener = silent,
) -> Trial:
    """Try one configured source; SettingsError where it is not, CollectError where nothing of it can be read.

    `fresh`: ask the source even where it is collected already.
    """
    published = None if fresh else warehouse.latest(project.data)
    with tempfile.TemporaryDirectory(prefix="dxmetrics-") as folder:
        tried = replace(project, data=Path(folder))
        failures: tuple[str, ...] = ()
        copied = warehouse.copy_source(published.path, tried.data, name, clock()) if published else 0
        if copied:
            looked_at = "what is collected already, under the rules as they are now"
        else:
            collection = pipeline.sample_source(tried, name, scopes=scopes, clock=clock, listen=listen)
            failures = tuple(dict.fromkeys(str(scope.error) for scope in collection.failed))
            if len(collection.failed) == len(collection.scopes):
                raise CollectError("\n".join(failures) or f"{name}: it has no scope: name what it should read")
            looked_at = f"the newest rows of {pipeline.counted(len(collection.scopes), 'scope')}, read just now"
        pipeline.build(tried, content=models.read(project.roots), clock=clock)
        pipeline.publish(tried, clock=clock)
        return Trial(looked_at, Metrics.open(tried.data).matches(name), failures)
