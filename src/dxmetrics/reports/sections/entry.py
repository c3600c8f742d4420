"""What a report file says of one of its sections."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from dxmetrics.reports.context import Context
from dxmetrics.reports.document import Section

Text = Annotated[str, Field(min_length=1)]


class Entry(BaseModel, ABC):
    """One section with its options; `about` tells who builds a report what is in it."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    about: ClassVar[str]
    section: str

    @property
    def metrics_named(self) -> tuple[str, ...]:
        """The metrics its options name: there has to be each of them."""
        return ()

    @abstractmethod
    def write(self, context: Context) -> Section | None:
        """The section; None where there is nothing to say by its nature, such as of costs where none are collected."""
