"""The settings of `kind = "pagerduty"`."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Annotated

from pydantic import Field

from dxmetrics.collectors.hosts import ApiSettings


class PagerDutySettings(ApiSettings):
    """How a PagerDuty account is reached, and which of its incidents are read."""

    url: str | None = Field(
        default=None,
        description="address of the API; left out: https://api.pagerduty.com; in the EU: https://api.eu.pagerduty.com",
    )
    services: tuple[str, ...] = Field(
        default=(), description="only incidents of these services, by name or id; left out: of all"
    )
    teams: tuple[str, ...] = Field(
        default=(), description="only incidents of these teams, by name or id; left out: of all"
    )
    severities: dict[str, Annotated[int, Field(ge=0, le=5)]] = Field(
        default_factory=dict,
        description="severity by the name of a priority, 1 is worst: { Critical = 1, Minor = 4 }; those called P1 to P5"
        " or SEV1 to SEV5 need no line",
    )
    since: date | None = Field(default=None, description="nothing older is read; left out: all there is")

    @property
    def since_instant(self) -> datetime | None:
        """The first instant that is read; None: all there is."""
        return datetime.combine(self.since, time(), UTC) if self.since else None
