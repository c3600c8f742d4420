"""Collecting 10,000 pull requests in 100 repositories from the fake GitHub on loopback, served by another process.

The first synchronisation of requests alone and of everything, and a poll when nothing is new.
"""

from __future__ import annotations

import multiprocessing
import resource
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks.measurement import Measurement, hand_over, timed
from dxmetrics import pipeline
from dxmetrics.project import Project
from tests.fakes.github import Server, generate
from tests.fakes.github.world import START

QUIET = timedelta(hours=1)  # since the last change: what changed within the overlap of two looks is not idle
REPOSITORIES = 100
PULLS = 10_000
GOAL_REQUESTS = 50
GOAL_POINTS = 3
GOAL_RECORDS = 5_000
GOAL_MEGABYTES = 400


def serve(pipe: Connection) -> None:
    """The fake's process: tells its address, then answers `counts` (and counts anew) until told to end."""
    world = generate(
        repositories=REPOSITORIES, pulls=PULLS, runs=PULLS // 5, deployments=PULLS // 10, issues=PULLS // 20, days=400
    )
    world.wait(seconds=QUIET.total_seconds())
    with Server(world) as server:
        pipe.send(server.url)
        while pipe.recv() == "counts":
            pipe.send((dict(server.requests), dict(server.points)))
            server.reset_counts()


@dataclass
class Host:
    """The other process."""

    pipe: Connection
    url: str

    def counts(self) -> tuple[dict[str, int], dict[str, int]]:
        """Requests and points since the last time."""
        self.pipe.send("counts")
        found: tuple[dict[str, int], dict[str, int]] = self.pipe.recv()
        return found


def collected(project: Project) -> tuple[int, float]:
    """Rows read by one collection, and its seconds."""
    with timed() as took:
        done = pipeline.collect(project, clock=clock)
    if done.failed:
        raise RuntimeError(done.failed[0].error)
    return sum(scope.rows_read for scope in done.scopes), took.seconds


def clock() -> datetime:
    """The fake's time stands still."""
    return START + QUIET


def project(folder: Path, url: str, reads: str) -> Project:
    """A project that reads all of the fake's organisation."""
    folder.mkdir()
    text = f'[sources.github]\nkind = "github"\nurl = "{url}"\norganisations = ["acme"]\nmirror = false\n{reads}\n'
    (folder / "dx.toml").write_text(text)
    return Project.find(folder, {"DX_GITHUB__TOKEN": "t"})


def measurements() -> Iterator[Measurement]:
    """Requests and points, records a second, memory."""
    ours, theirs = multiprocessing.Pipe()
    context: Any = multiprocessing.get_context("spawn")
    process = context.Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    host = Host(ours, ours.recv())
    with tempfile.TemporaryDirectory() as temporary:
        changes = project(Path(temporary) / "changes", host.url, 'reads = ["changes"]')
        rows, seconds = collected(changes)
        requests, points = host.counts()
        asked = requests["graphql"]
        per_thousand = asked / PULLS * 1_000
        yield Measurement(
            f"first sync of {PULLS:,} requests in {REPOSITORIES} repositories, {rows:,} records",
            f"{seconds:.1f} s, {rows / seconds:,.0f} records/s",
            f">= {GOAL_RECORDS:,} records/s",
            rows / seconds >= GOAL_RECORDS,
        )
        yield Measurement(
            "questions per 1,000 requests, the listing and CODEOWNERS among them",
            f"{per_thousand:.0f}; {points['graphql'] / PULLS * 1_000:.0f} points",
            f"<= {GOAL_REQUESTS}",
            per_thousand <= GOAL_REQUESTS,
        )
        everything = project(Path(temporary) / "everything", host.url, "")
        rows, seconds = collected(everything)
        requests, points = host.counts()
        told = f"{seconds:.1f} s, {rows / seconds:,.0f} records/s, {requests['graphql']} + {requests['rest']} requests"
        yield Measurement(f"first sync of everything, {rows:,} records", told)
        _, seconds = collected(everything)
        host.counts()
        _, seconds = collected(everything)
        requests, points = host.counts()
        spent = points.get("graphql", 0) + points.get("core", 0)
        told = f"{spent} points, {requests.get('rest', 0)} free 304s, {seconds:.2f} s"
        yield Measurement(
            f"idle poll of {REPOSITORIES} repositories", told, f"<= {GOAL_POINTS} points", spent <= GOAL_POINTS
        )
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield Measurement(
        "peak memory of collecting", f"{megabytes:.0f} MB", f"<= {GOAL_MEGABYTES} MB", megabytes <= GOAL_MEGABYTES
    )
    host.pipe.send("end")
    process.join(timeout=10)


if __name__ == "__main__":
    hand_over(measurements())
