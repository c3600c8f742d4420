"""How much of it can be trusted: freshness, linkage, what was refused and what belongs to nobody; and what it means."""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal

from dxmetrics import numbers
from dxmetrics.metrics import Health
from dxmetrics.metrics.attention import LINKAGES
from dxmetrics.reports.context import Context, told, value
from dxmetrics.reports.document import Column, Meanings, Section, Sentence, Sentences, Table
from dxmetrics.reports.sections.entry import Entry


class Coverage(Entry):
    """What the numbers rest on."""

    about: ClassVar[str] = (
        "How much can be trusted: freshness of sources, linkage, what was refused or belongs to nobody"
    )
    section: Literal["coverage"] = "coverage"

    def write(self, context: Context) -> Section:
        health = context.health
        return Section(
            name=self.section,
            title="What the numbers rest on",
            lead=f"Data to {numbers.instant(health.as_of)}; periods are those of {context.metrics.reporting_zone}.",
            is_current=True,
            blocks=(_linkage(context), _sources(health), Sentences(sentences=_remarks(health))),
        )


class Definitions(Entry):
    """What every number of the document means; always last."""

    about: ClassVar[str] = "What every number means, and where its formula is from; always last"
    section: Literal["definitions"] = "definitions"

    def write(self, context: Context) -> Section | None:
        if not context.meanings:
            return None
        return Section(
            name=self.section, title="Definitions", blocks=(Meanings(meanings=tuple(context.meanings.values())),)
        )


def _linkage(context: Context) -> Table:
    titles = [(name, context.definition(name)) for name in LINKAGES]
    return Table(
        title="Linkage in the period",
        note="What is not linked is in no number that rests on the link.",
        columns=(
            Column(title="Linkage"),
            Column(title="Known", kind="number", unit="%", has_bar=True),
            Column(title="Question"),
        ),
        rows=tuple((one.title, value(context.cells(name)[0]), one.question) for name, one in titles),
    )


def _sources(health: Health) -> Table:
    return Table(
        title="Sources",
        columns=(
            Column(title="Source"),
            Column(title="Last read whole"),
            Column(title="Parts that could not be read"),
            Column(title="Complete since", kind="date"),
        ),
        rows=tuple(
            (
                row["source"],
                numbers.instant(row["last_success_at"]),
                f"{row['scopes_not_ok']:,} of {row['scopes']:,}" if row.get("scopes") else None,
                _complete_since(health, row["source"]),
            )
            for row in health.sources
        ),
        nothing="No source has been read yet.",
    )


def _complete_since(health: Health, source: str) -> date | None:
    """From when on every stream of a source is complete; before it a zero would be a guess."""
    days = [
        row["complete_since"].date() for row in health.coverage if row["source"] == source and row["complete_since"]
    ]
    return max(days, default=None)


def _remarks(health: Health) -> tuple[Sentence, ...]:
    refused = sum(row["rows"] for row in health.quarantine)
    said = [
        told(f"{numbers.count(refused, 'row')} of the sources could not be understood and are kept apart.")
        if refused
        else told("Every row of the sources could be understood.")
    ]
    said += [
        told(f"{sum(row['rows'] for row in health.unmapped if row['what'] == what):,} {what}.")
        for what in dict.fromkeys(row["what"] for row in health.unmapped)
    ]
    broken = [check for check in health.checks if check["failures"]]
    said += [told(f"A check fails: {one['title']} ({numbers.count(one['failures'], 'row')}).") for one in broken]
    return tuple(said)
