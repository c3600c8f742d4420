"""The state store as others use it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dxmetrics.state import copies, schema
from dxmetrics.state.contacts import Contacts
from dxmetrics.state.database import Store, connect
from dxmetrics.state.deliveries import Deliveries
from dxmetrics.state.editions import Editions
from dxmetrics.state.inbox import Inbox
from dxmetrics.state.leases import Leases
from dxmetrics.state.run_log import RunLog
from dxmetrics.state.schedule import Schedule
from dxmetrics.state.tokens import Tokens
from dxmetrics.state.waves import Waves

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from dxmetrics.project import Project
    from dxmetrics.state.database import Database


class State(Store):
    """What is remembered beside the warehouse. Safe to use from many threads; every process opens its own.

    Whatever a method changes is on the disk when it returns. StateError, from any of them: the store cannot be used,
    and nothing of that call is kept.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.inbox = Inbox(database)
        self.leases = Leases(database)
        self.tokens = Tokens(database)
        self.schedule = Schedule(database)
        self.run_log = RunLog(database)
        self.waves = Waves(database)
        self.contacts = Contacts(database)
        self.editions = Editions(database)
        self.deliveries = Deliveries(database)

    def backup(self, path: Path) -> None:
        """Write everything to the new SQLite file `path`, as of one moment, while others go on."""
        copies.backup(self._database, path)

    def restore(self, path: Path) -> None:
        """Put what a backup holds in the place of everything but leases: all of it or nothing."""
        copies.restore(self._database, path)


def open_state(url: str, folder: Path, clock: Callable[[], datetime]) -> State:
    """The state store of `url`, or of `folder/state.sqlite` where it is blank; made and brought up to date if need be.

    SettingsError where the URL cannot be used; StateError names the place and the remedy: not writable, damaged, out of
    reach, or written by a newer version.
    """
    database = connect(url, folder, clock)
    try:
        schema.bring_up_to_date(database)
    except BaseException:
        database.close()
        raise
    return State(database)


def of_project(project: Project, clock: Callable[[], datetime]) -> State:
    """The state store of a project: that of `[state] url`, else the file in its data folder. Errors as `open_state`."""
    url = project.settings.state.url
    return open_state(url.get_secret_value() if url else "", project.data, clock)
