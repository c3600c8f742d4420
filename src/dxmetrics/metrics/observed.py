"""Since when and until when events of a stream are observed: what tells a zero from an unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from dxmetrics.metrics.periods import Bucket
from dxmetrics.metrics.selection import Selection
from dxmetrics.metrics.store import Reading

Dimensions = tuple[str | None, ...]


@dataclass(frozen=True)
class Span:
    """When observation began and until when it reaches; both None where nothing is observed."""

    first: datetime | None = None
    last: datetime | None = None

    def covers(self, bucket: Bucket, as_of: datetime) -> Literal["no", "partly", "wholly"]:
        """How much of a bucket, as far as it is over, was observed."""
        if self.first is None or self.last is None:
            return "no"
        end = min(bucket.ends_at, as_of)
        if self.last <= bucket.starts_at or self.first >= end:
            return "no"
        return "wholly" if self.first <= bucket.starts_at and self.last >= end else "partly"


NEVER = Span()
# While some history is still being read, what is seen of all begins with the last to begin: a sum over services would
# otherwise grow where only their history does. What is complete holds nothing back.
SINCE = """coalesce(
    max(observations.observed_from) filter (where not observations.is_complete), min(observations.observed_from)
)"""


@dataclass(frozen=True)
class Observations:
    """The spans of one stream under one selection."""

    stream: str | None
    as_of: datetime
    spans: Mapping[Dimensions, Span] = field(default_factory=dict)
    positions: tuple[int, ...] = ()
    overall: Span = NEVER

    def of(self, dimensions: Dimensions) -> Span:
        """The span of a value of the dimensions; of the whole selection where the stream is not told apart by them."""
        if self.stream is None:
            return Span(datetime.min.replace(tzinfo=self.as_of.tzinfo), self.as_of)
        return self.spans.get(tuple(dimensions[place] for place in self.positions), self.overall)


def observe(reading: Reading, stream: str | None, selection: Selection) -> Observations:
    """The observations of a stream; a filter or dimension it does not know (a change's kind) does not narrow it.

    A team that owns no service can still author changes: where none of its services is observed, what is observed of
    all others counts for it.
    """
    as_of = reading.publication.as_of
    if stream is None:
        return Observations(None, as_of)
    columns = {"service": "VARCHAR", "team": "VARCHAR", "repository": "VARCHAR"}
    narrowed = selection.known_to(columns)
    found = _spans(reading, stream, narrowed)
    if not found and "team" in narrowed.where:
        where = {name: values for name, values in narrowed.where.items() if name != "team"}
        found = _spans(reading, stream, Selection((), where, columns))
        narrowed = Selection((), where, columns)
    firsts = [span.first for span in found.values() if span.first is not None]
    lasts = [span.last for span in found.values() if span.last is not None]
    overall = Span(min(firsts), max(lasts)) if firsts and lasts else NEVER
    positions = tuple(place for place, name in enumerate(selection.by) if name in narrowed.by)
    return Observations(stream, as_of, found, positions, overall)


def _spans(reading: Reading, stream: str, selection: Selection) -> dict[Dimensions, Span]:
    conditions, params = selection.conditions("observations")
    keys = [f"observations.{name} as dim_{place}" for place, name in enumerate(selection.by)]
    rows = reading.rows(
        f"select {', '.join([*keys, ''])}{SINCE} as first_at,"
        " max(coalesce(observations.observed_to, $as_of)) as last_at from core.observations as observations"
        f" where {' and '.join(['observations.stream = $stream', *conditions])} group by all",
        {"stream": stream, "as_of": reading.publication.as_of, **params},
    )
    return {
        tuple(row[f"dim_{place}"] for place in range(len(selection.by))): Span(row["first_at"], row["last_at"])
        for row in rows
        if row["first_at"] is not None
    }
