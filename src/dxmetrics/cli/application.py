"""The application that verbs are added to, and what several of them need."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dxmetrics.errors import SettingsError

if TYPE_CHECKING:
    from dxmetrics.models import CheckResult
    from dxmetrics.project import Project

app = typer.Typer(
    name="dxmetrics",
    help="Developer-experience metrics with receipts, from the tools you already run.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Folder = Annotated[
    Path | None,
    typer.Option("--project", metavar="DIR", help="the folder of dx.toml  [default: DX_PROJECT, else the current one]"),
]
Json = Annotated[bool, typer.Option("--json", help="print JSON for machines")]
Repositories = Annotated[
    list[str] | None, typer.Argument(metavar="[URL|PATH]...", help="git repositories; none: the project here")
]
Sample = Annotated[bool, typer.Option("--sample", help="show the built-in sample organisation")]


@app.callback(invoke_without_command=True)
def entry(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="print the version", is_eager=True)] = False,
) -> None:
    if version:
        from dxmetrics import __version__

        typer.echo(__version__)
        raise typer.Exit
    if context.invoked_subcommand is None:
        raise typer.Exit(2)


def chosen(folder: Path | None) -> Project:
    from dxmetrics.project import Project

    return Project.find(folder, os.environ)


def to_open(folder: Path | None, repositories: Sequence[str], *, sample: bool) -> Project:
    """The project `up` is asked for: without a dx.toml and repositories the sample, whatever was opened before."""
    from dxmetrics.project import Project

    if repositories and sample:
        raise SettingsError("--sample and repositories exclude each other: choose one")
    if repositories:
        return Project.of_repositories(folder, repositories, os.environ)
    found = Project.find(folder, os.environ)
    return Project.sample(folder, os.environ) if sample or found.repositories else found


def warn_of_checks(checks: Sequence[CheckResult]) -> None:
    for one in checks:
        if one.failures:
            rows = "1 row" if one.failures == 1 else f"{one.failures:,} rows"
            typer.echo(f"{one.severity}: check {one.name}: {one.title}: {rows}: {one.remedy}", err=True)
