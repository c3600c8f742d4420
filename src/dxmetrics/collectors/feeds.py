"""Feeds: how rows that change at any time are read newest first, so that pages are useful at once and none is lost.

A scope has several feeds (changes, deployments, pipeline runs ...). A feed answers with slices: rows from a position
downwards in time. `walk` decides from which position to read, in this order:

    head        from now down to what is already covered; at the first collection, two weeks
    unfinished  what was still running when it was read last, by id
    back-fill   older history in growing chunks, all feeds of a scope chunk by chunk; after each chunk the other
                scopes have their turn
    sweep       once a week, the ids of everything there is: what is gone is marked deleted

What is covered is a list of segments of time, newest first, kept in the cursor beside the rows. A walk that is broken
off leaves a segment; the next one reads from now until it meets that segment, jumps over it and goes on below. The
watermark is the server's own clock when a walk began, never the newest row and never the clock of this machine.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from dxmetrics.collectors import Cursor, Interval, Page, Whole
from dxmetrics.errors import AuthError, CollectError, LimitedError
from dxmetrics.records import Record

Payload = Mapping[str, Any]
Memo = Mapping[str, Any]

CHUNKS = tuple(timedelta(days=days) for days in (14, 30, 90, 180, 365))
LATER_CHUNK = timedelta(days=90)
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
SWEEP_EVERY = timedelta(days=7)
CLOCK_TOLERANCE = timedelta(minutes=5)
SECOND = timedelta(seconds=1)


class ExpiredError(CollectError):
    """The server no longer knows the mark a feed wanted to go on from: the walk begins anew."""


@dataclass(frozen=True)
class Position:
    """Where a feed is to read: below `token`, or rows at or before `before`, or, with neither, the newest.

    `since`: older rows are not wanted in this stretch; a feed that can filter by time does, one that cannot ignores it.
    `memo` is what the feed kept with the rows it read last: a page size, an ETag. `is_thorough`: old rows are wanted
    again, so that an answer of "nothing new" does not do.
    """

    token: str | None = None
    before: datetime | None = None
    since: datetime | None = None
    memo: Memo = field(default_factory=dict)
    is_thorough: bool = False


@dataclass(frozen=True)
class Slice:
    """One answer of a feed, newest rows first.

    `oldest`: every row from it on, up to the position, is in this slice or one before it (`down_to`); None: no row.
    `token`: how the server wants to be asked for what is below; a feed `by_time` needs one only where a whole answer
    stands at one instant. `is_end`: there is nothing below, down to `Position.since` where the feed filters by it.
    `unfinished` says of ids in it whether they are to be read again; `memo`, if not None, replaces what is kept.
    """

    rows: Mapping[type[Record], Sequence[Payload]]
    oldest: datetime | None = None
    token: str | None = None
    is_end: bool = False
    is_unchanged: bool = False  # nothing is newer than what was read last: a 304
    served_at: datetime | None = None
    whole: Mapping[type[Record], Whole] = field(default_factory=dict)
    unfinished: Mapping[str, bool] = field(default_factory=dict)
    memo: Memo | None = None
    notes: tuple[str, ...] = ()


def down_to(moments: Iterable[datetime], *, has_more: bool) -> datetime | None:
    """Down to when a page tells all, of a list that comes newest first and has times in whole seconds.

    Where there is more, another row of its last second may stand on the next page. None: the page has no row.
    """
    oldest = min(moments, default=None)
    return oldest + SECOND if oldest is not None and has_more else oldest


@dataclass(frozen=True)
class Probe:
    """What one cheap question for many scopes told: when the newest row of a feed changed (None: it has none)."""

    newest: datetime | None
    served_at: datetime


@dataclass(frozen=True)
class Feed:
    """One kind of rows of a scope. `name` is its key in the cursor; `covers` the records of which nothing is missing.

    `overlap` is read again at each head, `deep_overlap` instead of it once a day. `by_time`: it goes on by
    `Position.before`; else by the server's tokens. `reread` reads rows by id; `sweep` yields the ids of all there are.
    """

    name: str
    covers: tuple[type[Record], ...]
    read: Callable[[Position], Slice]
    overlap: timedelta = timedelta(minutes=10)
    deep_overlap: timedelta | None = None
    by_time: bool = False
    probe: Probe | None = None
    reread: Callable[[Sequence[str], Memo], Iterable[Slice]] | None = None
    sweep: Callable[[], Iterable[Mapping[type[Record], Sequence[str]]]] | None = None


@dataclass
class _Segment:
    """A stretch of time that is read: from `top` down to `bottom`, going on at `token`."""

    top: datetime
    bottom: datetime
    token: str | None = None
    is_end: bool = False

    @classmethod
    def of(cls, kept: Sequence[Any]) -> Self:
        top, bottom, token, is_end = kept
        return cls(datetime.fromisoformat(top), datetime.fromisoformat(bottom), token, is_end)

    def kept(self) -> list[Any]:
        return [self.top.isoformat(), self.bottom.isoformat(), self.token, self.is_end]


def walk(
    feeds: Sequence[Feed],
    cursor: Cursor | None,
    *,
    now: datetime,
    born: datetime | None = None,
    since: datetime | None = None,
    may_go_back: Callable[[], bool] = lambda: True,
) -> Iterator[Page]:
    """Pages of the feeds of one scope after `cursor`; the cursor of each page holds the state of all of them.

    `born`: there is nothing older, as the scope did not exist. Nothing is read from before `since`. Back-fill pauses,
    with a note, while `may_go_back` says no. A feed that fails does not stop the others: CollectError names all that
    failed once the others are read. AuthError and LimitedError are raised at once.
    """
    return _Walking(feeds, cursor, now, max(born or BEGINNING, since or BEGINNING), may_go_back).pages()


class _Walking:
    """The feeds of one scope, read in turns."""

    def __init__(
        self,
        feeds: Sequence[Feed],
        cursor: Cursor | None,
        now: datetime,
        since: datetime,
        may_go_back: Callable[[], bool],
    ) -> None:
        self.walks = [_Walk(feed, cursor, now, since) for feed in feeds]
        self.state: dict[str, Any] = dict(cursor or {})
        self.now = now
        self.since = since
        self.may_go_back = may_go_back
        self.failed: dict[str, str] = {}
        self._quiet: dict[type[Record], Interval] = {}
        self._is_quiet = True

    def pages(self) -> Iterator[Page]:
        for one in self.walks:
            yield from self._read(one, one.head())
        yield self._end_of_turn()
        yield from self._back_fill()
        for one in self._working():
            yield from self._read(one, one.sweep())
        if not self._is_quiet:
            yield self._end_of_turn()
        if self.failed:
            raise CollectError("; ".join(dict.fromkeys(self.failed.values())))

    def _working(self) -> list[_Walk]:
        return [one for one in self.walks if one.feed.name not in self.failed]

    def _back_fill(self) -> Iterator[Page]:
        for floor in _floors(self.now, self.since):
            going = [one for one in self._working() if one.wants(floor)]
            for one in going:
                if not self.may_go_back():
                    yield self._pause()
                    return
                for page in self._read(one, one.down_to(floor)):
                    yield page
                    if not self.may_go_back():
                        yield self._pause()
                        return
            if going:
                yield self._end_of_turn()

    def _pause(self) -> Page:
        return Page(rows={}, notes=(_pausing(self.walks),))

    def _read(self, one: _Walk, pages: Iterator[Page]) -> Iterator[Page]:
        """The pages of a feed with the cursor in them; those without rows are put off to be one."""
        try:
            for page in pages:
                self.state[one.feed.name] = one.kept()
                if page == Page(rows={}, covers=page.covers):
                    self._quiet |= page.covers
                    self._is_quiet = False
                else:
                    yield replace(page, cursor=dict(self.state))
        except (AuthError, LimitedError):
            raise
        except CollectError as error:
            self.failed[one.feed.name] = str(error)

    def _end_of_turn(self) -> Page:
        cursor = None if self._is_quiet else dict(self.state)
        page = Page(rows={}, covers=self._quiet, cursor=cursor, ends_turn=True)
        self._quiet, self._is_quiet = {}, True
        return page


def _floors(now: datetime, since: datetime) -> Iterator[datetime]:
    """How far back each turn of the back-fill goes."""
    later = (CHUNKS[-1] + number * LATER_CHUNK for number in itertools.count(1))
    ages = itertools.chain(CHUNKS, later)
    yield from itertools.takewhile(lambda floor: floor > since, (now - age for age in ages))
    yield since


def _pausing(walks: Sequence[_Walk]) -> str:
    reached = max((one.bottom for one in walks if one.bottom), default=None)
    covered = f" (complete since {reached:%Y-%m-%d})" if reached else ""
    return f"back-fill pauses to leave requests for what is new{covered}: the next collection goes on"


class _Walk:
    """One feed being read: its segments, and what it keeps beside them."""

    def __init__(self, feed: Feed, cursor: Cursor | None, now: datetime, since: datetime) -> None:
        kept: Mapping[str, Any] = (cursor or {}).get(feed.name) or {}
        self.feed = feed
        self.now = now
        self.since = since
        self.segments = [_Segment.of(one) for one in kept.get("segments", ())]
        self.unfinished: set[str] = set(kept.get("unfinished", ()))
        self.memo: Memo = kept.get("memo", {})
        self.deep_at = _instant(kept.get("deep_at"))
        self.swept_at = _instant(kept.get("swept_at"))
        self._met: set[str] = set()  # ids read in this run
        self._restarts = 0
        self._clock_note = ""

    def kept(self) -> dict[str, Any]:
        """What the cursor holds of this feed."""
        kept: dict[str, Any] = {"segments": [one.kept() for one in self.segments]}
        if self.unfinished:
            kept["unfinished"] = sorted(self.unfinished)
        if self.memo:
            kept["memo"] = dict(self.memo)
        if self.deep_at:
            kept["deep_at"] = self.deep_at.isoformat()
        if self.swept_at:
            kept["swept_at"] = self.swept_at.isoformat()
        return kept

    @property
    def bottom(self) -> datetime | None:
        """Down to when everything is read; None: nothing is yet."""
        return self.segments[0].bottom if self.segments else None

    @property
    def is_complete(self) -> bool:
        """Whether all of the history that is wanted is read."""
        return len(self.segments) == 1 and (self.segments[0].is_end or self.segments[0].bottom <= self.since)

    def wants(self, floor: datetime) -> bool:
        """Whether something above `floor` is not read yet."""
        return not self.is_complete and (len(self.segments) != 1 or self.segments[0].bottom > floor)

    # -- head ---------------------------------------------------------------------------------------------------------

    def head(self) -> Iterator[Page]:
        """What is new, down to what was covered; then what was unfinished."""
        is_deep = self.feed.deep_overlap is not None and (
            self.deep_at is None or self.now - self.deep_at >= timedelta(days=1)
        )
        overlap = self.feed.deep_overlap if is_deep and self.feed.deep_overlap else self.feed.overlap
        if self._is_idle(overlap, is_deep=is_deep):
            yield self._nothing_new(self.feed.probe.served_at if self.feed.probe else self.now)
        else:
            floor = max(self.since, self.now - CHUNKS[0])
            yield from self._read_down(floor, overlap, is_new=True, is_thorough=is_deep)
            if is_deep:
                self.deep_at = self.now
                yield Page(rows={})
        yield from self._read_unfinished()

    def _is_idle(self, overlap: timedelta, *, is_deep: bool) -> bool:
        probe = self.feed.probe
        if probe is None or is_deep or len(self.segments) != 1:
            return False
        return probe.newest is None or probe.newest < self.segments[0].top - overlap

    def _nothing_new(self, served_at: datetime) -> Page:
        """The top of what is covered moves up to when the server said that nothing is new."""
        newest = self.segments[0]
        newest.top = max(newest.top, served_at)
        return Page(rows={}, covers=self._covers(newest))

    def _read_unfinished(self) -> Iterator[Page]:
        wanted = sorted(self.unfinished - self._met)
        if not wanted or self.feed.reread is None:
            return
        found: set[str] = set()
        for one in self.feed.reread(wanted, self.memo):
            found |= one.unfinished.keys()
            yield self._page(one, {})
        if gone := set(wanted) - found:
            self.unfinished -= gone
            yield Page(rows={})

    # -- downwards ----------------------------------------------------------------------------------------------------

    def down_to(self, floor: datetime) -> Iterator[Page]:
        """Older history, down to `floor`."""
        yield from self._read_down(floor, self.feed.overlap, is_new=not self.segments)

    def _read_down(
        self, floor: datetime, overlap: timedelta, *, is_new: bool, is_thorough: bool = False
    ) -> Iterator[Page]:
        token: str | None = None
        begins = is_new
        while begins or self._is_short_of(floor):
            below = self.segments[0 if begins else 1 :]
            limit = max(below[0].top - overlap, BEGINNING) if below else floor
            position = replace(self._position(limit, token, begins=begins), is_thorough=is_thorough)
            try:
                one = self.feed.read(position)
            except ExpiredError:
                self._begin_anew()
                begins, token = True, None
                continue
            if begins:
                begins = False
                self._compare_clocks(one)
                top = one.served_at or self.now
                if one.is_unchanged and below:
                    yield replace(self._nothing_new(top), notes=one.notes)
                    continue
                self.segments.insert(0, _Segment(top, top))
            self._go_down(position, limit, one)
            self._join(overlap)
            token = one.token if self.segments[0].bottom == one.oldest else None  # of another instant it means nothing
            yield self._page(one, self._covers(self.segments[0]))

    def _position(self, limit: datetime, token: str | None, *, begins: bool) -> Position:
        newest = None if begins else self.segments[0]
        if self.feed.by_time:
            return Position(token, newest.bottom if newest else None, limit, self.memo)
        return Position(newest.token if newest else None, None, limit, self.memo)

    def _go_down(self, position: Position, limit: datetime, one: Slice) -> None:
        """Move the bottom of the newest segment to where the slice ends."""
        newest = self.segments[0]
        if not self.feed.by_time:
            if one.token is not None and one.token == position.token:
                raise CollectError(f"{self.feed.name}: mark {one.token!r} comes again: paging is in a loop")
            newest.token, newest.is_end = one.token, one.is_end
        elif not one.is_end and one.token is None and one.oldest in (None, position.before):
            raise CollectError(f"{self.feed.name}: nothing older than {position.before} comes: paging is in a loop")
        elif one.is_end:
            newest.is_end = limit <= BEGINNING  # of all there is; else only of what was asked for
            newest.bottom = newest.bottom if newest.is_end else min(newest.bottom, limit)
        if one.oldest is not None:
            newest.bottom = min(newest.bottom, one.oldest)

    def _join(self, overlap: timedelta) -> None:
        """Make the newest segment and those it has met one, and jump to where they end."""
        newest = self.segments[0]
        while len(self.segments) > 1:
            met = self.segments[1]
            if not newest.is_end and newest.bottom > max(met.top - overlap, BEGINNING):
                return
            del self.segments[1]
            can_jump = self.feed.by_time or met.token is not None or met.is_end
            if can_jump and not newest.is_end and met.bottom < newest.bottom:
                newest.bottom, newest.token, newest.is_end = met.bottom, met.token, met.is_end

    def _is_short_of(self, floor: datetime) -> bool:
        newest = self.segments[0]
        return len(self.segments) > 1 or (not newest.is_end and newest.bottom > floor)

    def _begin_anew(self) -> None:
        """The server forgot our marks: what is read stays, but no walk can jump over it any more."""
        if self._restarts:
            raise CollectError(f"{self.feed.name}: the server forgets its own marks at once: collect again later")
        self._restarts += 1
        for one in self.segments:
            one.token = None

    # -- pages --------------------------------------------------------------------------------------------------------

    def _page(self, one: Slice, covers: Mapping[type[Record], Interval]) -> Page:
        self._met |= one.unfinished.keys()
        self.unfinished -= {name for name, is_open in one.unfinished.items() if not is_open}
        self.unfinished |= {name for name, is_open in one.unfinished.items() if is_open}
        if one.memo is not None:
            self.memo = one.memo
        notes = (*one.notes, self._clock_note) if self._clock_note else one.notes
        return Page(rows=one.rows, covers=covers, whole=one.whole, notes=notes)

    def _covers(self, segment: _Segment) -> Mapping[type[Record], Interval]:
        """What has no older rows is covered since its scope was born; where that is not known, since the first row."""
        ends_early = segment.is_end and self.since > BEGINNING
        bottom = self.since if ends_early else max(segment.bottom, self.since)
        return dict.fromkeys(self.feed.covers, (bottom, segment.top)) if bottom < segment.top else {}

    def _compare_clocks(self, one: Slice) -> None:
        difference = one.served_at - self.now if one.served_at else timedelta()
        if abs(difference) > CLOCK_TOLERANCE:
            minutes = round(abs(difference).total_seconds() / 60)
            side = "behind" if difference > timedelta() else "ahead of"
            self._clock_note = f"the clock of this machine is {minutes} minutes {side} the server's: set it right"

    def sweep(self) -> Iterator[Page]:
        """Once a week, and never before all of the history is read: mark what is gone as deleted."""
        if self.feed.sweep is None or not self.is_complete:
            return
        if self.swept_at is not None and self.now - self.swept_at < SWEEP_EVERY:
            return
        if self.swept_at is not None:
            for present in self.feed.sweep():
                yield Page(rows={}, present=present, snapshot=True)
            yield Page(rows={}, present={}, snapshot=True, is_last=True)
        self.swept_at = self.now
        yield Page(rows={})


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
