"""Running it: `up` for both processes, `serve` and `work` for one of them."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Annotated

import typer

from dxmetrics.cli.application import Folder, Repositories, Sample, app, to_open, warn_of_checks

if TYPE_CHECKING:
    from types import FrameType

    from dxmetrics.project import Project

Port = Annotated[int | None, typer.Option("--port", min=1, max=65535, help="instead of [serve] port")]


@app.command()
def up(
    repositories: Repositories = None,
    sample: Sample = False,
    port: Port = None,
    serves: Annotated[bool, typer.Option("--serve/--no-serve", help="--no-serve ends after publishing")] = True,
    project: Folder = None,
) -> None:
    """Serve the dashboard and keep it up to date: read sources when they are due, take in what is pushed."""
    from dxmetrics import serve
    from dxmetrics.sources import configured

    opened = to_open(project, repositories or [], sample=sample)
    if not serves:
        _once(opened)
        return
    port = port or opened.settings.serve.port
    serve.require_free(opened.settings.serve.address, port)
    configured(opened)  # a mistake in dx.toml is told here, before anything is started
    _say_what_is_used(opened)
    opened.stay_open()
    arguments = [*(repositories or ()), *(["--sample"] if sample else ()), "--project", str(opened.folder)]
    children = [serve.web(opened, port), serve.worker(opened, arguments)]
    serve.run(opened, port, children, ready=_say_where, say=_say)


def _once(project: Project) -> None:
    from dxmetrics import pipeline
    from dxmetrics.cli.watching import watching

    _say_what_is_used(project)
    with watching(project) as watch:
        outcome = pipeline.up(project, listen=watch)
    project.stay_open()
    warn_of_checks(outcome.checks)
    if not outcome.is_ok:
        raise typer.Exit(1)


@app.command("serve")
def serve_alone(
    repositories: Repositories = None, sample: Sample = False, port: Port = None, project: Folder = None
) -> None:
    """Serve the dashboard and receive pushes, beside a worker that runs elsewhere."""
    from dxmetrics import serve

    opened = to_open(project, repositories or [], sample=sample)
    port = port or opened.settings.serve.port
    serve.require_free(opened.settings.serve.address, port)
    serve.run(opened, port, [serve.web(opened, port)], ready=_say_where, say=_say)


@app.command()
def work(
    repositories: Repositories = None,
    sample: Sample = False,
    project: Folder = None,
) -> None:
    """Keep the numbers new: read sources when they are due, take in what is pushed, build, check and publish."""
    from dxmetrics import pipeline, state
    from dxmetrics.cli.watching import watching
    from dxmetrics.processes import end_with_parent
    from dxmetrics.worker import Worker

    def find() -> Project:
        return to_open(project, repositories or [], sample=sample)

    opened = find()
    if end_with_parent(os.environ):
        os.nice(BEHIND)
    with watching(opened) as watch, state.of_project(opened, pipeline.utc_now) as store:
        worker = Worker(find, store, clock=pipeline.utc_now, listen=watch)

        def stop(_signal: int, _frame: FrameType | None) -> None:
            worker.stop()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        is_well = worker.run()
    if not is_well:
        raise typer.Exit(RESTART)


BEHIND = 10  # how much a worker steps back behind the web process beside it
RESTART = 75  # EX_TEMPFAIL: a thread hangs for ever, and a new process is free of it


def _say_what_is_used(project: Project) -> None:
    what = "sample organisation" if project.is_sample else ", ".join(project.repositories) or str(project.folder)
    typer.echo(f"project   {what}\ndata      {project.data}", err=True)


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _say_where(address: str) -> None:
    typer.echo(f"dashboard {address}  (Ctrl-C stops it)", err=True)
