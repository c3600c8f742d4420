"""Writing the file of the answers store anew, so that its bytes do not tell in which order responses came.

A page of a SQLite file keeps its rows where there was room when they came. The whole file is small and written in the
order of random ids soon after each response; of many responses at once, once for all of them.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from dxmetrics.errors import StateError

if TYPE_CHECKING:
    from dxmetrics.state.database import Database

SOON = 1.0  # seconds after a response

log = logging.getLogger(__name__)


class Rewriting:
    """What is to be written anew, and when."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def soon(self) -> None:
        """Write the file anew within a second, in a thread of its own."""
        with self._lock:
            if self._timer is None:
                self._timer = threading.Timer(SOON, self._write)
                self._timer.daemon = True
                self._timer.start()

    def finish(self) -> None:
        """Write it now, if it was to be written soon."""
        with self._lock:
            timer = self._timer
        if timer is not None:
            timer.cancel()
            self._write()

    def _write(self) -> None:
        with self._lock:
            self._timer = None
        try:
            self._database.rewrite()
        except StateError as error:  # nothing is lost: it is written anew after the next response, and at closing
            log.warning("answers not written anew error=%s", error)
