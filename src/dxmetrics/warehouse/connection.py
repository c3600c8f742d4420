"""Opening the one writable warehouse file, and the transactions on it.

DuckDB gives a file to one writing process; within it, all writes of this package pass one lock, so that threads which
collect side by side never mix their transactions.
"""

from __future__ import annotations

import errno
import re
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import duckdb

from dxmetrics.errors import WarehouseError
from dxmetrics.records import LANDED
from dxmetrics.warehouse import schema
from dxmetrics.warehouse.files import copy_whole
from dxmetrics.warehouse.sql import scalar
from dxmetrics.warehouse.state import facts, set_fact

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from duckdb import DuckDBPyConnection

FILE_NAME = "dx.duckdb"

_writing = threading.RLock()


def open_writer(data: Path, *, memory_limit: str | None = None, threads: int | None = None) -> DuckDBPyConnection:
    """The writing connection to `data/dx.duckdb`, made and brought up to date where needed; its sessions run in UTC.

    WarehouseError names the file and the remedy: folder not writable, file damaged, written by a newer version, or
    held by another process.
    """
    path = data / FILE_NAME
    try:
        data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WarehouseError(
            f"warehouse: folder {data} cannot be made ({error.strerror}): choose another one or mend its permissions"
        ) from error
    config: dict[str, str | bool | int | float | list[str]] = {}
    if memory_limit is not None:
        config["memory_limit"] = memory_limit
    if threads is not None:
        config["threads"] = threads
    try:
        connection = duckdb.connect(path, config=config)
    except duckdb.Error as error:
        raise _refusal(path, error) from error
    try:
        connection.execute("set global TimeZone = 'UTC'")
        # DuckDB's 16 MB would rewrite the end of every table each few pages: a fifth of the time of a first collection.
        connection.execute("set global checkpoint_threshold = '128MB'")
        _migrate(connection, path)
    except duckdb.Error as error:
        connection.close()
        raise _refusal(path, error) from error
    except WarehouseError:
        connection.close()
        raise
    return connection


@contextmanager
def exclusive() -> Iterator[None]:
    """No other thread of this process writes inside the block."""
    with _writing:
        yield


@contextmanager
def transaction(connection: DuckDBPyConnection) -> Iterator[None]:
    """One transaction, alone on the connection; everything or nothing. A full disk is told as a WarehouseError."""
    with _writing:
        try:
            connection.execute("begin")
            yield
            connection.execute("commit")
        except BaseException as error:
            _roll_back(connection)
            if isinstance(error, duckdb.Error | OSError):
                refusal = storage_refusal(error)
                if refusal is not None:
                    raise refusal from error
            raise


def storage_refusal(error: Exception, place: str = "warehouse") -> WarehouseError | None:
    """What to tell when the storage failed at `place` (disk full, too little memory); None for any other error."""
    text = str(error)
    if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) or re.search(
        r"No space left|disk full|File too large|Disk quota", text
    ):
        return WarehouseError(
            f"{place}: no space left on the disk ({_first_line(text)}); nothing of this step is kept and the "
            "last publication is intact: free some space and run again"
        )
    if isinstance(error, duckdb.OutOfMemoryException):
        return WarehouseError(
            f"{place}: out of memory ({_first_line(text)}); nothing of this step is kept: raise the memory limit"
        )
    if isinstance(error, duckdb.IOException):
        return WarehouseError(f"{place}: cannot read or write the file ({_first_line(text)})")
    return None


def _roll_back(connection: DuckDBPyConnection) -> None:
    try:
        connection.execute("rollback")
    except duckdb.Error:
        # A failed commit has already ended the transaction, and a fatal error closes the database: either way
        # nothing of it is kept, and the error on its way up says why.
        return


def _migrate(connection: DuckDBPyConnection, path: Path) -> None:
    is_new = not scalar(
        connection, "select count(*) from duckdb_tables() where schema_name = 'meta' and table_name = 'facts'"
    )
    found = {} if is_new else facts(connection)
    version = found.get("schema_version", schema.SCHEMA_VERSION)
    if version > schema.SCHEMA_VERSION:
        raise WarehouseError(
            f"warehouse: {path} has schema version {version}, this version of dxmetrics knows up to "
            f"{schema.SCHEMA_VERSION}: upgrade dxmetrics, or choose another data folder"
        )
    if version < schema.SCHEMA_VERSION:
        _keep_copy(connection, path, version)
    with transaction(connection):
        schema.create(connection)
        probe = scalar(connection, "select hash('dxmetrics', 1, true)::varchar")
        if found.get("hash_probe") != probe:
            for record in LANDED:
                schema.rehash(connection, schema.layout(record))
            set_fact(connection, "hash_probe", probe)
        if found.get("schema_version") != schema.SCHEMA_VERSION:
            set_fact(connection, "schema_version", schema.SCHEMA_VERSION)


def _keep_copy(connection: DuckDBPyConnection, path: Path, version: int) -> None:
    """Copy the file as it is before it is changed, once for each version it had."""
    copy = path.with_name(f"{path.stem}-schema-{version}{path.suffix}")
    if copy.exists():
        return
    connection.execute("checkpoint")
    try:
        copy_whole(path, copy)
    except OSError as error:
        raise storage_refusal(error) or WarehouseError(
            f"warehouse: {path} cannot be copied to {copy} before its schema is changed ({error}): make room, or mend "
            "the folder's permissions"
        ) from error


def _refusal(path: Path, error: duckdb.Error) -> WarehouseError:
    text = str(error)
    if "Conflicting lock" in text or "Could not set lock" in text:
        holder = re.search(r"PID (\d+)", text)
        who = f"another dxmetrics process (PID {holder[1]})" if holder else "another dxmetrics process"
        return WarehouseError(f"warehouse: {who} writes {path}: stop it, or wait until it has finished")
    if "different configuration" in text:
        return WarehouseError(f"warehouse: {path} is already open in this process: close it first")
    if re.search(r"newer version|storage version|different version|version number", text, re.IGNORECASE):
        return WarehouseError(f"warehouse: {path} was written by a newer DuckDB ({_first_line(text)}): upgrade duckdb")
    if re.search(r"Permission denied|Read-only file system|Cannot open file|Is a directory", text):
        return WarehouseError(
            f"warehouse: {path} cannot be opened for writing ({_first_line(text)}): mend its permissions or choose "
            "another data folder"
        )
    storage = storage_refusal(error) if "space" in text else None
    return storage or WarehouseError(
        f"warehouse: {path} is damaged or not a DuckDB file ({_first_line(text)}): move it away and collect again, or "
        "put a copy back; the files in published/ are copies of it"
    )


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else "no further message"
