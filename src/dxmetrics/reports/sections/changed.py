"""What changed and why, in sentences; routine variation is not worth one."""

from __future__ import annotations

from typing import ClassVar, Literal

from dxmetrics.metrics import changes
from dxmetrics.reports.context import Context, told
from dxmetrics.reports.document import Section, Sentences
from dxmetrics.reports.sections.entry import Entry


class WhatChanged(Entry):
    """A sentence for each metric whose change is more than routine variation."""

    about: ClassVar[str] = "Sentences on what changed beyond routine variation, and which stage and services carry it"
    section: Literal["what_changed"] = "what_changed"
    metrics: tuple[str, ...] = changes.DORA

    @property
    def metrics_named(self) -> tuple[str, ...]:
        return self.metrics

    def write(self, context: Context) -> Section:
        compared = [context.comparison(name) for name in self.metrics]
        moved = changes.explained(context.metrics, compared, context.where)
        said = tuple(told(*one.words, metric=one.metric, change=one.change) for one in changes.sentences(moved))
        known = sum(one.difference is not None for one in compared)
        nothing = f"None of {known} metrics changed by more than routine variation against {context.before_words}."
        if not known:
            reason = next((one.reason for one in compared if one.reason), "nothing was observed")
            nothing = f"Nothing can be compared with {context.before_words}: {reason}."
        return Section(
            name=self.section,
            title="What changed and why",
            blocks=(Sentences(sentences=said, nothing=nothing),),
        )
