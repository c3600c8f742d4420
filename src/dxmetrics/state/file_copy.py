"""A copy of a SQLite file that may be in use."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from dxmetrics.errors import StateError
from dxmetrics.state.database import DAMAGED, damage

if TYPE_CHECKING:
    from pathlib import Path


def copy_file(source: Path, target: Path) -> None:
    """Copy the database in `source`, as its last commit left it, to `target`: whole and on the disk, or not at all.

    Others may read and write it meanwhile. StateError where one of them cannot be read or written.
    """
    if not source.is_file():
        raise StateError(f"state: {source} is not there: name a file that is")
    partial = target.with_name(target.name + ".partial")
    try:
        partial.unlink(missing_ok=True)
        _copy(source, partial)
        _sync(partial)
        partial.replace(target)
        _sync(target.parent)
    except (sqlite3.Error, OSError) as error:
        partial.unlink(missing_ok=True)
        if getattr(error, "sqlite_errorname", "").startswith(DAMAGED):
            raise damage(source, error) from error
        raise StateError(
            f"state: {source} cannot be copied to {target} ({error}): choose another place or mend its permissions"
        ) from error


def _copy(source: Path, partial: Path) -> None:
    with (
        closing(sqlite3.connect(source.absolute().as_uri() + "?mode=ro", uri=True)) as read,
        closing(sqlite3.connect(partial, isolation_level=None)) as written,
    ):
        read.backup(written)
        # One file, without the two beside it that write-ahead logging has: `database` turns that on again.
        written.execute("pragma journal_mode = delete")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
