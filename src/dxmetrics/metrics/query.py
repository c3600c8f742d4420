"""From a request to cells: the dense spine of every dimension value, zeros where observed, unknown where not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dxmetrics.metrics.aggregate import Frame, Measured, measure
from dxmetrics.metrics.definition import FEW_PEOPLE, Definition
from dxmetrics.metrics.gather import WEEKLY, Group, Key, Request, gather, stock
from dxmetrics.metrics.observed import Dimensions, Observations, Span, observe
from dxmetrics.metrics.periods import NO_WEEK, Bucket, Spine, Window, spine
from dxmetrics.metrics.results import Cell
from dxmetrics.metrics.selection import Selection
from dxmetrics.metrics.store import Reading


@dataclass(frozen=True)
class Answer:
    """A cell, the group it was computed of, and the complete observed weeks of its bucket."""

    cell: Cell
    group: Group
    weeks: tuple[int, ...]


@dataclass(frozen=True)
class Companion:
    """Another metric's groups in the same spine, found by those of the dimensions both know."""

    definition: Definition
    groups: Mapping[Key, Group]
    positions: tuple[int, ...]

    def of(self, bucket: int, dimensions: Dimensions) -> Group | None:
        """Its group for a cell."""
        return self.groups.get((bucket, tuple(dimensions[place] for place in self.positions)))

    def amount(self, bucket: int, dimensions: Dimensions) -> float:
        """What a rate is taken against: how many there are, or of a sum how much."""
        group = self.of(bucket, dimensions) or Group()
        return float(group.values.sum()) if self.definition.aggregate == "sum" else group.n


@dataclass(frozen=True)
class Context:
    """Everything the cells of one request have in common."""

    request: Request
    period: str | None
    groups: Mapping[Key, Group]
    observations: Observations
    coverage: Companion | None
    per: Companion | None


def request(
    reading: Reading, definition: Definition, selection: Selection, window: Window, period: str | None, bots: str | None
) -> Request:
    """The request for a metric in a window; `bots` None takes what its header says."""
    publication = reading.publication
    placed = spine(window, period, publication.zone, publication.as_of)
    return Request(definition, selection, placed, period is not None, bots or definition.bots)


def answers(reading: Reading, asked: Request, period: str | None) -> list[Answer]:
    """One answer per dimension value and bucket, values in alphabetical order, unmapped last.

    A metric of several measures answers for each, in the order of its header.
    """
    definition = asked.definition
    context = Context(
        asked,
        period,
        stock(reading, asked) if definition.aggregate == "stock" else gather(reading, asked),
        observe(reading, definition.stream, asked.selection),
        _companion(reading, asked, definition.coverage),
        _companion(reading, asked, definition.per),
    )
    weeks = [asked.spine.weeks_of(place) for place in range(len(asked.spine.buckets))]
    return [
        _answer(context, place, bucket, dimensions, weeks[place], part)
        for part in range(max(1, len(definition.measures)))
        for dimensions in _dimension_values(context)
        for place, bucket in enumerate(asked.spine.buckets)
    ]


def _companion(reading: Reading, asked: Request, name: str | None) -> Companion | None:
    if name is None:
        return None
    definition = reading.publication.definition(name)
    selection = asked.selection.known_to(reading.publication.columns[name])
    like = Request(definition, selection, asked.spine, asked.has_period, definition.bots)
    groups = stock(reading, like) if definition.aggregate == "stock" else gather(reading, like)
    positions = tuple(place for place, one in enumerate(asked.selection.by) if one in selection.by)
    return Companion(definition, groups, positions)


def _dimension_values(context: Context) -> list[Dimensions]:
    by, observations = context.request.selection.by, context.observations
    if not by:
        return [()]
    found = {dimensions for _, dimensions in context.groups}
    if len(observations.positions) == len(by):
        as_of = observations.as_of
        whole = context.request.spine
        window = Bucket("", whole.buckets[0].start, whole.buckets[-1].end, whole.starts_at, whole.ends_at)
        found |= {value for value, span in observations.spans.items() if span.covers(window, as_of) != "no"}
    return sorted(found, key=lambda value: tuple((part is None, part or "") for part in value))


def _answer(
    context: Context, place: int, bucket: Bucket, dimensions: Dimensions, weeks: tuple[int, ...], part: int
) -> Answer:
    asked, definition, observations = context.request, context.request.definition, context.observations
    group = context.groups.get((place, dimensions)) or Group()
    span, as_of = observations.of(dimensions), observations.as_of
    covered = span.covers(bucket, as_of)
    needs_weeks = definition.aggregate in WEEKLY and context.period not in ("day", "week")
    weeks = _observed_weeks(asked.spine, weeks, span, group, observations) if needs_weeks else ()
    denominator = context.per.amount(place, dimensions) if context.per else 0
    measured = measure(group, Frame(definition, weeks, context.period, denominator, part))
    is_empty = not (measured.n or group.n or len(group.open_hours) or group.unknown)
    if covered == "no" and is_empty:
        measured = Measured(unit=measured.unit, reason=_unobserved(definition, span, bucket, observations))
    if group.is_of_few:
        group, measured = Group(), Measured(unit=measured.unit, reason=FEW_PEOPLE)
    coverage, gate = _coverage(context.coverage, definition.minimum_coverage, place, dimensions)
    if gate is not None and measured.value is not None:
        measured = Measured(n=measured.n, k=measured.k, unit=measured.unit, reason=gate, flags=measured.flags)
    is_partial = bucket.ends_at > as_of or covered != "wholly"
    if definition.is_current and context.period is None:
        is_partial = covered == "no"  # the present state is no period that could be cut short
    flags = (*measured.flags, *_flags(group))
    cell = _cell(context, bucket, _named(asked, dimensions, part), measured, flags, coverage, is_partial=is_partial)
    return Answer(cell, group, weeks)


def _observed_weeks(
    placed: Spine, weeks: tuple[int, ...], span: Span, group: Group, observations: Observations
) -> tuple[int, ...]:
    """The complete weeks that were observed wholly; from the first event on where nothing states the observation."""
    found = tuple(week for week in weeks if span.covers(placed.weeks[week], observations.as_of) == "wholly")
    if span.first is not None or not group.weeks:
        return found
    first = min((week for week in group.weeks if week != NO_WEEK), default=len(placed.weeks))
    return tuple(week for week in weeks if week >= first)


def _named(asked: Request, dimensions: Dimensions, part: int) -> dict[str, str | None]:
    named = dict(zip(asked.selection.by, dimensions, strict=True))
    measures = asked.definition.measures
    return {**named, "measure": measures[part]} if len(measures) > 1 else named


def _cell(
    context: Context,
    bucket: Bucket,
    dimensions: Mapping[str, str | None],
    measured: Measured,
    flags: tuple[str, ...],
    coverage: float | None,
    *,
    is_partial: bool,
) -> Cell:
    definition = context.request.definition
    low, high = measured.interval or (None, None)
    return Cell(
        metric=definition.name,
        version=definition.version,
        period=bucket.label,
        period_start=bucket.start,
        period_end=bucket.end,
        dimensions=dimensions,
        value=measured.value,
        unit=measured.unit or definition.unit,
        n=measured.n,
        k=measured.k,
        ci_low=low,
        ci_high=high,
        ci_method=measured.method if measured.interval else None,
        p25=measured.quartiles[0],
        p75=measured.quartiles[1],
        p90=measured.p90,
        p95=measured.p95,
        is_partial=is_partial,
        quality_flags=flags,
        coverage=coverage,
        reason=measured.reason,
    )


def _coverage(
    companion: Companion | None, minimum: float, place: int, dimensions: Dimensions
) -> tuple[float | None, str | None]:
    """The linkage a cell rests on, and why its value is withheld where that is below the minimum."""
    group = companion.of(place, dimensions) if companion else None
    if companion is None or group is None or group.n == 0:
        return None, None
    share = group.k / group.n
    if share >= minimum:
        return share, None
    definition = companion.definition
    reason = f"not enough data, because {definition.title.lower()} is {share:.0%} ({group.k} of {group.n})"
    return share, f"{reason}: {definition.decision}" if definition.decision else reason


def _unobserved(definition: Definition, span: Span, bucket: Bucket, observations: Observations) -> str:
    stream = (definition.stream or definition.entities).replace("_", " ")
    if bucket.starts_at >= observations.as_of:
        return "this period has not begun"
    if span.first is None or span.last is None:
        return f"not enough data, because no source delivers {stream}: connect one in dx.toml"
    if span.first >= bucket.starts_at:
        return f"no data: {stream} are observed from {span.first:%Y-%m-%d} on"
    return f"no data: {stream} were observed until {span.last:%Y-%m-%d}; see Data health"


def _flags(group: Group) -> Iterator[str]:
    yield from (f"{reason}={count}" for reason, count in sorted(group.exclusions.items()))
    yield from (f"{kind}={count}" for kind, count in sorted(group.evidence.items()) if count)
    if group.provisional:
        yield f"provisional={group.provisional}"
    if group.unknown:
        yield f"unknown={group.unknown}"
