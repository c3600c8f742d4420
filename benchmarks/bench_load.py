"""Loading 1M records: validation, Arrow and merge; then the same again, and a tenth of them changed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.measurement import Measurement, hand_over, peak_memory, timed
from dxmetrics.collectors import Page, Scope
from dxmetrics.records import Change, Job, Record
from dxmetrics.warehouse import Loader, open_writer

ROWS = 1_000_000
PAGE = 50_000
START = datetime(2025, 1, 1, tzinfo=UTC)
RATE = 100_000
MEMORY = 600

NOW = START + timedelta(days=365)


def job(number: int) -> dict[str, Any]:
    """One CI job as a collector hands it on."""
    started = START + timedelta(seconds=number * 20)
    return {
        "ext_id": f"job-{number}",
        "pipeline_run": f"run-{number // 5}",
        "name": f"test ({number % 7})",
        "task_type": "test",
        "runner": f"runner-{number % 40}",
        "result": "failure" if number % 11 == 0 else "success",
        "queued_at": started - timedelta(seconds=number % 90),
        "started_at": started,
        "finished_at": started + timedelta(seconds=60 + number % 600),
        "updated_at": started + timedelta(seconds=60 + number % 600),
    }


def change(number: int) -> dict[str, Any]:
    """One pull request as a collector hands it on."""
    opened = START + timedelta(seconds=number * 20)
    return {
        "ext_id": f"change-{number}",
        "url": f"https://example.org/pulls/{number}",
        "repository": f"repository-{number % 200}",
        "number": number,
        "title": f"Change number {number}",
        "state": "merged",
        "author": f"account-{number % 2000}",
        "opened_at": opened.isoformat(),
        "merged_at": (opened + timedelta(hours=number % 70)).isoformat(),
        "updated_at": (opened + timedelta(hours=number % 70)).isoformat(),
        "merge_sha": f"{number:040x}",
        "head_sha": f"{number:039x}f",
        "base_branch": "main",
        "lines_added": number % 700,
        "lines_deleted": number % 300,
        "labels": ["bug"] if number % 9 == 0 else [],
    }


def _pages(record: type[Record], make: Any, rows: int, salt: int = 0) -> Iterator[Page]:
    for first in range(0, rows, PAGE):
        payloads = [make(number) for number in range(first, min(first + PAGE, rows))]
        for payload in payloads[: len(payloads) * salt // 100]:
            payload["updated_at"] = NOW
        yield Page({record: payloads}, cursor={"next": first + PAGE})


def _load(loader: Loader, pages: Iterator[Page]) -> tuple[float, str]:
    """Rows a second spent in the loader, and a sentence with that of the processor and the rows that were changed."""
    seconds, cpu_seconds, changed = 0.0, 0.0, 0
    for page in pages:
        with timed() as watch:
            changed += loader.write(Scope("all", "all"), page).changed
        seconds += watch.seconds
        cpu_seconds += watch.cpu_seconds
    rate = ROWS / seconds
    return rate, f"{rate:,.0f} rows/s, {ROWS / cpu_seconds:,.0f} rows/cpu s, {changed:,} changed"


def measure() -> Iterator[Measurement]:
    """Rates of a first load, a re-read and an update, and the peak memory."""
    with tempfile.TemporaryDirectory() as folder:
        connection = open_writer(Path(folder), memory_limit="300MB", threads=2)
        loader = Loader(connection, "bench", clock=lambda: NOW, keeps_payloads=False)
        for record, make in ((Job, job), (Change, change)):
            name = f"{ROWS:,} {record.__name__} records"
            rate, said = _load(loader, _pages(record, make, ROWS))
            yield Measurement(f"load {name}", said, f">= {RATE:,} rows/s", rate >= RATE)
            if record is Job:
                yield Measurement("peak memory", f"{peak_memory():.0f} MB", f"<= {MEMORY} MB", peak_memory() <= MEMORY)
            yield Measurement(f"read {name} again", _load(loader, _pages(record, make, ROWS))[1])
            said = _load(loader, _pages(record, make, ROWS, salt=10))[1]
            yield Measurement(f"a tenth of {name} changed", said)
        yield Measurement("peak memory of all", f"{peak_memory():.0f} MB")
        connection.close()


if __name__ == "__main__":
    hand_over(measure())
