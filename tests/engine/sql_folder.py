"""A small `sql/` folder that tests write file by file."""

from __future__ import annotations

from pathlib import Path

CORE = 'grain = "one row per row"\n'
METRIC = """
title = "T"
question = "Q?"
unit = "hours"
better = "lower"
aggregate = "count"
entity = "change"
source = "our own"
"""
CHECK = 'title = "T"\nremedy = "R"\n'


class SqlFolder:
    """The `sql/` of a project in `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def core(self, name: str, select: str, header: str = "") -> Path:
        """Write `sql/core/<name>.sql`."""
        return self.write(f"core/{name}.sql", CORE + header, select)

    def metric(self, name: str, select: str, header: str = "") -> Path:
        """Write `sql/metrics/area/<name>.sql`."""
        return self.write(f"metrics/area/{name}.sql", METRIC + header, select)

    def check(self, name: str, select: str, header: str = "") -> Path:
        """Write `sql/checks/<name>.sql`."""
        return self.write(f"checks/{name}.sql", CHECK + header, select)

    def write(self, place: str, header: str, select: str) -> Path:
        """Write a file with that header and select."""
        path = self.root / "sql" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"/*---\n{header}\n---*/\n{select}\n")
        return path
