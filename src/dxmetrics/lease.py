"""The right to do what one process at a time may do, such as write a project's warehouse, for as long as it lives."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from dxmetrics.errors import DxError, StateError

if TYPE_CHECKING:
    from dxmetrics.state import State

LEASE = "warehouse"
LEASE_LENGTH = timedelta(seconds=30)

log = logging.getLogger("dxmetrics.lease")


class LeaseLost(DxError):
    """Another worker took over; nothing more may be written."""


class Lease:
    """Our right, to write the warehouse or what else it is named, renewed by a thread of its own while we live."""

    def __init__(self, state: State, lease: str = LEASE) -> None:
        self._leases = state.leases
        self._lease = lease
        self._name = f"{socket.gethostname()}/{os.getpid()}"
        self._renewed: float | None = None  # when it was surely ours; None: it is not
        self._is_over = threading.Event()
        self._thread: threading.Thread | None = None
        self.holder = ""

    def hold(self) -> bool:
        """Whether it is ours now; taken where nobody living has it."""
        if self._renewed is not None:
            self.require()
            return True
        if not self._leases.acquire(self._lease, self._name, LEASE_LENGTH):
            self.holder = self._leases.holder(self._lease) or ""
            if not _is_dead(self.holder):
                return False
            self._leases.release(self._lease, self.holder)
            if not self._leases.acquire(self._lease, self._name, LEASE_LENGTH):
                return False
        self._renewed = time.monotonic()
        if self._thread is None:
            self._thread = threading.Thread(target=self._renew, name="lease", daemon=True)
            self._thread.start()
        return True

    def require(self) -> None:
        """Raise LeaseLost where it is not surely ours any more."""
        if self._renewed is None or time.monotonic() - self._renewed > LEASE_LENGTH.total_seconds():
            self._renewed = None
            raise LeaseLost("another worker works for this project now, as this one was held up: standing by")

    def release(self) -> None:
        """Give it back."""
        self._is_over.set()
        if self._thread is not None:
            self._thread.join()
        if self._renewed is not None:
            with suppress(StateError):  # then it ends by itself
                self._leases.release(self._lease, self._name)

    def _renew(self) -> None:
        while not self._is_over.wait(LEASE_LENGTH.total_seconds() / 3):
            if self._renewed is None:
                continue
            began = time.monotonic()
            try:
                self._renewed = began if self._leases.renew(self._lease, self._name, LEASE_LENGTH) else None
            except StateError as error:
                log.warning("lease not renewed: %s", error)  # `require` says so when it is too late


def _is_dead(holder: str) -> bool:
    """Whether a holder was a process of this machine that is no more."""
    host, _, number = holder.rpartition("/")
    if host != socket.gethostname() or not number.isdigit():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
