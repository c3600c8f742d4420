"""What the verb `report` says of editions that are kept, and delivers of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import typer

from dxmetrics.errors import SettingsError

if TYPE_CHECKING:
    from dxmetrics.project import Project
    from dxmetrics.reports.document import Document
    from dxmetrics.reports.library import ReportFile
    from dxmetrics.state.deliveries import ReportDelivery, Target

TOLD = timedelta(days=31)  # for so long it is told of what did not arrive
ENDED = {
    "planned": "put off",
    "sending": "being sent",
    "sent": "sent",
    "refused": "refused",
    "unclear": "unclear",
    "failed": "given up",
}


def listing(project: Project, found: Sequence[ReportFile], *, is_json: bool) -> None:
    """Every report, every edition that is kept, and what of them did not arrive."""
    from dxmetrics import state
    from dxmetrics.cli import output
    from dxmetrics.pipeline import utc_now

    with state.of_project(project, utc_now) as store:
        editions, planned = store.editions.newest(), store.deliveries.scheduled()
        deliveries = store.deliveries.of()
    if is_json:
        output.as_json(
            {
                "reports": [one.model_dump(mode="json") for one in found],
                "planned": list(planned.values()),
                "editions": editions,
                "deliveries": deliveries,
            }
        )
        return
    output.reports(found, planned)
    if editions:
        output.editions(editions, deliveries)
    for waiting in planned.values():
        if waiting.waits_for:
            typer.echo(f"warning: report {waiting.report}: {waiting.waits_for}", err=True)
    recent = utc_now() - TOLD
    for one in deliveries:
        if one.status != "sent" and one.why and one.planned_at > recent:
            typer.echo(f"warning: {one.id}, {_outcome(one)}", err=True)


def show(project: Project, found: ReportFile, documents: Sequence[Document]) -> None:
    """What would be delivered of these documents to whom; nothing is kept or sent."""
    from dxmetrics import state
    from dxmetrics.pipeline import utc_now
    from dxmetrics.reports.archive import Archive

    with state.of_project(project, utc_now) as store:
        kept = [Archive(store).as_kept(one) for one in documents]
    typer.echo("\n\n".join(_shown(project, found, one) for one in kept))


def send(project: Project, found: ReportFile, documents: Sequence[Document], *, again: bool) -> None:
    """Deliver editions to whom the report's file names; exit code 1 where one did not arrive."""
    from dxmetrics import state
    from dxmetrics.pipeline import utc_now
    from dxmetrics.reports import delivery

    with state.of_project(project, utc_now) as store:
        editions = {(one.id, one.edition): one for one in documents}
        for key, document in editions.items():
            store.deliveries.plan(*key, _required(found, document), found.formats)
            delivery.ask_again(store, document, even_unclear=again)
        delivery.deliver(project, store, utc_now, only=editions)
        ended = [one for key in editions for one in store.deliveries.of(*key)]
        holder = store.leases.holder(delivery.LEASE)
    for one in ended:
        typer.echo(f"{one.id}, {_outcome(one)}", err=True)
    if holder and any(one.status == "planned" and one.why is None for one in ended):
        typer.echo(f"{holder} is delivering reports now, and these after them", err=True)
    elif any(one.status != "sent" for one in ended):
        raise typer.Exit(1)


def _required(found: ReportFile, document: Document) -> list[Target]:
    """Where a document goes; SettingsError where nobody gets it."""
    from dxmetrics.reports.schedule import targets

    named = targets(found, document.team)
    if not named:
        raise SettingsError(
            f"report {found.name} names nobody who gets the document of {document.scope}: add `deliver:` to "
            f"data/reports/{found.name}.yaml"
        )
    return named


def _outcome(one: ReportDelivery) -> str:
    """ "mail ada@example.org: refused: the mail server ..."."""
    when = ""
    if one.status == "sent" and one.ended_at:
        when = f" {one.ended_at:%Y-%m-%d %H:%M} UTC"
    elif one.status == "planned" and one.next_at and one.why:
        when = f" until {one.next_at:%Y-%m-%d %H:%M} UTC"
    elif one.status == "unclear":
        return f"{one.channel} {one.recipient}: unclear: {one.why}; --send --again sends it once more"
    why = f": {one.why}" if one.why else ""
    return f"{one.channel} {one.recipient}: {ENDED[one.status]}{when}{why}"


def _shown(project: Project, found: ReportFile, document: Document) -> str:
    """One edition as its recipients would get it, in text; the mail where nobody is named yet."""
    from dxmetrics.reports import briefing, render
    from dxmetrics.reports.channels import link
    from dxmetrics.reports.schedule import targets

    letter = render.letter(document, link(project.settings, document))
    by_channel: dict[str, list[str]] = {}
    for one in targets(found, document.team):
        by_channel.setdefault(one.channel, []).append(one.recipient)
    if not by_channel:
        by_channel["mail"] = [f"nobody yet (add `deliver:` to data/reports/{found.name}.yaml)"]
    files = [render.file_name(document, name) for name in found.formats if name in render.FORMATS]
    parts = []
    if "mail" in by_channel:
        attached = f"Attached: {files[0]}\n" if files else ""
        parts.append(f"To: {', '.join(by_channel['mail'])}\nSubject: {letter.subject}\n{attached}\n{letter.text}")
    channels = [*by_channel.get("slack", ()), *(f"webhook {one}" for one in by_channel.get("webhook", ()))]
    if channels:
        words = briefing.in_slack(document, link(project.settings, document))
        parts.append(f"In {', '.join(channels)}:\n\n{words}\n")
    places = [*by_channel.get("folder", ()), *by_channel.get("store", ())]
    parts += [f"{place}/{file}" for place in places for file in files]
    return "\n".join(parts)
