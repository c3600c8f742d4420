"""Rows on their way into pages: only what is known at an instant, and only what is new since another."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from dxmetrics.records import Record

Row = dict[str, Any]


@lru_cache(maxsize=256)
def instant(seconds: float) -> datetime:
    """The instant, to the second; remembered, as several rows of a change share it."""
    return datetime.fromtimestamp(int(seconds), UTC)


class Rows:
    """Collects rows by record type; those from after `until`, or not newer than `seen`, are left out."""

    def __init__(self, until: float, seen: float = float("-inf")) -> None:
        self.until = until
        self.seen = seen
        self.by_record: dict[type[Record], list[Row]] = {}
        self.count = 0

    def add(self, record: type[Record], updated: float, row: Row) -> None:
        """Keep a row that was last changed at `updated`."""
        if self.seen < updated <= self.until:
            row["updated_at"] = instant(updated)
            self.by_record.setdefault(record, []).append(row)
            self.count += 1

    def known(self, seconds: float | None) -> datetime | None:
        """The instant, or None when there is none or it has not come yet."""
        return None if seconds is None or seconds > self.until else instant(seconds)

    def latest(self, *seconds: float | None) -> float:
        """The last of these instants that has come; the first of them, if none has."""
        until = self.until
        come = [each for each in seconds if each is not None and each <= until]
        return max(come) if come else min(each for each in seconds if each is not None)

    def take(self) -> Mapping[type[Record], Sequence[Row]]:
        """What was collected so far; the collection starts again empty."""
        taken, self.by_record, self.count = self.by_record, {}, 0
        return taken
