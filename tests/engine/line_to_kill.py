"""A run of the line that a test kills: resumes after the last committed page, builds, publishes. One word per step."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from dxmetrics import models, warehouse
from dxmetrics.collectors import Page, Scope
from dxmetrics.records import Change, Review

PAGES = 12
ROWS = 600
GONE = 50
T0 = datetime(2026, 1, 1, tzinfo=UTC)


def page(number: int) -> Page:
    """Changes and reviews; later pages change rows of earlier ones, and what only page 0 has is gone at last."""
    first = number * ROWS - number * 100
    changes = [
        {
            "ext_id": str(n),
            "repository": f"r{n % 7}",
            "number": n,
            "title": f"page {number}",
            "updated_at": T0 + timedelta(minutes=number),
        }
        for n in range(0 if number == PAGES - 1 else first, first + ROWS)
    ]
    reviews = [{"ext_id": str(n), "change": str(n // 2), "submitted_at": T0} for n in range(first, first + ROWS)]
    bad: list[dict[str, Any]] = [{"ext_id": f"bad {number}"}]
    gone = [] if number else [{"ext_id": f"gone {n}", "repository": "r"} for n in range(GONE)]
    return Page(
        {Change: changes + gone, Review: reviews + bad},
        cursor={"page": number + 1},
        covers={Change: (T0 + timedelta(hours=number), T0 + timedelta(hours=number + 1))},
        snapshot=number > 0,
        is_last=number == PAGES - 1,
    )


def main(data: Path, root: Path, say: Callable[[str], object]) -> None:
    """Go on where the last run ended, whatever ended it; `say` is told each step before it begins."""

    def clock() -> datetime:
        return T0

    connection = warehouse.open_writer(data, threads=1)
    loader = warehouse.Loader(connection, "files", clock=clock)
    cursor = warehouse.read_cursor(connection, "files", "all") or {"page": 0}
    for number in range(cursor["page"], PAGES):
        say("load")
        loader.write(Scope("all", "all"), page(number))
        if number % 3 == 2:
            say("build")
            models.build(connection, models.read([root]).models, clock=clock)
    say("build")
    models.build(connection, models.read([root]).models, clock=clock)
    say("publish")
    warehouse.publish(connection, data, clock)
    connection.close()
    say("done")


def tell(word: str) -> None:
    """A line on standard output, at once."""
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), tell)
