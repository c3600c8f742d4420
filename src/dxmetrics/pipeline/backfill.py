"""How far a first back-fill is, and how long it may still take."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dxmetrics import warehouse
from dxmetrics.pipeline.steps import counted, opened

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dxmetrics.project import Project

MOVED = 0.005  # of all there is to read: less says nothing of the speed


@dataclass
class BackFill:
    """Looks at how much history is missing, time and again, and tells how that goes on."""

    project: Project
    _first: dict[str, tuple[float, float]] = field(
        default_factory=dict
    )  # when it was first looked at, what was missing

    def told(self, sources: Iterable[str], now: float) -> dict[str, str]:
        """By source, where history is missing: of how many scopes, and about how long it takes; `now` in seconds."""
        with opened(self.project) as connection:
            left = {source: warehouse.history_left(connection, source) for source in sources}
        said = {}
        for source, (scopes, behind, seconds) in left.items():
            if behind:
                began, missing = self._first.setdefault(source, (now, seconds))
                said[source] = (
                    f"history is read whole in {scopes - behind:,} of {counted(scopes, 'repository')}"
                    f"{_estimate(missing - seconds, seconds, missing, now - began)}"
                )
        return said


def _estimate(gained: float, left: float, all_of_it: float, elapsed: float) -> str:
    """In words, once enough was gained to tell; at the speed so far."""
    if gained <= MOVED * all_of_it or elapsed <= 0:
        return ""
    minutes = left / (gained / elapsed) / 60
    return (
        f", about {counted(max(1, round(minutes)), 'minute')} to go"
        if minutes < 90
        else f", about {minutes / 60:.0f} hours to go"
    )
