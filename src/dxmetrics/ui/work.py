"""The worker as pages show it: what it did, what it does next, and what was pushed that it could make nothing of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from dxmetrics import numbers, state
from dxmetrics.errors import StateError
from dxmetrics.lease import LEASE
from dxmetrics.pipeline import utc_now
from dxmetrics.settings import PUSH_SOURCE
from dxmetrics.state import Entry, Failure, LogEntry, State
from dxmetrics.ui import reading

STEPS = 40  # of the run log that are shown
REMEDY = (
    "Each delivery is kept as it came: correct it where it is sent from. What a newer dxmetrics can read is landed "
    "after `dxmetrics inbox retry`."
)
ENDED = {
    "ok": "well",
    "failed": "failed",
    "timed_out": "gave up a scope",
    "running": "is being read",
    None: "not read yet",
}


@dataclass(frozen=True)
class Work:
    """The state of the work, as of now."""

    worker: str | None
    waiting: int
    entries: Sequence[Entry]
    unmapped: Sequence[Failure]
    steps: Sequence[LogEntry]


def now() -> Work | str:
    """The work; a sentence where the state store cannot be used."""
    try:
        store = _store()
        return Work(
            store.leases.holder(LEASE),
            store.inbox.depth(),
            tuple(entry for entry in store.schedule.entries().values() if entry.source != PUSH_SOURCE),
            tuple(store.inbox.failures()),
            tuple(store.run_log.latest(STEPS)),
        )
    except StateError as error:
        return str(error)


def summary(work: Work) -> str:
    """Who works, and what waits, in one line."""
    who = f"{work.worker} is at work" if work.worker else "No worker runs: start `dxmetrics up` or `dxmetrics work`"
    waiting = f"{work.waiting:,} deliveries wait" if work.waiting != 1 else "1 delivery waits"
    return f"{who} · {waiting if work.waiting else 'nothing that was pushed waits'}"


def schedule(work: Work) -> pd.DataFrame:
    """One row per source: how it ended last, and when it is due."""
    return pd.DataFrame(
        {
            "Source": entry.source,
            "Last began": entry.last_started_at,
            "Ended": ENDED[entry.last_status],
            "Failures in a row": entry.failures,
            "Next": entry.next_at,
        }
        for entry in work.entries
    )


def beginnings(work: Work) -> tuple[dict[str, object], ...]:
    """What is known before there is any number: which sources are read, and what they said."""
    said = {step.source: step.message for step in reversed(work.steps) if step.source}
    return tuple(
        {
            "Source": entry.source,
            "State": ENDED[entry.last_status],
            "Since": numbers.instant(entry.last_started_at),
            "Said": said.get(entry.source) or "",
        }
        for entry in work.entries
    ) or ({"Source": "–", "State": "the worker begins", "Since": "", "Said": ""},)


def steps(work: Work) -> pd.DataFrame:
    """What was done, the newest first."""
    return pd.DataFrame(
        {
            "When": step.occurred_at,
            "Step": step.step,
            "Source": step.source or "",
            "Ended": step.status.replace("_", " "),
            "Took": f"{step.seconds:,.1f} s" if step.seconds is not None else "",
            "Said": step.message or "",
        }
        for step in work.steps
    )


def unmapped(work: Work) -> tuple[dict[str, object], ...]:
    """What was pushed and could not be mapped, by reason."""
    return tuple(
        {
            "Endpoint": one.endpoint,
            "Reason": one.error,
            "Deliveries": one.deliveries,
            "Last came": numbers.instant(one.last_received_at),
        }
        for one in work.unmapped
    )


@st.cache_resource(show_spinner=False)
def _store() -> State:
    return state.of_project(reading.project(), utc_now)
