"""Publications: whole, read-only copies of the warehouse under names that are never used twice.

A process that holds an old file keeps reading it whatever happens to its name, so a new version is a new file and the
pointer `published/current` says which one is the newest.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from dxmetrics.errors import WarehouseError
from dxmetrics.warehouse.connection import FILE_NAME, exclusive, storage_refusal, transaction
from dxmetrics.warehouse.files import PARTIAL, copy_whole, sync
from dxmetrics.warehouse.sql import first_row
from dxmetrics.warehouse.state import facts, set_fact

if TYPE_CHECKING:
    from collections.abc import Callable

    from duckdb import DuckDBPyConnection

FOLDER = "published"
POINTER = "current"
STAMP = "%Y%m%dT%H%M%SZ"
OWN_FACTS = ("data_version", "published_at", "published_state")  # what a publication writes about itself
KEPT = 2  # the newest versions, whatever their age
GRACE = timedelta(hours=1)  # a reader moves on to the newest version well within this


@dataclass(frozen=True)
class Publication:
    """One published version; attach `path` read-only under a name of its own."""

    version: str
    path: Path


def latest(data: Path) -> Publication | None:
    """The newest publication, None before the first; WarehouseError where the file it names is gone."""
    newest = _pointed(data)
    if newest is not None and not newest.path.is_file():
        raise WarehouseError(f"warehouse: {newest.path} is gone, and it was the newest: publish again")
    return newest


def publish(connection: DuckDBPyConnection, data: Path, clock: Callable[[], datetime]) -> Publication:
    """Publish the warehouse as it is now; the last publication again where nothing has changed since.

    WarehouseError where the disk is full or the folder not writable; the last publication stays as it was.
    """
    with exclusive():
        return _publish(connection, data, clock())


def _publish(connection: DuckDBPyConnection, data: Path, now: datetime) -> Publication:
    state = fingerprint(connection)
    newest = _pointed(data)
    if (
        newest is not None
        and newest.path.is_file()
        and facts(connection).get("published_state") == [newest.version, state]
    ):
        return newest
    version = _free_version(data, now)
    with transaction(connection):
        set_fact(connection, "data_version", version)
        set_fact(connection, "published_at", now.isoformat())
        set_fact(connection, "published_state", [version, state])
    try:
        connection.execute("checkpoint")
        path = _copy(data, version)
        _point(data, path.name)
    except (OSError, duckdb.Error) as error:
        refusal = storage_refusal(error)
        raise refusal or WarehouseError(
            f"warehouse: {data / FOLDER} cannot be written ({error}): mend its permissions; "
            "the last publication is intact"
        ) from error
    _remove_old(data, now)
    return Publication(version, path)


def fingerprint(connection: DuckDBPyConnection) -> str:
    """A text that changes whenever anything readers can see changes: rows, models, runs, facts, check results."""
    parts = []
    tables = connection.execute(
        """
        select schema_name || '.' || table_name, estimated_size
        from duckdb_tables()
        where database_name = current_database() and schema_name in ('landing', 'meta', 'survey')
        order by all
        """
    ).fetchall()
    for table, _ in tables:
        if table.startswith("landing."):
            query = f"select count(*), max(batch_id), bit_xor(content_hash) from {table}"
        elif table == "meta.facts":
            query = f"select count(*), sum(hash(facts)) from meta.facts as facts where name not in {OWN_FACTS}"
        else:
            query = f"select count(*), sum(hash(one)) from {table} as one"
        parts.append((table, *map(str, first_row(connection, query) or ())))
    return hash_text(repr(parts))


def hash_text(text: str) -> str:
    """A short stable digest of `text`."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _pointed(data: Path) -> Publication | None:
    """What the pointer names, there or not; None where there is no pointer yet."""
    try:
        name = (data / FOLDER / POINTER).read_text(encoding="utf-8").strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return Publication(name.removeprefix("dx-").removesuffix(".duckdb"), data / FOLDER / name)


def _free_version(data: Path, now: datetime) -> str:
    stamp = now.astimezone(UTC).strftime(STAMP)
    version, number = stamp, 1
    while (data / FOLDER / f"dx-{version}.duckdb").exists():
        number += 1
        version = f"{stamp}-{number}"
    return version


def _copy(data: Path, version: str) -> Path:
    folder = data / FOLDER
    folder.mkdir(exist_ok=True)
    path = folder / f"dx-{version}.duckdb"
    copy_whole(data / FILE_NAME, path)
    return path


def _point(data: Path, name: str) -> None:
    pointer = data / FOLDER / POINTER
    partial = pointer.with_suffix(PARTIAL)
    partial.write_text(name + "\n", encoding="utf-8")
    sync(partial)
    partial.replace(pointer)
    sync(pointer.parent)


def _remove_old(data: Path, now: datetime) -> None:
    """Remove what readers have left: versions whose successor is older than the grace period, but the newest two; and
    what an interrupted copy left behind."""
    folder = data / FOLDER
    files = sorted(folder.glob("dx-*.duckdb"), key=_published_at, reverse=True)
    for successor, path in zip(files[KEPT - 1 :], files[KEPT:], strict=False):
        if _published_at(successor)[0] < now - GRACE:
            path.unlink()
    for path in folder.glob(f"*{PARTIAL}"):
        path.unlink()


def _published_at(path: Path) -> tuple[datetime, int]:
    """When a version was published, as its name says, and its number within that second."""
    stamp, _, number = path.stem.removeprefix("dx-").partition("-")
    return datetime.strptime(stamp, STAMP).replace(tzinfo=UTC), int(number or 1)
