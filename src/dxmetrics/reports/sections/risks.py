"""Risks: what needs attention now, each with what to do about it."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from dxmetrics import numbers
from dxmetrics.metrics.attention import attention
from dxmetrics.reports.context import Context, told
from dxmetrics.reports.document import Section, Sentences
from dxmetrics.reports.sections.entry import Entry


class Risks(Entry):
    """What the rules find when the report is written."""

    about: ClassVar[str] = "What needs attention when the report is written, each with what to do about it"
    section: Literal["risks"] = "risks"
    most: int = Field(default=8, gt=0)

    def write(self, context: Context) -> Section:
        found = attention(context.metrics, context.where, self.most, None if context.team else context.health)
        for one in found:
            if one.metric:
                context.definition(one.metric)
        return Section(
            name=self.section,
            title="What needs attention",
            lead=f"As of {numbers.instant(context.metrics.as_of)}.",
            is_current=True,
            blocks=(
                Sentences(
                    sentences=tuple(told(*one.words, f" {one.remedy}", metric=one.metric) for one in found),
                    nothing="No rule that looks for trouble found any.",
                ),
            ),
        )
