"""What was done since last time, and what is next: actions that came of surveys, services that took up a capability."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import ClassVar, Literal

from dxmetrics import numbers
from dxmetrics.metrics.periods import local_date
from dxmetrics.metrics.selection import UNMAPPED
from dxmetrics.reports.context import Context, strong, told
from dxmetrics.reports.document import Section, Sentence, Sentences
from dxmetrics.reports.sections.entry import Entry
from dxmetrics.survey.actions import Action

ADOPTIONS = "service_adoptions"
NAMED = 5  # services in a sentence
NOT_DONE = ("planned", "doing")


class Done(Entry):
    """What was done in the period."""

    about: ClassVar[str] = "What was done in the period: actions that came of surveys, services that adopted"
    section: Literal["done"] = "done"

    def write(self, context: Context) -> Section:
        window = context.window
        done = [
            one
            for one in _ours(context)
            if one.status == "done" and one.due_on is not None and window.start <= one.due_on < window.end
        ]
        return Section(
            name=self.section,
            title="What was done",
            blocks=(
                Sentences(
                    sentences=(*map(_done, done), *_adopted(context)),
                    nothing="Nothing is written down as done in this period, and no service adopted a capability.",
                ),
            ),
        )


class Next(Entry):
    """What is not done yet when the report is written."""

    about: ClassVar[str] = "What is next when the report is written: actions that came of surveys and are not done yet"
    section: Literal["next"] = "next"

    def write(self, context: Context) -> Section | None:
        found = [one for one in _ours(context) if one.status in NOT_DONE]
        if not found:
            return None
        found.sort(key=lambda one: (one.due_on or date.max, one.said))
        today = local_date(context.metrics.as_of, context.metrics.reporting_zone)
        return Section(
            name=self.section,
            title="What is next",
            lead=f"As of {numbers.instant(context.metrics.as_of)}.",
            is_current=True,
            blocks=(Sentences(sentences=tuple(_next(one, today) for one in found)),),
        )


def _ours(context: Context) -> list[Action]:
    """The actions the team sees to; all of them where the report is for all."""
    return [one for one in context.actions if context.team in (None, one.owner)]


def _done(one: Action) -> Sentence:
    day = numbers.day(one.due_on) if one.due_on else one.status
    return told(strong(one.owner), f": {one.did} ({day}; said in {one.wave}: “{one.said}”)")


def _next(one: Action, today: date) -> Sentence:
    when: str = one.status
    if one.due_on is not None:
        when = f"{one.status}, {'overdue since' if one.due_on < today else 'due'} {numbers.day(one.due_on)}"
    return told(strong(one.owner), f": {one.did} ({when})")


def _adopted(context: Context) -> Iterator[Sentence]:
    """A sentence for each capability that services adopted in the period."""
    by_title: dict[str, list[str]] = {}
    for cell in context.cells(ADOPTIONS, by=("capability_title", "service")):
        title, service = cell.dimensions["capability_title"], cell.dimensions["service"]
        if cell.n and title:
            by_title.setdefault(title, []).append(service or UNMAPPED)
    for title in sorted(by_title, key=str.casefold):
        services = sorted(by_title[title], key=str.casefold)
        words = [one for name in services[:NAMED] for one in (", ", strong(name))][1:]
        more = f" and {len(services) - NAMED:,} more" if len(services) > NAMED else ""
        yield told(f"{numbers.count(len(services), 'service')} adopted {title}: ", *words, f"{more}.", metric=ADOPTIONS)
