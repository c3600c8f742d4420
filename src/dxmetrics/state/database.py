"""The database behind the state store: SQLite by default, PostgreSQL by URL; its transactions, and its failures told.

SQLite lets one connection write at a time and makes others wait, up to `PATIENCE` seconds. Every commit is on the disk
before it returns, so what was acknowledged survives a killed process and a lost power supply.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

from sqlalchemy import URL, create_engine, event, exc, make_url
from sqlalchemy.dialects import postgresql, sqlite

from dxmetrics.errors import SettingsError, StateError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path
    from types import TracebackType

    from sqlalchemy import Connection, Engine, Table

FILE_NAME = "state.sqlite"
PATIENCE = 10.0  # seconds to wait for another process that writes, or for a server that does not answer
SETTING = {"state": "[state] url", "answers": "[surveys] url"}  # what says where a store is
DAMAGED = ("SQLITE_NOTADB", "SQLITE_CORRUPT")

_READS = "dx_reads"  # the execution option of connections that take no lock
_OUTSIDE = "dx_outside"  # and of those whose statements cannot be in a transaction
_POSTGRESQL = ("postgresql", "postgres")
_FULL = ("SQLITE_FULL", "53100")
_BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_PROTOCOL", "40P01", "55P03")
_BARRED = ("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")


@dataclass(frozen=True)
class Database:
    """An engine, the place and the name people know it by, and the clock."""

    engine: Engine
    place: str
    clock: Callable[[], datetime]
    name: str = "state"

    @property
    def is_postgresql(self) -> bool:
        """Whether it is a server that several machines may share."""
        return self.engine.dialect.name == "postgresql"

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction: everything or nothing, durable when the block has ended. SQLite: alone from the start."""
        with self._told(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one state of the database throughout, and makes nobody wait."""
        with self._told(), self._readers.connect() as connection:
            yield connection

    def insert(self, table: Table) -> postgresql.Insert | sqlite.Insert:
        """An INSERT that knows `on_conflict_...`, and whose result tells how many rows were written."""
        made = postgresql.insert(table) if self.is_postgresql else sqlite.insert(table)
        return made.execution_options(preserve_rowcount=True)

    def forget_removed(self) -> None:
        """Have removed rows gone from the file's log too. A PostgreSQL server forgets them with its next vacuum."""
        if not self.is_postgresql:
            with self._told(), self._outside.connect() as connection:
                connection.exec_driver_sql("pragma wal_checkpoint(truncate)")

    def rewrite(self) -> None:
        """Write the file anew without its gaps. A PostgreSQL server forgets what was in them with its next vacuum."""
        if not self.is_postgresql:
            with self._told(), self._outside.connect() as connection:
                connection.exec_driver_sql("vacuum")

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except exc.TimeoutError as error:
            raise StateError(
                f"{self.name}: {self.place}: no connection became free: too many requests at once"
            ) from error
        except exc.DBAPIError as error:
            refused = _refusal(self.name, self.place, error)
            if refused is None:
                raise
            raise refused from error

    @cached_property
    def _outside(self) -> Engine:
        return self.engine.execution_options(**{_OUTSIDE: True})

    @cached_property
    def _readers(self) -> Engine:
        options = {_READS: True, **({"isolation_level": "REPEATABLE READ"} if self.is_postgresql else {})}
        return self.engine.execution_options(**options)


class Store:
    """What stores over a database have in common: closed at the end of a `with` block."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __enter__(self) -> Self:
        """Itself, to be closed at the end of the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._database.close()


def connect(
    url: str, folder: Path, clock: Callable[[], datetime], *, name: str = "state", leaves_traces: bool = True
) -> Database:
    """The database of `url`, or `folder/<name>.sqlite` where it is blank; nothing is made or changed in it yet.

    A file that leaves no traces has no log of what was written in which order beside it.
    SettingsError for a URL that is none of ours, StateError where the folder cannot be made.
    """
    if url:
        return _server(url, clock, name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StateError(
            f"{name}: folder {folder} cannot be made ({error.strerror}): choose another one or mend its permissions"
        ) from error
    return of_file(folder / f"{name}.sqlite", clock, name=name, leaves_traces=leaves_traces)


def of_file(path: Path, clock: Callable[[], datetime], *, name: str = "state", leaves_traces: bool = True) -> Database:
    """The database in the SQLite file `path`."""
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        connect_args={"timeout": PATIENCE, "isolation_level": None},  # transactions begin where _begin says
        hide_parameters=True,
    )
    event.listen(engine, "connect", _prepare if leaves_traces else _prepare_private)
    event.listen(engine, "begin", _begin)
    return Database(engine, str(path), clock, name)


def damage(place: str | Path, error: BaseException, name: str = "state") -> StateError:
    """What to tell of a file that SQLite cannot read."""
    return StateError(
        f"{name}: {place} is damaged or not a SQLite file ({error}): move it away, or put a backup in its place"
    )


def _server(url: str, clock: Callable[[], datetime], name: str) -> Database:
    try:
        parsed = make_url(url)
    except exc.ArgumentError:
        parsed = None
    if parsed is None or parsed.drivername not in _POSTGRESQL:
        raise SettingsError(
            f"{SETTING[name]} is not the address of a PostgreSQL database: write "
            f"postgresql://user:password@host/database, or leave it blank for {name}.sqlite in the data folder"
        )
    try:
        engine = create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            connect_args={"connect_timeout": int(PATIENCE)},
            pool_pre_ping=True,
            hide_parameters=True,
        )
    except ImportError as error:
        raise SettingsError(
            f"{SETTING[name]} names a PostgreSQL database, and the package to reach it is missing: "
            'pip install "psycopg[binary]"'
        ) from error
    return Database(engine, parsed.render_as_string(), clock, name)


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    _write_ahead(connection)
    connection.execute("pragma synchronous = full")
    connection.execute("pragma fullfsync = on")  # macOS: without it a commit may still be in the drive's cache
    connection.execute("pragma journal_size_limit = 67108864")
    connection.execute("pragma secure_delete = on")  # the key of a survey's wave is not to be found any more


def _prepare_private(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("pragma journal_mode = truncate")
    connection.execute("pragma temp_store = memory")  # else `rewrite` leaves a copy in the system's temporary folder
    connection.execute("pragma synchronous = full")
    connection.execute("pragma fullfsync = on")
    connection.execute("pragma secure_delete = on")


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Readers and the writer do not wait for each other; a property of the file, set by whoever opens it first."""
    give_up = time.monotonic() + PATIENCE
    while True:
        try:
            connection.execute("pragma journal_mode = wal")
        except sqlite3.OperationalError as error:
            # Two that make a file at once: SQLite refuses one of them at once instead of letting it wait.
            if error.sqlite_errorname != "SQLITE_BUSY" or time.monotonic() > give_up:
                raise
            time.sleep(0.01)
        else:
            return


def _begin(connection: Connection) -> None:
    # A transaction that reads first and writes later could not be given the lock any more: a writer takes it at once.
    options = connection.get_execution_options()
    if not options.get(_OUTSIDE):
        connection.exec_driver_sql("begin" if options.get(_READS) else "begin immediate")


def _refusal(name: str, place: str, error: exc.DBAPIError) -> StateError | None:
    """What to tell of a driver's error at `place`; None for a mistake in this program."""
    cause = error.orig or error
    code = getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None) or ""
    told = f"{name}: {place}"
    line = str(cause).strip().partition("\n")[0]
    if code.startswith(_FULL):
        return StateError(f"{told}: no space left on the disk ({line}); nothing of this step is kept: free some space")
    if code.startswith(_BUSY):
        return StateError(f"{told}: another process holds it up, perhaps one that is stuck ({line}): try again")
    if code.startswith(_BARRED):
        return StateError(f"{told} cannot be written ({line}): mend its permissions or choose another data folder")
    if code.startswith(DAMAGED):
        return damage(place, cause, name)
    if code.startswith("SQLITE_IOERR"):
        return StateError(f"{told}: the disk failed or is full ({line}); nothing of this step is kept: see to the disk")
    if code == "42501":
        return StateError(f"{told}: the user may not do this ({line}): make it the owner of the database")
    if isinstance(error, exc.OperationalError) and not code.startswith("SQLITE"):
        return StateError(f"{told} cannot be reached ({line}): see that it runs, and that {SETTING[name]} is right")
    return None
