"""`python -m benchmarks [NAME ...]`: run each `bench_NAME.py` in a process of its own; a table of goals and figures."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.measurement import Measurement

FOLDER = Path(__file__).parent


def main(names: list[str]) -> int:
    """0, or 1 where a benchmark failed to run; a goal that is missed is only shown."""
    console = Console() if sys.stdout.isatty() else Console(width=140)
    present = [path.stem.removeprefix("bench_") for path in sorted(FOLDER.glob("bench_*.py"))]
    unknown = sorted(set(names) - set(present))
    if unknown:
        console.print(f"benchmark {', '.join(unknown)} is not known: use {', '.join(present)}")
        return 2
    table = Table("benchmark", "what", "goal", "measured", "")
    failed = []
    for name in names or present:
        console.print(f"running {name} ...")
        done = subprocess.run(
            [sys.executable, "-m", f"benchmarks.bench_{name}"], stdout=subprocess.PIPE, text=True, check=False
        )
        for line in done.stdout.splitlines():
            one = Measurement(**json.loads(line))
            mark = {None: "", True: "met", False: "missed"}[one.is_met]
            table.add_row(name, one.name, one.goal, one.measured, mark)
        if done.returncode:
            failed.append(name)
            table.add_row(name, f"ended with exit code {done.returncode}", "", "", "failed")
    console.print(table)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
