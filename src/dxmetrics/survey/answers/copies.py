"""Backup and restore of the answers store. A backup is one SQLite file, whatever the store itself is kept in."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, tuple_

from dxmetrics.errors import StateError
from dxmetrics.state.copies import copy_rows
from dxmetrics.state.database import of_file
from dxmetrics.state.file_copy import copy_file
from dxmetrics.survey.answers.tables import comments, metadata, responses, results

if TYPE_CHECKING:
    from dxmetrics.state.database import Database


def backup(database: Database, path: Path) -> None:
    """Write everything to the file `path`, as of one moment. StateError where it exists."""
    if path.exists():
        raise StateError(f"answers: {path} is there already: name a file that is not, or remove it")
    if not database.is_postgresql:
        copy_file(Path(database.place), path)
        return
    with closing(of_file(path, database.clock, name=database.name, leaves_traces=False)) as made:
        with made.writing() as target:
            metadata.create_all(target)
        with database.reading() as source, made.writing() as target:
            copy_rows(source, target, metadata.sorted_tables)


def restore(database: Database, path: Path) -> None:
    """Put what the backup `path` holds in the place of what is in the store: all of it or nothing.

    A wave that was erased since the backup stays erased: who asked for that was promised it.
    """
    with TemporaryDirectory() as folder:
        file = Path(folder) / path.name
        copy_file(path, file)
        with closing(of_file(file, database.clock, name=database.name, leaves_traces=False)) as backed_up:
            with backed_up.writing() as source:
                metadata.create_all(source)
            with backed_up.reading() as source, database.writing() as target:
                erased = target.execute(select(results).where(results.c.document.is_(None))).all()
                for table in metadata.sorted_tables:
                    target.execute(delete(table))
                copy_rows(source, target, metadata.sorted_tables)
                waves = [(row.survey, row.wave) for row in erased]
                for table in (responses, comments, results):
                    target.execute(delete(table).where(tuple_(table.c.survey, table.c.wave).in_(waves)))
                for survey, wave in waves:
                    target.execute(insert(results).values(survey=survey, wave=wave, document=None))
    database.rewrite()
