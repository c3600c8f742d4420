"""Numbers for others: the tools of an assistant over stdio, and badges for a README."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

import typer

from dxmetrics.cli.application import Folder, app, chosen
from dxmetrics.cli.verbs import Period, Where, filters


@app.command()
def mcp(project: Folder = None) -> None:
    """Answer an assistant's questions over stdio (Model Context Protocol): metrics, comparisons, receipts, health."""
    from dxmetrics.inquiry import require_sdk

    opened = chosen(project)
    require_sdk()
    from dxmetrics.inquiry.tools import server

    server(opened).run("stdio")


@app.command()
def badge(
    name: Annotated[str, typer.Argument(help="the metric")],
    period: Period = None,
    where: Where = None,
    url: Annotated[
        str | None, typer.Option("--url", help="where others reach the web process  [default: [surveys] address]")
    ] = None,
    project: Folder = None,
) -> None:
    """Print Markdown that shows a metric's last complete period in a README, with a token for this badge alone."""
    from dxmetrics import serve, state
    from dxmetrics.api.badges import KNOWN, address, newest
    from dxmetrics.inquiry.questions import question
    from dxmetrics.metrics import Metrics
    from dxmetrics.pipeline import utc_now
    from dxmetrics.state import BADGE

    opened = chosen(project)
    published = Metrics.open(opened.data)
    pairs = [(dimension, value or "unmapped") for dimension, values in filters(where).items() for value in values]
    pairs += [("period", period)] if period else []
    newest(published, question(name, pairs, KNOWN))  # a mistake is told here, before a token is made
    called = address(name, pairs)
    with state.of_project(opened, utc_now) as store:
        text, token = store.tokens.create(f"badge {called}", [f"{BADGE}:{called}"], None)
    settings = opened.settings
    base = (url or settings.surveys.address or serve.url(settings.serve.address, settings.serve.port)).rstrip("/")
    query = urlencode([*sorted(pairs), ("token", text)])
    typer.echo(f"[![{published.definition(name).title}]({base}/badge/{name}.svg?{query})]({base})")
    typer.echo(f"everybody who sees it sees this number; `dxmetrics tokens revoke {token.id}` ends it", err=True)
