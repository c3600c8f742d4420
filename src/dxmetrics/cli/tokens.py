"""API tokens, for those who push or read."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from dxmetrics.cli.application import Folder, Json, app, chosen
from dxmetrics.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from dxmetrics.state import State

tokens_app = typer.Typer(
    help="API tokens, for scripts and tools that push or read.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(tokens_app, name="tokens")


@tokens_app.command()
def create(
    name: Annotated[str, typer.Argument(help="what it is for: `pay pipeline`")],
    scopes: Annotated[
        list[str] | None,
        typer.Option(
            "--scope",
            metavar="SCOPE",
            help="ingest (everything), ingest:deployments ..., read, surveys, reports; repeatable",
        ),
    ] = None,
    days: Annotated[int | None, typer.Option("--days", min=1, help="until it expires; none: never")] = None,
    project: Folder = None,
) -> None:
    """Create a token. It is printed once, and kept as a hash only."""
    from dxmetrics.events import plain
    from dxmetrics.pipeline import utc_now
    from dxmetrics.pipeline.pushes import EVENTS
    from dxmetrics.state import BADGE, INGEST, READ, REPORTS, SURVEYS

    known = [READ, BADGE, SURVEYS, REPORTS, INGEST, *(f"{INGEST}:{endpoint}" for endpoint in (EVENTS, *plain.PUSHES))]
    asked = scopes or [INGEST]
    for scope in asked:
        if scope not in known:
            raise SettingsError(f"scope {scope!r} is not known: use {', '.join(known)}")
    with _state(project) as state:
        text, token = state.tokens.create(name, asked, utc_now() + timedelta(days=days) if days else None)
    until = f"until {token.expires_at:%Y-%m-%d}" if token.expires_at else "for ever"
    typer.echo(text)
    typer.echo(f"token {token.id} ({', '.join(token.scopes)}) is valid {until}; it is not shown again", err=True)


@tokens_app.command("list")
def list_tokens(project: Folder = None, as_json: Json = False) -> None:
    """List every token that was given out."""
    from dxmetrics.cli import output

    with _state(project) as state:
        output.tokens(state.tokens.all(), is_json=as_json)


@tokens_app.command()
def revoke(
    key: Annotated[str, typer.Argument(metavar="ID", help="the token's id, see `tokens list`")], project: Folder = None
) -> None:
    """End a token, within seconds."""
    with _state(project) as state:
        if not state.tokens.revoke(key):
            valid = ", ".join(token.id for token in state.tokens.all() if token.revoked_at is None) or "none"
            raise SettingsError(f"token {key!r} is not known or was revoked before: use one of {valid}")
    typer.echo(f"token {key} is revoked", err=True)


def _state(folder: Path | None) -> State:
    from dxmetrics import state
    from dxmetrics.pipeline import utc_now

    return state.of_project(chosen(folder), utc_now)
