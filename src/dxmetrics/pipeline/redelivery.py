"""Asking vendors to send again the webhooks that did not arrive. Polling stays the guarantee; this makes it sooner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dxmetrics.collectors import Context
from dxmetrics.errors import CollectError
from dxmetrics.pipeline.steps import Clock, utc_now
from dxmetrics.sources import configured

if TYPE_CHECKING:
    from datetime import datetime

    from dxmetrics.project import Project


def redeliver(project: Project, since: datetime, *, clock: Clock = utc_now) -> dict[str, tuple[str, ...]]:
    """What there is to say, by source, of the webhooks since then that failed: how many were asked for, or why not."""
    said = {}
    for source in configured(project):
        if getattr(source.settings, "webhook_secret", None) is None:
            continue
        context = Context(clock, project.source_folder(source.name), project_folder=project.folder)
        collector = source.collector(source.name, source.settings, context)
        try:
            said[source.name] = collector.redeliver(since)
        except CollectError as error:
            said[source.name] = (str(error),)
        finally:
            collector.close()
    return said
