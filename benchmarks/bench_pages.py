"""CPU time of the pages on the sample organisation: the first run after a publication, and reruns with answers kept.

The process's CPU is counted, so the test harness that stands in for the browser is in it: the server needs less.
"""

from __future__ import annotations

import logging
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from streamlit.testing.v1 import AppTest

from benchmarks.measurement import Measurement, hand_over
from dxmetrics import pipeline
from dxmetrics.project import DATA_VARIABLE, FOLDER_VARIABLE, Project, builtin_root
from dxmetrics.ui import warmup

RERUNS, GOAL = 15, 0.050
PAGES = (
    "overview", "delivery", "experience", "adoption", "standards", "does_it_help", "cost", "ai_assistants", "reports",
    "data_health", "definitions",
)  # fmt: skip
MONTHS = {"DX_SAMPLE__MONTHS": "8"}


def measure() -> Iterator[Measurement]:
    """The warm-up, then each page's first run and the median of its reruns."""
    logging.disable(logging.WARNING)  # Streamlit remarks that no server is running
    with tempfile.TemporaryDirectory() as folder:
        project = Project.find(Path(folder), MONTHS)
        pipeline.up(project)
        os.environ |= {FOLDER_VARIABLE: folder, DATA_VARIABLE: str(project.data)}
        started = time.process_time()
        warmup.run()
        yield Measurement("warm-up before the first reader", f"{time.process_time() - started:.2f} s CPU")
        for name in PAGES:
            app = AppTest.from_file(builtin_root() / "dashboards" / "pages" / f"{name}.py", default_timeout=120)
            yield Measurement(f"{name}: first run", f"{rerun(app) * 1000:.0f} ms CPU")
            cached = statistics.median(rerun(app) for _ in range(RERUNS))
            goal = f"<= {GOAL * 1000:.0f} ms"
            yield Measurement(f"{name}: rerun, answers kept", f"{cached * 1000:.0f} ms CPU", goal, cached <= GOAL)
        app = AppTest.from_file(builtin_root() / "dashboards" / "pages" / "delivery.py", default_timeout=120).run()
        app.multiselect(key="team").set_value(["Mobile"])
        yield Measurement("delivery: a filter nobody chose before", f"{rerun(app) * 1000:.0f} ms CPU")


def rerun(app: AppTest) -> float:
    """CPU seconds of one run."""
    started = time.process_time()
    app.run()
    if app.exception:
        raise RuntimeError(app.exception[0].value)
    return time.process_time() - started


if __name__ == "__main__":
    hand_over(measure())
