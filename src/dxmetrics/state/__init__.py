"""Operational state: inbox, leases, API tokens, schedule, run log and survey waves, reports, in SQLite or PostgreSQL.

The web process and the worker share it; everything else that is kept is in the warehouse, which one process writes.
`open_state` opens it.
"""

from dxmetrics.state.inbox import Delivery, Failure, Received
from dxmetrics.state.run_log import LogEntry
from dxmetrics.state.schedule import Entry
from dxmetrics.state.store import State, of_project, open_state
from dxmetrics.state.tokens import BADGE, INGEST, READ, REPORTS, SURVEYS, ApiToken
from dxmetrics.state.waves import Cohort, Request, Wave

__all__ = [
    "BADGE", "INGEST", "READ", "REPORTS", "SURVEYS", "ApiToken", "Cohort", "Delivery", "Entry", "Failure", "LogEntry",
    "Received", "Request", "State", "Wave", "of_project", "open_state",
]  # fmt: skip
