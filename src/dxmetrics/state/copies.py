"""Backup and restore. A backup is one SQLite file, whatever the store itself is kept in.

So what was backed up from one store can be restored into another: that is how one moves from SQLite to PostgreSQL.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, text

from dxmetrics.errors import StateError
from dxmetrics.state import schema
from dxmetrics.state.database import FILE_NAME, of_file
from dxmetrics.state.file_copy import copy_file
from dxmetrics.state.tables import inbox, leases, metadata, run_log

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Table

    from dxmetrics.state.database import Database

ROWS_AT_ONCE = 50  # a body has up to 25 MB, though most have a few kB
NUMBERED = (inbox, run_log)  # whose rows the database numbers


def backup(database: Database, path: Path) -> None:
    """Write everything to the file `path`, as of one moment; others go on meanwhile. StateError where it exists."""
    if path.exists():
        raise StateError(f"state: {path} is there already: name a file that is not, or remove it")
    if not database.is_postgresql:
        copy_file(Path(database.place), path)
        return
    with TemporaryDirectory() as folder:
        file = Path(folder) / FILE_NAME
        with closing(of_file(file, database.clock)) as made:
            schema.bring_up_to_date(made)
            with database.reading() as source, made.writing() as target:
                copy_rows(source, target, metadata.sorted_tables)
        copy_file(file, path)


def restore(database: Database, path: Path) -> None:
    """Put what the backup `path` holds in the place of what is in the store: all of it or nothing.

    Leases stay as they are: they belong to workers of now. A backup of an older schema is brought up to date first;
    StateError where it is newer than this program, or no backup at all.
    """
    with TemporaryDirectory() as folder:
        file = Path(folder) / FILE_NAME
        copy_file(path, file)
        with closing(of_file(file, database.clock)) as backed_up:
            with backed_up.reading() as source:
                found = schema.version(source)
            if found is None:
                raise StateError(f"state: {path} is no backup of a state store: name one that is")
            schema.require_known(found, str(path))
            schema.bring_up_to_date(backed_up)
            with backed_up.reading() as source, database.writing() as target:
                _replace(source, target)
                if database.is_postgresql:
                    _number_on(target)


def _replace(source: Connection, target: Connection) -> None:
    tables = [table for table in metadata.sorted_tables if table is not leases]
    for table in tables:
        target.execute(delete(table))
    copy_rows(source, target, tables)


def copy_rows(source: Connection, target: Connection, tables: Sequence[Table]) -> None:
    """Insert every row of `tables` that `source` has into `target`, a few at a time."""
    for table in tables:
        rows = source.execution_options(yield_per=ROWS_AT_ONCE).execute(select(table)).mappings()
        for part in rows.partitions():
            target.execute(insert(table), [dict(row) for row in part])


def _number_on(connection: Connection) -> None:
    """Let PostgreSQL number new rows after those that were copied with their numbers; SQLite does so by itself."""
    for table in NUMBERED:
        connection.execute(
            text(
                f"select setval(pg_get_serial_sequence('{table.name}', 'id'), coalesce(max(id), 0) + 1, false) "
                f"from {table.name}"
            )
        )
