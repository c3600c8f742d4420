"""The sections a report can have: each is a class with its options, and writes itself from a context."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated

from pydantic import Field

from dxmetrics.reports.sections.adoption import Adoption
from dxmetrics.reports.sections.changed import WhatChanged
from dxmetrics.reports.sections.cost import Cost
from dxmetrics.reports.sections.coverage import Coverage, Definitions
from dxmetrics.reports.sections.done import Done, Next
from dxmetrics.reports.sections.entry import Entry
from dxmetrics.reports.sections.experience import Experience
from dxmetrics.reports.sections.key_figures import KeyFigures
from dxmetrics.reports.sections.risks import Risks
from dxmetrics.reports.sections.stages import Stages
from dxmetrics.reports.sections.standards import Standards
from dxmetrics.reports.sections.tables import TableOf
from dxmetrics.reports.sections.trends import Trend

AnyEntry = Annotated[
    KeyFigures
    | WhatChanged
    | Trend
    | Stages
    | TableOf
    | Adoption
    | Standards
    | Experience
    | Cost
    | Risks
    | Done
    | Next
    | Coverage
    | Definitions,
    Field(discriminator="section"),
]

KINDS: Mapping[str, type[Entry]] = MappingProxyType(
    {
        str(one.model_fields["section"].default): one
        for one in (
            KeyFigures, WhatChanged, Trend, Stages, TableOf, Adoption, Standards, Experience, Cost, Risks, Done, Next,
            Coverage, Definitions,
        )
    }
)  # fmt: skip
__all__ = ["KINDS", "AnyEntry", "Definitions", "Entry"]
