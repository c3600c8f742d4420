"""Backup and restore."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dxmetrics.cli.application import Folder, app, chosen


@app.command()
def backup(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="where to put it, in a folder of its own")],
    project: Folder = None,
) -> None:
    """Copy everything that is known, while it is in use."""
    from dxmetrics import backup as backups
    from dxmetrics.pipeline import utc_now

    typer.echo(str(backups.backup(chosen(project), folder, utc_now)))


@app.command()
def restore(
    made: Annotated[Path, typer.Argument(metavar="FOLDER", help="what `dxmetrics backup` printed")],
    project: Folder = None,
) -> None:
    """Put a backup in the place of the project's data; what was there is kept beside it."""
    from dxmetrics import backup as backups
    from dxmetrics.pipeline import utc_now

    opened = chosen(project)
    backups.restore(opened, made, utc_now)
    typer.echo(f"restored into {opened.data}", err=True)
