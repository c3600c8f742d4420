"""Lists that have a filter by time but no order to rely on: windows of time, each read to its end.

Within a window the pages follow by whatever the list has: a number of rows to skip, a continuation token, an id.
Nothing of a window is claimed to be covered before all of it is read. The first window ends at what is covered already,
or two weeks ago; older ones end where the turn of the back-fill does. After an older one in which nothing was, all the
rest is asked for as one, so that years in which nothing happened cost one request and not one for every few months.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

from dxmetrics.collectors.feeds import BEGINNING, Position, Slice

from .api import Answer, instant

# Filters compare whole milliseconds, and not exactly: https://github.com/Azure/azure-rest-api-specs/issues/26287
TOLERANCE = timedelta(seconds=2)


@dataclass(frozen=True)
class Window:
    """A stretch of time, None being without limit on that side, and in it the `mark` of the page that is next, and the
    `oldest` of the rows before it. Nothing is wanted of before `earliest`."""

    low: datetime | None
    high: datetime | None
    earliest: datetime | None
    mark: str | None = None
    oldest: datetime | None = None

    @classmethod
    def at(cls, position: Position, earliest: datetime | None) -> Self:
        """The window that a position is in, or the one that begins there."""
        wanted = position.since if position.since and position.since > BEGINNING else earliest
        if position.token is None:
            return cls(wanted, None, earliest)
        kept = json.loads(position.token)
        high = instant(kept["high"])
        if "mark" in kept:
            return cls(instant(kept["low"]), high, earliest, kept["mark"], instant(kept["oldest"]))
        return cls(earliest if kept["is_rest"] else wanted, high, earliest)

    @property
    def low_text(self) -> str | None:
        """The lower limit as filters take it, a little below."""
        return _text(self.low - TOLERANCE) if self.low else None

    @property
    def high_text(self) -> str | None:
        """The upper limit as filters take it, a little above."""
        return _text(self.high + TOLERANCE) if self.high else None

    def within(self, answer: Answer, field: str) -> Answer:
        """The answer without the rows that another window has; `field` is the time the filter is on."""
        return replace(answer, rows=[row for row in answer.rows if self._holds(instant(row.get(field)))])

    def after(self, answer: Answer, field: str) -> Slice:
        """A slice without rows that says how far the walk is after this page."""
        times = [at for row in answer.rows if (at := instant(row.get(field)))]
        oldest = min([*times, self.oldest] if self.oldest else times, default=None)
        if answer.following:
            marked = {"low": _exact(self.low), "high": _exact(self.high), "mark": answer.following}
            token = json.dumps({**marked, "oldest": _exact(oldest)})
            return Slice({}, token=token, served_at=answer.served_at)
        if self.low is None:
            return Slice({}, oldest=oldest, is_end=True, served_at=answer.served_at)
        was_empty = self.high is not None and self.mark is None and not answer.rows
        if was_empty and self.low != self.earliest:
            # Perhaps there was nothing yet then: it is not claimed to be covered until something older is found.
            return Slice({}, token=json.dumps({"high": _exact(self.low), "is_rest": True}), served_at=answer.served_at)
        token = json.dumps({"high": _exact(self.low), "is_rest": False})
        return Slice({}, oldest=self.low, token=token, served_at=answer.served_at)

    def _holds(self, at: datetime | None) -> bool:
        return at is None or ((self.low is None or at >= self.low) and (self.high is None or at < self.high))


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _exact(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
