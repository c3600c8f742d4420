"""Bringing a database to the schema of this program.

A change of the schema is a new file in `migrations/versions`, the same change in `tables`, and its number here. A
SQLite file is copied before it is changed, and a change is one transaction: all of it or nothing.
"""

from __future__ import annotations

from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from dxmetrics.errors import StateError
from dxmetrics.state.file_copy import copy_file

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dxmetrics.state.database import Database

VERSION = "0002"
MIGRATIONS = Path(__file__).parent / "migrations"
VERSION_TABLE = "state_version"  # not Alembic's own name: a PostgreSQL database may hold another program's tables

_ADVISORY_LOCK = 0x6478_7374  # "dxst"; the number means nothing, every dxmetrics uses the same one


def bring_up_to_date(database: Database) -> None:
    """Make or change the tables where needed; of several processes one does it, and the others wait.

    StateError where the schema is newer than this program.
    """
    with database.reading() as connection:
        found = version(connection)
    if found == VERSION:
        return
    with database.writing() as connection:
        if database.is_postgresql:
            connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        found = version(connection)
        if found == VERSION:
            return
        if found is not None:
            _keep_copy(database, found)
        _upgrade(connection)


def version(connection: Connection) -> str | None:
    """The number of the schema; None before there is one."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found: str | None = connection.scalar(text(f"select version_num from {VERSION_TABLE}"))
    return found


def require_known(found: str, place: str) -> None:
    """Raise StateError where `found` is a version this program has no file for."""
    known = sorted(path.name[1:5] for path in (MIGRATIONS / "versions").glob("v*.py"))
    if found not in known:
        raise StateError(
            f"state: {place} has schema version {found}, this version of dxmetrics knows up to {VERSION}: "
            "upgrade dxmetrics, or put back a backup of that time"
        )


def _keep_copy(database: Database, found: str) -> None:
    require_known(found, database.place)
    if not database.is_postgresql:
        file = Path(database.place)
        now = database.clock().astimezone(UTC)
        copy_file(file, file.with_name(f"{file.stem}-{found}-{now:%Y%m%dT%H%M%SZ}{file.suffix}"))


def _upgrade(connection: Connection) -> None:
    # Here, and not above: it takes longer to import than everything else, and is needed once in a version's life.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
