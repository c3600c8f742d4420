"""The inbox: what was pushed to us, kept as it came until it has been processed.

A sender is answered only after `append` has returned: from then on the delivery is on the disk, whatever is killed.
Deliveries that arrive while another is being written share the next commit, so many senders cost few of them.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, func, select, update

from dxmetrics.errors import StateError
from dxmetrics.state.tables import Instant, inbox

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from dxmetrics.state.database import Database

LONGEST_ENDPOINT = 100  # characters; an index entry of PostgreSQL has 2,704 bytes at most
LONGEST_ID = 500
MOST_BYTES = 64_000_000  # bodies that one call of `pending` brings into memory, but always one
REMOVED_AT_ONCE = 1_000  # rows of one transaction, so that those who append hardly wait


@dataclass(frozen=True)
class Delivery:
    """What one request brought. `endpoint` and `delivery_id` together say whether it was here before.

    Headers are kept as given: leave those out that hold a credential. ValueError where an id cannot be kept.
    """

    endpoint: str
    delivery_id: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse what a database would refuse, before others wait for the same commit."""
        _require("endpoint", self.endpoint, LONGEST_ENDPOINT)
        _require("delivery_id", self.delivery_id, LONGEST_ID)


@dataclass(frozen=True)
class Received(Delivery):
    """A delivery in the inbox."""

    id: int
    received_at: datetime


@dataclass(frozen=True)
class Failure:
    """How many deliveries of an endpoint could not be processed for one reason, and when the last of them came."""

    endpoint: str
    error: str
    deliveries: int
    last_received_at: datetime


class _Group:
    """The rows of one call, and what became of them."""

    def __init__(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self.rows = rows
        self.are_new: list[bool] | None = None
        self.failure: BaseException | None = None

    @property
    def is_settled(self) -> bool:
        return self.are_new is not None or self.failure is not None


class Inbox:
    """Deliveries in the order they came. Safe to use from many threads and processes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[_Group] = []
        self._is_writing = False
        self._turn = threading.Condition()
        insert = database.insert(inbox).on_conflict_do_nothing(index_elements=["endpoint", "delivery_id"])
        self._insert = insert.returning(inbox.c.endpoint, inbox.c.delivery_id)  # of the new ones

    def append(self, delivery: Delivery) -> bool:
        """Keep it; False where it was here before, processed or not. StateError: it is not kept."""
        return self.append_all([delivery])[0]

    def append_all(self, deliveries: Sequence[Delivery]) -> list[bool]:
        """Keep all of them or none; for each whether it is new. StateError: none is kept."""
        now = self._database.clock()
        group = _Group([_row(delivery, now) for delivery in deliveries])
        with self._turn:
            self._waiting.append(group)
            self._turn.wait_for(lambda: group.is_settled or not self._is_writing)
            groups = [] if group.is_settled else self._take_turn()
        if groups:
            try:
                self._settle(groups)
            finally:
                self._end_turn()
        if group.are_new is None:
            reason = str(group.failure) or "state: interrupted; nothing of this step is kept"
            raise StateError(reason) from group.failure
        return group.are_new

    def _take_turn(self) -> list[_Group]:
        """Write for all that wait by now, one's own among them; others wait until that is done."""
        self._is_writing = True
        groups, self._waiting = self._waiting, []
        return groups

    def _end_turn(self) -> None:
        with self._turn:
            self._is_writing = False
            self._turn.notify_all()

    def _settle(self, groups: Sequence[_Group]) -> None:
        rows = [row for group in groups for row in group.rows]
        try:
            with self._database.writing() as connection:
                written = {tuple(row) for row in connection.execute(self._insert, rows)} if rows else set()
        except BaseException as error:
            for group in groups:
                group.failure = error
            raise
        for group in groups:
            group.are_new = [_is_first(row, written) for row in group.rows]

    def pending(self, limit: int) -> list[Received]:
        """The oldest deliveries that wait, at most `limit`, and fewer where their bodies are large.

        Two that ask at once get the same ones: whoever drains holds a lease.
        """
        sizes = (
            select(inbox.c.id, func.length(inbox.c.body))
            .where(inbox.c.processed_at.is_(None))
            .order_by(inbox.c.id)
            .limit(limit)
        )
        with self._database.reading() as connection:
            last = _last_within(connection.execute(sizes), MOST_BYTES)
            if last is None:
                return []
            rows = connection.execute(
                select(inbox)
                .where(inbox.c.processed_at.is_(None), inbox.c.id <= last)
                .order_by(inbox.c.id)
                .limit(limit)
            ).all()
        return [Received(row.endpoint, row.delivery_id, row.headers, row.body, row.id, row.received_at) for row in rows]

    def done(self, ids: Iterable[int]) -> None:
        """These are processed: what they said is in the warehouse."""
        self._end("done", [{"key": one, "reason": None} for one in ids])

    def fail(self, reasons: Mapping[int, str]) -> None:
        """These cannot be processed, each for its reason; they are kept as they came, and counted."""
        self._end("failed", [{"key": one, "reason": reason} for one, reason in reasons.items()])

    def _end(self, outcome: str, keys: Sequence[Mapping[str, Any]]) -> None:
        if not keys:
            return
        ended = update(inbox).where(inbox.c.id == bindparam("key"), inbox.c.processed_at.is_(None))
        now = self._database.clock()
        with self._database.writing() as connection:
            connection.execute(
                ended.values(processed_at=now, outcome=outcome, error=bindparam("reason")), [dict(one) for one in keys]
            )

    def depth(self) -> int:
        """How many deliveries wait."""
        with self._database.reading() as connection:
            return connection.scalar(select(func.count()).where(inbox.c.processed_at.is_(None))) or 0

    def failures(self) -> list[Failure]:
        """What could not be processed, one row per endpoint and reason, the most frequent first."""
        count = func.count()
        last = func.max(inbox.c.received_at, type_=Instant())
        query = (
            select(inbox.c.endpoint, inbox.c.error, count, last)
            .where(inbox.c.outcome == "failed")
            .group_by(inbox.c.endpoint, inbox.c.error)
            .order_by(count.desc(), inbox.c.endpoint, inbox.c.error)
        )
        with self._database.reading() as connection:
            return [Failure(*row) for row in connection.execute(query)]

    def retry(self) -> int:
        """Let everything that failed wait again, once its reason is mended: how many."""
        again = update(inbox).where(inbox.c.outcome == "failed")
        with self._database.writing() as connection:
            return connection.execute(again.values(processed_at=None, outcome=None, error=None)).rowcount

    def reopen(self, since: datetime) -> int:
        """Let everything that was processed from then on wait again, as what was made of it is gone: how many."""
        again = update(inbox).where(inbox.c.processed_at >= since)
        with self._database.writing() as connection:
            return connection.execute(again.values(processed_at=None, outcome=None, error=None)).rowcount

    def prune(self, before: datetime) -> int:
        """Remove what was received before then and is done: how many. Waiting and failed deliveries stay.

        A removed delivery that is sent again counts as new: keep them for longer than senders repeat themselves.
        """
        old = (
            select(inbox.c.id)
            .where(inbox.c.outcome == "done", inbox.c.received_at < before)
            .order_by(inbox.c.received_at)
            .limit(REMOVED_AT_ONCE)
        )
        removed = 0
        while True:
            with self._database.writing() as connection:
                found = connection.execute(delete(inbox).where(inbox.c.id.in_(old))).rowcount
            removed += found
            if found < REMOVED_AT_ONCE:
                return removed


def _require(name: str, value: str, longest: int) -> None:
    if not 0 < len(value) <= longest:
        raise ValueError(f"{name} has {len(value)} characters: 1 to {longest} are possible")
    if not value.isprintable():
        raise ValueError(f"{name} {value!r} has characters that cannot be printed")


def _is_first(row: Mapping[str, Any], written: set[tuple[str, str]]) -> bool:
    """Whether a row is one of those written, and the first of its key: it is taken out of them."""
    key = (row["endpoint"], row["delivery_id"])
    if key not in written:
        return False
    written.remove(key)
    return True


def _row(delivery: Delivery, now: datetime) -> dict[str, Any]:
    return {
        "endpoint": delivery.endpoint,
        "delivery_id": delivery.delivery_id,
        "received_at": now,
        "headers": dict(delivery.headers),
        "body": delivery.body,
    }


def _last_within(sizes: Iterable[tuple[int, int]], most: int) -> int | None:
    """The last id up to which the sizes add up to `most` at most; the first one at least, None where there is none."""
    last, total = None, 0
    for key, size in sizes:
        total += size
        if last is not None and total > most:
            break
        last = key
    return last
