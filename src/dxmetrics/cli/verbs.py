"""The verbs. Heavy modules are imported where they are used: help and mistakes answer at once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dxmetrics.errors import SettingsError

if TYPE_CHECKING:
    from datetime import date

    from dxmetrics.metrics import Metrics
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
Dimensions = Annotated[list[str] | None, typer.Option("--by", metavar="DIMENSION", help="one number each; repeatable")]
Since = Annotated[str | None, typer.Option("--from", metavar="YYYY-MM-DD", help="first day, in the reporting zone")]
Until = Annotated[str | None, typer.Option("--to", metavar="YYYY-MM-DD", help="first day that is not in it any more")]
Where = Annotated[
    list[str] | None, typer.Option("--where", metavar="DIMENSION=VALUE", help="only team=Payments, say; repeatable")
]
Bots = Annotated[str | None, typer.Option("--bots", metavar="included|excluded", help="not the metric's own rule")]
Period = Annotated[str | None, typer.Option("--period", metavar="day|week|month|quarter", help="one number each")]


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
def up(
    repositories: Annotated[
        list[str] | None, typer.Argument(metavar="[URL|PATH]...", help="git repositories; none: the project here")
    ] = None,
    sample: Annotated[bool, typer.Option("--sample", help="show the built-in sample organisation")] = False,
    port: Annotated[int | None, typer.Option("--port", min=1, max=65535, help="instead of [serve] port")] = None,
    serves: Annotated[bool, typer.Option("--serve/--no-serve", help="--no-serve ends after publishing")] = True,
    project: Folder = None,
) -> None:
    """Collect, build, check, publish, and serve the dashboard."""
    from dxmetrics import pipeline, serve
    from dxmetrics.cli.watching import watching

    chosen = _to_open(project, repositories or [], sample=sample)
    port = port or chosen.settings.serve.port
    if serves:
        serve.require_free(chosen.settings.serve.address, port)
    _say_what_is_used(chosen)
    with watching(chosen) as watch:
        outcome = pipeline.up(chosen, listen=watch)
    chosen.stay_open()
    _warn_of_checks(outcome.checks)
    if serves:
        serve.run(chosen, port, lambda address: typer.echo(f"dashboard {address}  (Ctrl-C stops it)", err=True))
    elif not outcome.is_ok:
        raise typer.Exit(1)


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

    chosen = _chosen(project)
    step = pipeline.replay if replay else pipeline.collect
    with watching(chosen) as watch:
        collection = step(chosen, sources or (), listen=watch)
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

    chosen = _chosen(project)
    with watching(chosen) as watch:
        report = pipeline.build(chosen, listen=watch)
        checks = pipeline.check(chosen, listen=watch)
        publication = pipeline.publish(chosen, listen=watch)
    _warn_of_checks(checks)
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

    chosen = _chosen(project)
    with watching(chosen) as watch:
        checks = pipeline.check(chosen, listen=watch)
    _warn_of_checks(checks)
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
        name, period=period, by=by or (), start=_day(since), end=_day(until), where=_filters(where), bots=bots
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
    receipt = published.explain(name, start=_day(since), end=_day(until), where=_filters(where), bots=bots, limit=limit)
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

    chosen = _chosen(project)
    with watching(chosen) as watch:
        tried = trial.try_source(chosen, name, scopes=scopes, fresh=fresh, listen=watch)
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

    chosen = _chosen(project)
    try:
        health = Metrics.open(chosen.data).health()
    except WarehouseError:
        health = None  # nothing is published yet: every source is simply not collected
    output.sources(chosen, health, is_json=as_json)


def _chosen(folder: Path | None) -> Project:
    from dxmetrics.project import Project

    return Project.find(folder, os.environ)


def _to_open(folder: Path | None, repositories: Sequence[str], *, sample: bool) -> Project:
    """The project `up` is asked for: without a dx.toml and repositories the sample, whatever was opened before."""
    from dxmetrics.project import Project

    if repositories and sample:
        raise SettingsError("--sample and repositories exclude each other: choose one")
    if repositories:
        return Project.of_repositories(folder, repositories, os.environ)
    found = Project.find(folder, os.environ)
    return Project.sample(folder, os.environ) if sample or found.repositories else found


def _published(folder: Path | None) -> Metrics:
    from dxmetrics.metrics import Metrics

    return Metrics.open(_chosen(folder).data)


def _say_what_is_used(project: Project) -> None:
    what = "sample organisation" if project.is_sample else ", ".join(project.repositories) or str(project.folder)
    typer.echo(f"project   {what}\ndata      {project.data}", err=True)


def _warn_of_checks(checks: Sequence[CheckResult]) -> None:
    for one in checks:
        if one.failures:
            rows = "1 row" if one.failures == 1 else f"{one.failures:,} rows"
            typer.echo(f"{one.severity}: check {one.name}: {one.title}: {rows}: {one.remedy}", err=True)


def _has_errors(checks: Sequence[CheckResult]) -> bool:
    return any(one.failures and one.severity == "error" for one in checks)


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a calendar day has no zone
    except ValueError:
        raise SettingsError(f"{text!r} is not a day: write it as 2026-03-31") from None


def _filters(where: Sequence[str] | None) -> dict[str, list[str | None]]:
    """`team=Payments` pairs as filters; values of one dimension are alternatives."""
    filters: dict[str, list[str | None]] = {}
    for pair in where or ():
        dimension, separator, value = pair.partition("=")
        if not separator or not dimension:
            raise SettingsError(f"--where {pair!r} is not understood: write it as team=Payments")
        filters.setdefault(dimension.strip(), []).append(value.strip() or None)
    return filters
