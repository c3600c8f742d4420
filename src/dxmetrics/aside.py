"""Work beside the worker's turns: a mail server that is slow keeps nobody from collecting."""

import threading
from collections.abc import Callable


class Aside:
    """One thread at a time, which does not keep the process alive."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._thread: threading.Thread | None = None

    @property
    def is_busy(self) -> bool:
        """Whether what was begun last goes on."""
        return self._thread is not None and self._thread.is_alive()

    def begin(self, work: Callable[[], None]) -> None:
        """Do this, where nothing else is being done."""
        if not self.is_busy:
            self._thread = threading.Thread(target=work, name=self._name, daemon=True)
            self._thread.start()

    def finish(self, seconds: float) -> None:
        """Wait for what is being done, for so long."""
        if self._thread is not None:
            self._thread.join(seconds)
