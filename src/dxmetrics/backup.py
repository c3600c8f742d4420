"""Backup and restore of a project's data: state, survey answers and warehouse, each as of one moment, in one folder.

The warehouse's part is its newest publication, which is a whole copy: nobody has to stop for it. What was landed since
is not in it, so restoring lets every delivery that was processed since wait again; landing one twice changes nothing.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dxmetrics import state, survey, warehouse
from dxmetrics.errors import DxError, StateError, WarehouseError
from dxmetrics.lease import Lease
from dxmetrics.pipeline import publish
from dxmetrics.pipeline.steps import opened
from dxmetrics.warehouse.files import copy_whole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dxmetrics.project import Project

STATE = "state.sqlite"
ANSWERS = "answers.sqlite"
WAREHOUSE = "warehouse.duckdb"
MAY_BE_SENT = "a backup was put back that is older: it may have been sent since"


def backup(project: Project, folder: Path, clock: Callable[[], datetime]) -> Path:
    """Write a backup into a new folder below `folder`; where it is. DxError: nothing is left of it."""
    made = folder / f"dxmetrics-{clock().astimezone(UTC):%Y%m%dT%H%M%SZ}"
    try:
        made.mkdir(parents=True)
    except OSError as error:
        raise DxError(f"{made} cannot be made ({error.strerror}): name another folder") from error
    try:
        newest = warehouse.latest(project.data)
        if newest is not None:
            _copy(newest.path, made / WAREHOUSE)
        with state.of_project(project, clock) as store:
            store.backup(made / STATE)
        # After the state: a response between the two can be given again, and is not lost.
        if survey.has_answers(project):
            with survey.answers_of(project, clock) as answers:
                answers.backup(made / ANSWERS)
    except BaseException:
        shutil.rmtree(made)
        raise
    return made


def restore(project: Project, made: Path, clock: Callable[[], datetime]) -> None:
    """Put a backup in the place of the project's data, and publish it. What was there before is kept beside it.

    StateError where a worker is at work: it has to be stopped first. DxError where `made` is no backup.
    """
    if not (made / STATE).is_file():
        raise DxError(f"{made} is no backup: name a folder that `dxmetrics backup` wrote, with {STATE} in it")
    with state.of_project(project, clock) as store, _alone(Lease(store)):
        if (made / WAREHOUSE).is_file():
            _replace(made / WAREHOUSE, project.data / warehouse.FILE_NAME, clock())
        store.restore(made / STATE)
        store.deliveries.doubt(MAY_BE_SENT)
        if (made / ANSWERS).is_file():
            with survey.answers_of(project, clock) as answers:
                answers.restore(made / ANSWERS)
        if (made / WAREHOUSE).is_file():
            with opened(project) as connection:
                published_at = datetime.fromisoformat(warehouse.facts(connection)["published_at"])
            store.inbox.reopen(published_at)
            publish(project, clock=clock)


@contextmanager
def _alone(lease: Lease) -> Iterator[None]:
    if not lease.hold():
        raise StateError(f"worker {lease.holder} is at work: stop it, and restore again")
    try:
        yield
    finally:
        lease.release()


def _replace(source: Path, target: Path, now: datetime) -> None:
    """Put a warehouse in the place of another one, which is kept under a name of its own."""
    restored = target.with_suffix(".restored")
    _copy(source, restored)
    kept = target.with_name(f"{target.stem}-before-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}{target.suffix}")
    log = target.with_name(target.name + ".wal")
    try:
        for path, name in ((target, kept), (log, kept.with_name(kept.name + ".wal"))):
            if path.exists():
                path.replace(name)
        restored.replace(target)
    except OSError as error:
        raise WarehouseError(f"{target} cannot be replaced ({error}): mend the folder's permissions") from error


def _copy(source: Path, target: Path) -> None:
    try:
        copy_whole(source, target)
    except OSError as error:
        raise DxError(f"{source} cannot be copied to {target} ({error}): make room, or name another folder") from error
