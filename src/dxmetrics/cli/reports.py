"""Reports: what there is, and one written to a file or to stdout."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dxmetrics.cli.application import Folder, Json, app, chosen
from dxmetrics.errors import SettingsError

if TYPE_CHECKING:
    from dxmetrics.project import Project
    from dxmetrics.reports.document import Document
    from dxmetrics.reports.library import ReportFile

TEXTS = ("html", "md", "csv")  # what a terminal or a pipe can take


@app.command()
def report(
    name: Annotated[str | None, typer.Argument(help="none: list the reports")] = None,
    listing: Annotated[bool, typer.Option("--list", help="list the reports there are")] = False,
    kind: Annotated[
        str | None,
        typer.Option("--format", metavar="pdf|pptx|xlsx|html|md|csv|parquet", help="none: the first the report names"),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="none: stdout for html, md and csv, else a file here"),
    ] = None,
    period: Annotated[
        str | None,
        typer.Option("--period", metavar="2026-10|2026-W44|2026-Q3|last", help="none: the last complete one"),
    ] = None,
    team: Annotated[str | None, typer.Option("--team", help="of a report for teams; none: each of them")] = None,
    send: Annotated[bool, typer.Option("--send", help="deliver it to whom its file names, who has it not yet")] = False,
    again: Annotated[bool, typer.Option("--again", help="with --send: also to who may have got it")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show what --send would send, and keep nothing")] = False,
    project: Folder = None,
    as_json: Json = False,
) -> None:
    """Write a report: for a complete week, month or quarter, in one of seven formats."""
    from dxmetrics.cli import delivering
    from dxmetrics.cli import output as printed
    from dxmetrics.reports import library, writing

    opened = chosen(project)
    if name is None or listing:
        delivering.listing(opened, tuple(library.find_all(opened).values()), is_json=as_json)
        return
    found = library.find(opened, name)
    asked, teams = _format(kind, found), _teams(opened, found, team)
    if output is not None and len(teams) > 1:
        named = ", ".join(map(str, teams))
        raise SettingsError(f"--output {output} is one file for {len(teams)} documents: name a --team: {named}")
    written = [writing.written(opened, found, team=one, period=period) for one in teams]
    if dry_run:
        delivering.show(opened, found, written)
        return
    documents = _kept(opened, written)
    if send:
        delivering.send(opened, found, documents, again=again)
        return
    if as_json:
        printed.as_json([one.model_dump(mode="json") for one in documents])
        return
    _put(documents, asked, output)


def _teams(project: Project, found: ReportFile, team: str | None) -> tuple[str | None, ...]:
    """Whom to write for: the team that is asked for, else each one of a report for teams."""
    from dxmetrics.metrics import Metrics
    from dxmetrics.reports import writing

    teams = (team,) if team else writing.teams_of(found, Metrics.open(project.data))
    if not teams:
        raise SettingsError(f"report {found.name} is for teams, and no team is known: name teams in dx.toml")
    return teams


def _kept(project: Project, documents: Iterable[Document]) -> list[Document]:
    """The documents as editions."""
    from dxmetrics import state
    from dxmetrics.pipeline import utc_now
    from dxmetrics.reports.archive import Archive

    with state.of_project(project, utc_now) as store:
        archive = Archive(store)
        return [archive.keep(one) for one in documents]


def _format(kind: str | None, found: ReportFile) -> str:
    """The format that is asked for, else the first of the report; a letter is shown as text."""
    from dxmetrics.reports.library import MAIL
    from dxmetrics.reports.render import FORMATS

    if kind is not None and kind not in FORMATS:
        raise SettingsError(f"--format {kind!r} is not known: use one of {', '.join(FORMATS)}")
    return kind or ("md" if found.formats[0] == MAIL else found.formats[0])


def _put(documents: list[Document], kind: str, output: Path | None) -> None:
    from dxmetrics.reports.render import file_name, render

    if output is None and kind in TEXTS and len(documents) == 1:
        sys.stdout.buffer.write(render(documents[0], kind))
        return
    for one in documents:
        file = output or Path(file_name(one, kind))
        content = render(one, kind)
        try:
            file.write_bytes(content)
        except OSError as error:
            raise SettingsError(f"{file}: cannot be written: {error.strerror}: name another with --output") from error
        typer.echo(str(file))
