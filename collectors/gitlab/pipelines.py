"""The feeds of pipelines and of their children, with all jobs.

GraphQL tells the jobs, and lists pipelines by when they were made only; REST lists them by when they changed, newest
first, and tells no jobs. So a page of REST says which stretch of time comes next, and GraphQL is asked for that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from dxmetrics.collectors.feeds import Feed, Position, Probe, Slice
from dxmetrics.http import PageSize
from dxmetrics.records import Job, PipelineRun

from . import queries
from .api import Listing, Node, explained, nodes, number_of
from .runs import has_begun, times
from .slices import MILLISECOND, Place, Rows, instant, rest_page, rest_slice, written

READ = "pipelines"
CHILDREN = "parent_pipeline"  # pipelines that another of the same project started: only listed when asked for so
USUAL, FEWEST = 50, 2


def pipelines(place: Place, config: str, probe: Probe | None) -> Feed:
    """The feed of pipelines; `config` is the file that describes them."""
    return Feed(READ, (PipelineRun, Job), partial(_read, place, config, READ, None), by_time=True, probe=probe)


def children(place: Place, config: str, probe: Probe | None) -> Feed:
    """The feed of pipelines that were started by another of the same project."""
    return Feed("children", (), partial(_read, place, config, "children", CHILDREN), by_time=True, probe=probe)


def _read(place: Place, config: str, feed: str, source: str | None, position: Position) -> Slice:
    """The next pipelines below a position. One that changed meanwhile is left to the next collection: it is new."""
    with explained(place.path, READ):
        listing = rest_page(place, feed, "pipelines", position, source=source)
        size = PageSize(int(position.memo.get("size") or USUAL), FEWEST)
        found = list(_of_stretch(place, listing, source, size)) if listing.rows else []
    rows = _rows(place, config, listing.rows, {number_of(node): node for node in found})
    return rest_slice(
        place,
        feed,
        position,
        listing,
        rows=rows,
        memo={"size": size.value} if size.value != USUAL else {},
        notes=place.api.missing("Pipeline", "CiJob"),
    )


def _of_stretch(place: Place, listing: Listing, source: str | None, size: PageSize) -> Iterator[Node]:
    """The pipelines that changed between the oldest and the newest of a listing, with all their jobs."""
    changed = [instant(row["updated_at"]) for row in listing.rows]
    stretch = {
        "path": place.path,
        "from": written(min(changed)),
        "to": written(max(changed) + MILLISECOND),
        "source": source,
    }
    pages = place.api.pages(queries.PIPELINES, ("project", "pipelines"), place.path, size, **stretch)
    for found, _ in pages:
        place.api.complete([(node, queries.JOBS) for node in found], "Pipeline", path=place.path)
        yield from found


def _rows(place: Place, config: str, runs: Sequence[Node], found: Mapping[str, Node]) -> Rows:
    """The payloads of pipelines that both tell of, and of their jobs."""
    rows: Rows = {PipelineRun: [], Job: []}
    for run in runs:
        name = str(run["id"])
        if name not in found:
            continue
        node = found[name]
        own = {key: value for key, value in node.items() if key != "jobs"}
        rows[PipelineRun].append({"repository": place.id, "config": config, "run": run, "node": own, **times(node)})
        rows[Job] += _jobs(place, name, nodes(node.get("jobs")))
    return rows


def _jobs(place: Place, run: str, listed: Sequence[Node]) -> Iterator[dict[str, Any]]:
    """The payloads of a pipeline's jobs: one that was run again is there as often, the later ones with higher ids."""
    attempts: Counter[str] = Counter()
    for one in sorted(listed, key=lambda one: int(number_of(one))):
        attempts[one["name"]] += 1
        if has_begun(one):
            url = f"{place.web}/-/jobs/{number_of(one)}" if one.get("webPath") else None
            yield {"pipeline_run": run, "attempt": attempts[one["name"]], "url": url, "job": one}
