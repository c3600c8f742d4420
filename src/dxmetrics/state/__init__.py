"""Operational state: inbox, leases, API tokens, schedule and run log, in SQLite or PostgreSQL.

The web process and the worker share it; everything else that is kept is in the warehouse, which one process writes.
`open_state` opens it.
"""

from dxmetrics.state.inbox import Delivery, Failure, Received
from dxmetrics.state.run_log import LogEntry
from dxmetrics.state.schedule import Entry
from dxmetrics.state.store import State, of_project, open_state
from dxmetrics.state.tokens import INGEST, ApiToken

__all__ = [
    "INGEST", "ApiToken", "Delivery", "Entry", "Failure", "LogEntry", "Received", "State", "of_project", "open_state",
]  # fmt: skip
