"""Building the whole of `sql/` at 1M changes, 5M jobs, 200k deployments, 20k incidents; then with nothing and with
1,000 rows changed, by the same Loader that collecting uses."""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.generate import END, SCOPE, SOURCE, generate
from benchmarks.measurement import Measurement, at_most, hand_over, peak_memory, timed
from dxmetrics import models
from dxmetrics.collectors import Page, Scope
from dxmetrics.models import BuildReport
from dxmetrics.pipeline import derivations
from dxmetrics.records import Change, Deployment, Record, Review
from dxmetrics.settings import Settings, variables
from dxmetrics.warehouse import Loader, open_writer, publish
from dxmetrics.warehouse.schema import layout

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ROOT = Path(__file__).parents[1]
CHANGED = 1_000


def _build(connection: DuckDBPyConnection) -> BuildReport:
    content = models.read([ROOT])
    settings = Settings()
    return models.build(connection, content.models, variables(settings), derivations(settings), clock=lambda: END)


def _change(connection: DuckDBPyConnection, record: type[Record], assignment: str) -> int:
    """Load the newest rows of a table again with another value; the number of rows changed."""
    shape = layout(record)
    found = connection.execute(
        f"""
        select * replace ({assignment}) from (select columns(* exclude (source, scope, payload, content_hash, batch_id,
            collected_at, deleted_at)) from landing.{shape.table} order by rowid desc limit {CHANGED})
        """
    )
    names = [column[0] for column in found.description or ()]
    payloads: list[dict[str, Any]] = [
        {name: value for name, value in zip(names, row, strict=True) if value is not None} for row in found.fetchall()
    ]
    loader = Loader(connection, SOURCE, clock=lambda: END, keeps_payloads=False)
    return loader.write(Scope(SCOPE, SCOPE), Page({record: payloads})).updated


def _explain(report: BuildReport) -> None:
    """With BENCH_VERBOSE set, the slowest models of a build, on standard error."""
    if not os.environ.get("BENCH_VERBOSE"):
        return
    for one in sorted(report.models, key=lambda one: one.seconds, reverse=True)[:12]:
        sys.stderr.write(f"  {one.seconds:7.3f} s  {one.mode:12} {one.rows or '':>10}  {one.name}\n")


def measure() -> Iterator[Measurement]:
    """Seconds of a full build, an unchanged one and three with 1,000 changed rows."""
    scale = float(os.environ.get("BENCH_SCALE", "1"))
    with tempfile.TemporaryDirectory() as folder:
        connection = open_writer(Path(folder), memory_limit="1GB", threads=2)
        with timed() as watch:
            generate(connection, scale)
            connection.execute("checkpoint")
        yield Measurement(f"generate landing, scale {scale:g}", f"{watch.seconds:.1f} s")
        # pyarrow imports pandas at the first array it makes: the start of a process is no part of a build
        importlib.import_module("pandas")
        with timed() as full:
            report = _build(connection)
        _explain(report)
        note = f" ({len(report.rebuilt)} models, peak {peak_memory():.0f} MB)"
        yield at_most("full build, 1 GB, 2 threads", full, 5, note)
        with timed() as watch:
            report = _build(connection)
        _explain(report)
        yield at_most("build, nothing changed", watch, 0.3, f" ({len(report.rebuilt)} models)")
        for record, assignment in (
            (Change, "title || '!' as title"),
            (Change, "merged_at + interval 1 minute as merged_at"),
            (Review, "submitted_at + interval 1 minute as submitted_at"),
            (Deployment, "finished_at + interval 1 minute as finished_at"),
        ):
            changed = _change(connection, record, assignment)
            with timed() as watch:
                report = _build(connection)
            _explain(report)
            column = assignment.rpartition(" ")[2]
            name = f"build, {changed:,} rows of {layout(record).table} with another {column}"
            yield at_most(name, watch, full.seconds / 10, f" ({len(report.rebuilt)} models)")
        with timed() as watch:
            publish(connection, Path(folder), lambda: END)
        size = (Path(folder) / "dx.duckdb").stat().st_size / 1e6
        yield Measurement("publish", f"{watch.seconds:.2f} s ({size:,.0f} MB)")
        connection.close()


if __name__ == "__main__":
    hand_over(measure())
