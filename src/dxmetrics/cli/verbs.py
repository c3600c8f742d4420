"""The verbs. Heavy modules are imported where they are used: help and mistakes answer at once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dxmetrics.cli.application import Folder, Json, app, chosen, warn_of_checks
from dxmetrics.errors import SettingsError

if TYPE_CHECKING:
    from datetime import date

    from dxmetrics.metrics import Metrics
    from dxmetrics.models import CheckResult

Dimensions = Annotated[list[str] | None, typer.Option("--by", metavar="DIMENSION", help="one number each; repeatable")]
Since = Annotated[str | None, typer.Option("--from", metavar="YYYY-MM-DD", help="first day, in the reporting zone")]
Until = Annotated[str | None, typer.Option("--to", metavar="YYYY-MM-DD", help="first day that is not in it any more")]
Where = Annotated[
    list[str] | None, typer.Option("--where", metavar="DIMENSION=VALUE", help="only team=Payments, say; repeatable")
]
Bots = Annotated[str | None, typer.Option("--bots", metavar="included|excluded", help="not the metric's own rule")]
Period = Annotated[str | None, typer.Option("--period", metavar="day|week|month|quarter", help="one number each")]


@app.command()
def init(
    project: Folder = None,
    example: Annotated[bool, typer.Option("--example", help="print every setting with its default instead")] = False,
) -> None:
    """Write a commented dx.toml for the repositories and CSV files found here."""
    from dxmetrics import starter
    from dxmetrics.project import Project

    built_in = Project.sample(project, os.environ)
    if example:
        typer.echo(starter.example(built_in), nl=False)
        return
    file, repositories, tables = starter.write(built_in)
    typer.echo(str(file))
    for one in repositories:
        typer.echo(f"  repository {one.path}" + (f", cloned from {one.remote}" if one.remote else ""), err=True)
    for table in tables:
        typer.echo(f"  {table}.csv", err=True)
    if not repositories:
        typer.echo("  no git repository in or below this folder: add sources by hand", err=True)
    typer.echo("next: dxmetrics up", err=True)


@app.command()
def collect(
    sources: Annotated[list[str] | None, typer.Argument(metavar="[SOURCE]...", help="none: all")] = None,
    replay: Annotated[bool, typer.Option("--replay", help="map the kept payloads anew instead of reading")] = False,
    project: Folder = None,
    as_json: Json = False,
) -> None:
    """Read what is new in the sources."""
    from dxmetrics import pipeline
    from dxmetrics.cli import output
    from dxmetrics.cli.watching import watching

    opened = chosen(project)
    step = pipeline.replay if replay else pipeline.collect
    with watching(opened) as watch:
        collection = step(opened, sources or (), listen=watch)
    if as_json:
        output.as_json({"run_id": collection.run_id, "scopes": collection.scopes})
    if collection.failed:
        raise typer.Exit(1)


@app.command()
def build(project: Folder = None, as_json: Json = False) -> None:
    """Build the tables from what is collected, check them and publish."""
    from dxmetrics import pipeline
    from dxmetrics.cli import output
    from dxmetrics.cli.watching import watching

    opened = chosen(project)
    with watching(opened) as watch:
        report = pipeline.build(opened, listen=watch)
        checks = pipeline.check(opened, listen=watch)
        publication = pipeline.publish(opened, listen=watch)
    warn_of_checks(checks)
    if as_json:
        output.as_json({"version": publication.version, "models": report.models, "checks": checks})
    if _has_errors(checks):
        raise typer.Exit(1)


@app.command()
def check(project: Folder = None, as_json: Json = False) -> None:
    """Run the checks on what is built."""
    from dxmetrics import pipeline
    from dxmetrics.cli import output
    from dxmetrics.cli.watching import watching

    opened = chosen(project)
    with watching(opened) as watch:
        checks = pipeline.check(opened, listen=watch)
    warn_of_checks(checks)
    if as_json:
        output.as_json(checks)
    if _has_errors(checks):
        raise typer.Exit(1)


@app.command()
def metrics(
    name: Annotated[str | None, typer.Argument(help="none: list all metrics")] = None,
    period: Annotated[
        str | None, typer.Option("--period", metavar="day|week|month|quarter", help="one number for each")
    ] = None,
    by: Dimensions = None,
    since: Since = None,
    until: Until = None,
    where: Where = None,
    bots: Bots = None,
    project: Folder = None,
    as_json: Json = False,
) -> None:
    """Print a metric's numbers: by default one for the last 13 complete weeks."""
    from dxmetrics.cli import output

    published = _published(project)
    if name is None:
        output.catalogue(published.catalogue(), is_json=as_json)
        return
    cells = published.query(
        name, period=period, by=by or (), start=_day(since), end=_day(until), where=filters(where), bots=bots
    )
    output.cells(cells, published.definition(name), is_json=as_json)


@app.command()
def explain(
    name: Annotated[str, typer.Argument(help="the metric")],
    since: Since = None,
    until: Until = None,
    where: Where = None,
    bots: Bots = None,
    limit: Annotated[int, typer.Option("--limit", min=0, help="rows to show")] = 20,
    project: Folder = None,
    as_json: Json = False,
) -> None:
    """Print a number's receipt: definition, window, exclusions, coverage, freshness and the rows behind it."""
    from dxmetrics.cli import output

    published = _published(project)
    receipt = published.explain(name, start=_day(since), end=_day(until), where=filters(where), bots=bots, limit=limit)
    output.receipt(receipt, is_json=as_json)


sources_app = typer.Typer(
    help="List the configured sources with their state, and the kinds there are; `try` one.",
    invoke_without_command=True,
    rich_markup_mode=None,
)
app.add_typer(sources_app, name="sources")


@sources_app.command("try")
def try_source(
    name: Annotated[str, typer.Argument(help="the source's name, as in [sources.NAME]")],
    scopes: Annotated[int, typer.Option("--scopes", min=1, help="how many repositories to look at")] = 6,
    fresh: Annotated[bool, typer.Option("--fresh", help="ask the source though it is collected already")] = False,
    project: Folder = None,
    as_json: Json = False,
) -> None:
    """Show what the rules in dx.toml make of a source: deployments, environments, incidents. Nothing is kept."""
    from dxmetrics import trial
    from dxmetrics.cli import output
    from dxmetrics.cli.watching import watching

    opened = chosen(project)
    with watching(opened) as watch:
        tried = trial.try_source(opened, name, scopes=scopes, fresh=fresh, listen=watch)
    for failure in tried.failures:
        typer.echo(f"warning: {failure}", err=True)
    output.trial(tried, is_json=as_json)


@sources_app.callback()
def sources(context: typer.Context, project: Folder = None, as_json: Json = False) -> None:
    """List the configured sources with their state, and the kinds there are; `try` shows what rules match."""
    if context.invoked_subcommand is not None:
        return
    from dxmetrics.cli import output
    from dxmetrics.errors import WarehouseError
    from dxmetrics.metrics import Metrics

    opened = chosen(project)
    try:
        health = Metrics.open(opened.data).health()
    except WarehouseError:
        health = None  # nothing is published yet: every source is simply not collected
    output.sources(opened, health, is_json=as_json)


def _published(folder: Path | None) -> Metrics:
    from dxmetrics.metrics import Metrics

    return Metrics.open(chosen(folder).data)


def _has_errors(checks: Sequence[CheckResult]) -> bool:
    return any(one.failures and one.severity == "error" for one in checks)


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a calendar day has no zone
    except ValueError:
        raise SettingsError(f"{text!r} is not a day: write it as 2026-03-31") from None


def filters(where: Sequence[str] | None) -> dict[str, list[str | None]]:
    """`team=Payments` pairs as filters; values of one dimension are alternatives."""
    found: dict[str, list[str | None]] = {}
    for pair in where or ():
        dimension, separator, value = pair.partition("=")
        if not separator or not dimension:
            raise SettingsError(f"--where {pair!r} is not understood: write it as team=Payments")
        found.setdefault(dimension.strip(), []).append(value.strip() or None)
    return found
