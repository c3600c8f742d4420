"""The feed of runs of Actions, and with them the tasks that tell what each attempt did.

Runs and tasks are two lists, both newest first. A task is never older than its run: once tasks are read down to where
the oldest run of a page began, all those of its runs have been met. Tasks met before their run, as of one that was
started again long after, wait for it: in the cursor, as long as history is not read to its end.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Self

from dxmetrics.collectors.feeds import Feed, Position, Slice, down_to
from dxmetrics.errors import NotFoundError
from dxmetrics.records import Job, PipelineRun, Record

from .api import MOST, Listing, Place, Row, instant, instants, only
from .runs import TASK_FIELDS, attempts, made_at, number

OVERLAP = timedelta(days=1)  # most of what runs has ended within
YOUNG = timedelta(days=14)  # what is started again within this is seen, once a day
ITEMS = "workflow_runs"  # where both lists have their rows

Waiting = dict[str, dict[str, Row]]


@dataclass(frozen=True)
class _Mark:
    """Where both lists go on: at these pages, of so many runs; tasks are read down to a time (None: none yet), and
    runs down to a number (0: none yet)."""

    page: int = 1
    runs: int = 0
    task_page: int = 1
    down_to: datetime | None = None
    number: int = 0

    @classmethod
    def of(cls, token: str | None) -> Self:
        if token is None:
            return cls()
        page, runs, task_page, down_to, number = token.split()
        read = None if down_to == "-" else datetime.fromisoformat(down_to)
        return cls(int(page), int(runs), int(task_page), read, int(number))

    def token(self) -> str:
        down_to = self.down_to.isoformat() if self.down_to else "-"
        return f"{self.page} {self.runs} {self.task_page} {down_to} {self.number}"


def pipelines(place: Place) -> Feed:
    """The feed of a repository's runs."""
    return Feed("pipelines", (PipelineRun, Job), _Reading(place).read, overlap=OVERLAP, deep_overlap=YOUNG)


class _Reading:
    """The runs of a repository being read; `_waiting` are the tasks that were met before their run."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._waiting: Waiting = {}
        self._following: str | None = None

    def read(self, position: Position) -> Slice:
        """The next page of runs, with their tasks."""
        mark, memo = _Mark.of(position.token), position.memo
        listing = _runs(self._place, mark.page)
        if mark.page > 1 and (listing.total or 0) < mark.runs:  # one was deleted, and those behind it moved up
            mark = replace(mark, page=mark.page - 1)
            listing = _runs(self._place, mark.page)
        digest = _digest(listing.rows) if position.token is None else memo.get("digest")
        if position.token is None and not position.is_thorough and digest == memo.get("digest"):
            return Slice({}, is_unchanged=True, served_at=listing.served_at)
        if not memo.get("is_whole"):
            self._waiting = {run: dict(tasks) for run, tasks in (memo.get("tasks") or {}).items()}
        elif position.token is None or position.token != self._following:
            self._waiting = {}
            mark = replace(mark, task_page=1, down_to=None)
        rows, mark = self._rows(listing, mark)
        is_whole = bool(memo.get("is_whole")) or listing.is_last
        self._following = None if listing.is_last else mark.token()
        return Slice(
            rows,
            oldest=down_to(filter(None, map(made_at, listing.rows)), has_more=not listing.is_last),
            token=self._following,
            is_end=listing.is_last,
            served_at=listing.served_at,
            memo={"digest": digest, "is_whole": is_whole, "tasks": {} if is_whole else self._waiting},
        )

    def _rows(self, listing: Listing, mark: _Mark) -> tuple[Mapping[type[Record], list[Row]], _Mark]:
        """The rows of a page that were not on one before it, and where to go on."""
        oldest = min(filter(None, map(made_at, listing.rows)), default=None)
        mark = _read_tasks(self._place, mark, oldest, self._waiting)
        runs: list[Row] = []
        jobs: list[Row] = []
        unread = [run for run in listing.rows if not mark.number or number(run) < mark.number]
        for run in unread:  # the others have come down from the page before, and their tasks are told already
            tasks = self._waiting.pop(str(number(run)), {})
            told = attempts(self._place.id, run, _until(listing.served_at, tasks))
            runs += told[0]
            jobs += told[1]
        lowest = min(map(number, unread), default=mark.number)
        mark = replace(mark, page=mark.page + 1, runs=listing.total or 0, number=lowest)
        return {record: rows for record, rows in ((PipelineRun, runs), (Job, jobs)) if rows}, mark


def _runs(place: Place, page: int) -> Listing:
    try:
        return place.page("actions/runs", {"page": page, "limit": MOST}, ITEMS)
    except NotFoundError as error:
        raise NotFoundError(
            f"{error}; if Actions are used there, the server is too old to list runs: update it"
        ) from error


def _read_tasks(place: Place, mark: _Mark, oldest: datetime | None, waiting: Waiting) -> _Mark:
    """Read tasks down to a time into those that wait; where to go on."""
    while oldest is not None and (mark.down_to is None or mark.down_to >= oldest):
        listing = place.page("actions/tasks", {"page": mark.task_page, "limit": MOST}, ITEMS)
        for task in listing.rows:
            kept = {**only(task, TASK_FIELDS), "id": task["id"]}
            waiting.setdefault(str(task["run_number"]), {})[str(task["id"])] = kept
        down_to = min(instants(listing.rows, "created_at"), default=None)
        is_end = listing.is_last or down_to is None
        mark = replace(
            mark,
            task_page=mark.task_page + (0 if listing.is_last else 1),
            down_to=datetime.min.replace(tzinfo=UTC) if is_end else down_to,
        )
    return mark


def _until(served_at: datetime | None, tasks: Mapping[str, Row]) -> list[Row]:
    """The tasks that were there already when the runs were listed: what has begun since, the run does not know of."""
    rows = list(tasks.values())
    return [row for row in rows if served_at is None or (instant(row.get("created_at")) or served_at) < served_at]


def _digest(rows: Sequence[Row]) -> str:
    """What tells whether anything on the first page has changed."""
    names = ("id", "status", "conclusion", "started", "started_at", "stopped", "completed_at", "run_attempt")
    told = json.dumps([[row.get(name) for name in names] for row in rows])
    return hashlib.sha256(told.encode()).hexdigest()[:16]
