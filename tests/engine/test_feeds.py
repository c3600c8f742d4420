"""Feeds: whatever is edited, added or broken off between pages, every row is read and coverage tells the truth."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dxmetrics.collectors import Page
from dxmetrics.collectors.feeds import ExpiredError, Feed, Position, Probe, Slice, walk
from dxmetrics.errors import AuthError, CollectError
from dxmetrics.records import Change, Issue

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
BORN = NOW - timedelta(days=700)
SIZE = 5
TICK = timedelta(microseconds=1)  # the finest difference of two times


@dataclass
class Server:
    """Rows by id with the time of their last edit, a clock that moves with every request, and a log of these."""

    rows: dict[str, datetime] = field(default_factory=dict)
    now: datetime = NOW
    asked: list[Position] = field(default_factory=list)
    tokens_from: int = 0  # tokens of requests before this one are not known any more
    finished: set[str] = field(default_factory=set)

    def newest_first(self) -> list[tuple[datetime, str]]:
        return sorted(((at, name) for name, at in self.rows.items()), reverse=True)

    def answer(self, rows: Sequence[tuple[datetime, str]], before: datetime | None = None, **about: Any) -> Slice:
        self.now += timedelta(seconds=30)
        payloads = [{"id": name, "at": at} for at, name in rows]
        oldest = min((at for at, _ in rows), default=None)
        if oldest is not None and not about["is_end"]:
            oldest = min(oldest + TICK, before or oldest + TICK)
        return Slice({Change: payloads}, oldest=oldest, served_at=self.now - timedelta(seconds=30), **about)

    def by_token(self, position: Position) -> Slice:
        """A keyset cursor: below the row that the token names."""
        self.asked.append(position)
        found = self.newest_first()
        if position.token is not None:
            number, at, name = position.token.split("|")
            if int(number) < self.tokens_from:
                raise ExpiredError("the cursor is not valid")
            found = [one for one in found if one < (datetime.fromisoformat(at), name)]
        page = found[:SIZE]
        more = len(found) > SIZE
        token = f"{len(self.asked)}|{page[-1][0].isoformat()}|{page[-1][1]}" if more else None
        return self.answer(page, token=token, is_end=not more)

    def by_time(self, position: Position) -> Slice:
        """A filter on the time of the last edit, and a keyset only where one instant fills a page."""
        self.asked.append(position)
        found = [
            one
            for one in self.newest_first()
            if (position.before is None or one[0] <= position.before)
            and (position.since is None or one[0] >= position.since)
        ]
        if position.token is not None:
            at, name = position.token.split("|")
            found = [one for one in found if one < (datetime.fromisoformat(at), name)]
        page = found[:SIZE]
        more = len(found) > SIZE
        stands_still = more and position.before is not None and page[-1][0] + TICK >= position.before
        token = f"{page[-1][0].isoformat()}|{page[-1][1]}" if stands_still else None
        return self.answer(page, position.before, token=token, is_end=not more)


@dataclass
class Store:
    """What was committed: rows, the cursor, and the coverage claimed."""

    rows: dict[str, datetime] = field(default_factory=dict)
    cursor: Mapping[str, Any] | None = None
    covered: list[tuple[datetime, datetime]] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)

    def commit(self, page: Page) -> None:
        for row in page.rows.get(Change, ()):
            self.rows[row["id"]] = max(row["at"], self.rows.get(row["id"], row["at"]))
        self.cursor = page.cursor or self.cursor
        self.covered += page.covers.values()
        self.pages.append(page)


def feed_of(server: Server, *, by_time: bool, **options: Any) -> Feed:
    read = server.by_time if by_time else server.by_token
    return Feed("changes", (Change,), read, by_time=by_time, **options)


def run(server: Server, store: Store, *, by_time: bool, pages: int | None = None, **options: Any) -> Iterator[Page]:
    """Collect; after `pages` pages the process is killed."""
    going = walk([feed_of(server, by_time=by_time)], store.cursor, now=server.now, born=BORN, **options)
    for number, page in enumerate(going, 1):
        store.commit(page)
        yield page
        if number == pages:
            return


def lies(server: Server, store: Store) -> list[str]:
    """Rows in a time that is claimed to be covered, of which the newest version is not there."""
    return [
        name
        for name, at in server.rows.items()
        if store.rows.get(name) != at and any(low < at < high for low, high in store.covered)
    ]


@pytest.mark.parametrize("by_time", [False, True])
@settings(deadline=None, max_examples=120)
@given(seed=st.integers(0, 10**6))
def test_nothing_is_lost_whatever_changes_and_wherever_it_is_killed(by_time: bool, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311
    server, store = Server(), Store()
    for number in range(dice.randint(0, 60)):
        server.rows[f"r{number:03}"] = NOW - timedelta(minutes=dice.randint(0, 800_000))
    for _ in range(dice.randint(1, 6)):
        pages = run(server, store, by_time=by_time, pages=dice.choice([None, 1, 2, 3, 5, 8]))
        for _page in iter_until_error(pages):
            assert lies(server, store) == []
            for _ in range(dice.choice([0, 0, 1, 4])):
                name = dice.choice([*server.rows, f"n{dice.randint(0, 99)}"])
                server.rows[name] = server.now
            if dice.random() < 0.05:
                server.tokens_from = len(server.asked) + 1
        server.now += timedelta(minutes=dice.choice([1, 30, 3_000]))
    for _ in range(2):
        server.now += timedelta(hours=1)
        for _page in run(server, store, by_time=by_time):
            assert lies(server, store) == []
    assert store.rows == server.rows
    assert min(low for low, _ in store.covered) == BORN


@pytest.mark.parametrize("by_time", [False, True])
def test_the_newest_two_weeks_come_first_then_older_ones_in_growing_chunks(by_time: bool) -> None:
    server, store = Server({f"r{age:03}": NOW - timedelta(days=age, minutes=1) for age in range(600)}), Store()
    turns, ages = [], []
    for page in run(server, store, by_time=by_time):
        ages += [(NOW - row["at"]).days for row in page.rows.get(Change, ())]
        if page.ends_turn:
            turns.append(max(ages))
    floors = [14, 30, 90, 180, 365, 455, 545, 635, 700]
    assert len(turns) == (9 if by_time else 8)  # a filter by time cannot tell before the last that there is no more
    assert all(min(floor - 1, 599) <= turn <= floor + SIZE for floor, turn in zip(floors, turns, strict=False))


@pytest.mark.parametrize("by_time", [False, True])
def test_a_second_run_reads_one_page(by_time: bool) -> None:
    server, store = Server({f"r{age:03}": NOW - timedelta(days=age) for age in range(100)}), Store()
    list(run(server, store, by_time=by_time))
    server.asked.clear()
    server.now += timedelta(minutes=20)
    list(run(server, store, by_time=by_time))
    assert len(server.asked) == 1


@pytest.mark.parametrize("by_time", [False, True])
def test_a_walk_that_was_broken_off_is_jumped_over(by_time: bool) -> None:
    server, store = Server({f"r{age:03}": NOW - timedelta(hours=age) for age in range(300)}), Store()
    list(run(server, store, by_time=by_time, pages=40))
    read = len(server.asked)
    server.now += timedelta(hours=1)
    list(run(server, store, by_time=by_time))
    assert set(store.rows) == set(server.rows)
    assert len(server.asked) - read < 50


def test_a_scope_that_is_known_to_be_idle_costs_no_request() -> None:
    server, store = Server({"r1": NOW - timedelta(days=3)}), Store()
    list(run(server, store, by_time=False))
    server.asked.clear()
    later = NOW + timedelta(hours=5)
    idle = feed_of(server, by_time=False, probe=Probe(newest=NOW - timedelta(days=3), served_at=later))
    pages = list(walk([idle], store.cursor, now=later, born=BORN))
    assert server.asked == []
    assert [page.covers for page in pages] == [{Change: (BORN, later)}]
    for page in pages:
        store.commit(page)
    busy = feed_of(server, by_time=False, probe=Probe(newest=later, served_at=later))
    list(walk([busy], store.cursor, now=later, born=BORN))
    assert len(server.asked) == 1


def test_what_changed_within_the_overlap_of_the_last_walk_is_not_idle() -> None:
    server, store = Server({"r1": NOW - timedelta(minutes=2)}), Store()
    list(run(server, store, by_time=False))
    server.asked.clear()
    probe = Probe(newest=NOW - timedelta(minutes=2), served_at=NOW + timedelta(minutes=5))
    list(walk([feed_of(server, by_time=False, probe=probe)], store.cursor, now=NOW, born=BORN))
    assert len(server.asked) == 1


def test_an_unchanged_answer_moves_the_coverage_on() -> None:
    server, store = Server({"r1": NOW - timedelta(days=3)}), Store()
    list(run(server, store, by_time=True))
    later = NOW + timedelta(hours=1)
    asked: list[Position] = []

    def unchanged(position: Position) -> Slice:
        asked.append(position)
        return Slice({}, is_unchanged=True, served_at=later)

    (page,) = walk([Feed("changes", (Change,), unchanged, by_time=True)], store.cursor, now=later, born=BORN)
    assert page.covers == {Change: (BORN, later)}
    assert len(asked) == 1


def test_what_was_unfinished_is_read_again_by_its_id_until_it_is_done() -> None:
    asked: list[Sequence[str]] = []

    def first(_position: Position) -> Slice:
        return Slice({}, unfinished=dict.fromkeys(("a", "b", "gone"), True), is_end=True, served_at=NOW)

    def later(_position: Position) -> Slice:
        return Slice({}, is_end=True, served_at=NOW)

    def again(names: Sequence[str], _memo: Mapping[str, Any]) -> Iterator[Slice]:
        asked.append(names)
        yield Slice({}, unfinished={"a": False})
        yield Slice({}, unfinished={"b": True})

    store = Store()
    for reading in (first, later, later):
        feed = Feed("runs", (Change,), reading, by_time=True, reread=again)
        for page in walk([feed], store.cursor, now=NOW, born=BORN):
            store.commit(page)
    assert asked == [["a", "b", "gone"], ["b"]]


def test_a_deeper_overlap_is_read_once_a_day() -> None:
    server, store = Server({f"r{age:03}": NOW - timedelta(days=age) for age in range(60)}), Store()

    def floors(now: datetime) -> list[datetime | None]:
        server.asked.clear()
        server.now = now
        feed = feed_of(server, by_time=True, overlap=timedelta(days=3), deep_overlap=timedelta(days=30))
        for page in walk([feed], store.cursor, now=now, born=BORN):
            store.commit(page)
        return sorted({position.since for position in server.asked})

    floors(NOW)
    assert floors(NOW + timedelta(hours=1)) == [NOW - timedelta(days=3)]
    assert floors(NOW + timedelta(hours=25)) == [NOW + timedelta(hours=1) - timedelta(days=30)]
    assert floors(NOW + timedelta(hours=26)) == [NOW + timedelta(hours=25) - timedelta(days=3)]


def test_a_sweep_names_what_is_there_once_a_week_and_only_when_all_is_read() -> None:
    server, store = Server({f"r{age:03}": NOW - timedelta(days=age) for age in range(20)}), Store()

    def swept(now: datetime) -> list[Page]:
        server.now = now
        feed = feed_of(server, by_time=True, sweep=lambda: iter([{Change: sorted(server.rows)}]))
        pages = list(walk([feed], store.cursor, now=now, born=BORN))
        for page in pages:
            store.commit(page)
        return [page for page in pages if page.snapshot]

    assert swept(NOW) == []
    assert swept(NOW + timedelta(days=6)) == []
    names, last = swept(NOW + timedelta(days=8))
    assert names.present == {Change: sorted(server.rows)}
    assert (names.is_last, last.is_last) == (False, True)
    assert swept(NOW + timedelta(days=9)) == []


def test_a_feed_that_fails_does_not_stop_the_others() -> None:
    server = Server({"r1": NOW - timedelta(days=1)})

    def refused(_position: Position) -> Slice:
        raise CollectError("forge: 403 on /runs: the token lacks actions: read")

    feeds = [Feed("runs", (Issue,), refused), feed_of(server, by_time=False)]
    pages = []
    with pytest.raises(CollectError, match="lacks actions: read"):
        pages.extend(walk(feeds, None, now=NOW, born=BORN))
    going = walk(feeds, None, now=NOW, born=BORN)
    assert {Change: [{"id": "r1", "at": NOW - timedelta(days=1)}]} in [page.rows for page in iter_until_error(going)]


def iter_until_error(pages: Iterator[Page]) -> Iterator[Page]:
    try:
        yield from pages
    except CollectError:
        return


def test_a_refused_credential_stops_everything_at_once() -> None:
    server = Server({"r1": NOW})

    def refused(_position: Position) -> Slice:
        raise AuthError("forge: 401")

    with pytest.raises(AuthError):
        list(walk([Feed("runs", (Issue,), refused), feed_of(server, by_time=False)], None, now=NOW))
    assert server.asked == []


def test_back_fill_pauses_while_the_budget_is_low_and_goes_on_later() -> None:
    server, store = Server({f"r{age:03}": NOW - timedelta(days=age) for age in range(200)}), Store()
    pages = list(run(server, store, by_time=False, may_go_back=lambda: False))
    assert pages[-1].notes == (
        "back-fill pauses to leave requests for what is new (complete since 2025-12-17): the next collection goes on",
    )
    assert 14 < len(store.rows) < 30
    list(run(server, store, by_time=False))
    assert len(store.rows) == 200


def test_nothing_before_the_beginning_that_is_wanted_is_asked_for() -> None:
    server, store = Server({f"r{age:03}": NOW - timedelta(days=age) for age in range(400)}), Store()
    since = NOW - timedelta(days=100)
    list(run(server, store, by_time=True, since=since))
    assert min(store.rows.values()) == since
    assert min(low for low, _ in store.covered) == since
    list(run(server, store, by_time=True, since=NOW - timedelta(days=200)))
    assert min(store.rows.values()) == NOW - timedelta(days=200)


def test_a_mark_that_comes_again_is_a_loop() -> None:
    def same(_position: Position) -> Slice:
        return Slice({Change: []}, oldest=NOW, token="same", served_at=NOW)  # noqa: S106 - a place in a list

    with pytest.raises(CollectError, match="'same' comes again: paging is in a loop"):
        list(walk([Feed("changes", (Change,), same)], None, now=NOW))


def test_time_that_stands_still_is_a_loop() -> None:
    def same(_position: Position) -> Slice:
        return Slice({Change: []}, oldest=NOW - timedelta(days=1), served_at=NOW)

    with pytest.raises(CollectError, match="paging is in a loop"):
        list(walk([Feed("changes", (Change,), same, by_time=True)], None, now=NOW))


def test_a_clock_that_is_wrong_is_named() -> None:
    server = Server({"r1": NOW}, now=NOW + timedelta(minutes=7))
    pages = list(walk([feed_of(server, by_time=False)], None, now=NOW, born=BORN))
    assert pages[0].notes == ("the clock of this machine is 7 minutes behind the server's: set it right",)


@pytest.mark.parametrize("by_time", [False, True])
def test_rows_of_the_instant_history_begins_with_are_read_to_the_last(by_time: bool) -> None:
    server = Server({f"r{number}": BORN for number in range(8)})
    store = Store()
    list(run(server, store, by_time=by_time))
    assert set(store.rows) == set(server.rows)
