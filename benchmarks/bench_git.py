"""Collecting a git repository against `git log` itself on the same one.

`DX_BENCH_REPOSITORY` names a repository; without it one of 30,000 commits is made: merges, squashes, releases.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measurement import Measurement, hand_over, timed
from dxmetrics import collectors
from dxmetrics.collectors import Collector, Context, Cursor
from dxmetrics.project import builtin_root

LOG = ("log", "-z", "--use-mailmap", "--format=%H%n%P%n%at%n%ct%n%aN%n%aE%n%cN%n%cE%n%B", "--branches", "--tags")
CHANGES = 10_000
START = 1_600_000_000
GOAL = 2.0


def fast_import(changes: int) -> Iterator[str]:
    """A history for `git fast-import`: each change two commits on a branch, merged, and a release each 50 changes."""
    mark = 0
    main = 0

    def commit(branch: str, at: int, subject: str, parents: tuple[int, ...]) -> str:
        nonlocal mark
        mark += 1
        person = f"Person {at % 97} <person{at % 97}@example.org> {at} +0000"
        links = "".join(
            f"{word} :{parent}\n" for word, parent in zip(("from", "merge"), parents, strict=False) if parent
        )
        return (
            f"commit refs/heads/{branch}\nmark :{mark}\nauthor {person}\ncommitter {person}\n"
            f"data {len(subject)}\n{subject}\n{links}\n"
        )

    for number in range(1, changes + 1):
        at = START + number * 600
        side = main
        for step in (1, 2):
            yield commit("side", at + step, f"step {step} of {number}", (side,))
            side = mark
        yield commit("main", at + 60, f"Merge pull request #{number} from someone/branch-{number}", (main, side))
        main = mark
        if number % 50 == 0:
            yield f"tag v1.{number // 50}.0\nfrom :{main}\ntagger T <t@example.org> {at + 90} +0000\ndata 1\nr\n"


def made_repository(folder: Path) -> Path:
    """A bare repository with the made history."""
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(folder)], check=True)
    history = "".join(fast_import(CHANGES)).encode()
    subprocess.run(["git", "-C", str(folder), "fast-import", "--quiet"], input=history, check=True)
    subprocess.run(["git", "-C", str(folder), "update-ref", "-d", "refs/heads/side"], check=True)
    return folder


def collected(source: Collector, cursor: Cursor | None) -> tuple[int, Cursor | None]:
    """Rows of one collection of the only scope, and the cursor after it."""
    (scope,) = source.scopes()
    rows = 0
    for page in source.collect(scope, cursor):
        rows += sum(map(len, page.rows.values()))
        cursor = page.cursor or cursor
    return rows, cursor


def measurements() -> Iterator[Measurement]:
    """`git log`, a first collection, and one with nothing new."""
    collectors.extend_path([builtin_root() / "collectors"])
    kind = collectors.load("git")
    with tempfile.TemporaryDirectory() as temporary:
        given = os.environ.get("DX_BENCH_REPOSITORY")
        repository = Path(given) if given else made_repository(Path(temporary) / "made.git")
        with timed() as log:
            subprocess.run(["git", "-C", str(repository), *LOG], stdout=subprocess.DEVNULL, check=True)
        context = Context(lambda: datetime.now(UTC), Path(temporary) / "mirrors", project_folder=Path(temporary))
        settings = kind.Settings.model_validate({"kind": "git", "repositories": [str(repository)]})
        source = kind("git", settings, context)
        with timed() as first:
            rows, cursor = collected(source, None)
        with timed() as again:
            unchanged, _ = collected(source, cursor)
    ratio = first.seconds / log.seconds
    yield Measurement("`git log` of branches and tags", f"{log.seconds:.2f} s")
    yield Measurement(
        f"first collection, {rows:,} rows", f"{first.seconds:.2f} s, {ratio:.1f} x git log", "<= 2 x", ratio <= GOAL
    )
    yield Measurement(f"collection with nothing new, {unchanged} rows", f"{again.seconds:.2f} s")


if __name__ == "__main__":
    hand_over(measurements())
