"""Pushing from a script, and what became of pushes here."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Annotated

import typer

from dxmetrics.cli.application import Folder, Json, app, chosen
from dxmetrics.errors import SettingsError

PASSES_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


@app.command(context_settings=PASSES_ON)
def push(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(metavar="KIND", help="deployment, incident, change or usage")],
    url: Annotated[
        str | None, typer.Option("--url", help="where dxmetrics runs  [default: DX_URL]", metavar="URL")
    ] = None,
) -> None:
    """Push one record: `push deployment --service pay --sha "$SHA"`; fields as options, see docs/records.md.

    The token comes from DX_TOKEN. A server that is away does not fail a pipeline: the push waits on this machine
    (DX_SPOOL) and goes out with the next one.
    """
    from dxmetrics import push as pushes

    if kind not in pushes.KINDS:
        raise SettingsError(f"{kind!r} cannot be pushed: use {', '.join(pushes.KINDS)}")
    target, spool = pushes.Target.of(url, os.environ), pushes.Spool.of(os.environ)
    outcome = pushes.push(kind, context.args, target, spool, lambda: datetime.now(UTC))
    for refused in outcome.refused:
        typer.echo(f"dxmetrics: {refused}", err=True)
    if outcome.reason is not None:
        typer.echo(f"warning: {outcome.reason}; {outcome.waiting} in {spool.folder}, sent with the next push", err=True)
    if outcome.refused:
        raise typer.Exit(1)


inbox_app = typer.Typer(
    help="What was pushed and could not be mapped, by reason; `retry` it.",
    invoke_without_command=True,
    rich_markup_mode=None,
)
app.add_typer(inbox_app, name="inbox")


@inbox_app.callback()
def inbox(context: typer.Context, project: Folder = None, as_json: Json = False) -> None:
    """List what was pushed and could not be mapped, by reason; `retry` lets it wait again."""
    if context.invoked_subcommand is not None:
        return
    from dxmetrics import state
    from dxmetrics.cli import output
    from dxmetrics.pipeline import utc_now

    with state.of_project(chosen(project), utc_now) as store:
        output.failures(store.inbox.failures(), store.inbox.depth(), is_json=as_json)


@inbox_app.command()
def retry(project: Folder = None) -> None:
    """Let everything that could not be mapped wait again, once its reason is mended."""
    from dxmetrics import state
    from dxmetrics.pipeline import counted, utc_now

    with state.of_project(chosen(project), utc_now) as store:
        typer.echo(
            f"{counted(store.inbox.retry(), 'delivery').replace('deliverys', 'deliveries')} wait again", err=True
        )
