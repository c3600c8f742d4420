"""The settings of `kind = "focus"`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from dxmetrics.collectors import SourceSettings

Globs = dict[str, tuple[str, ...]]


class FocusSettings(SourceSettings):
    """Where the bills are, and who owns which of their lines."""

    folder: Path = Field(description="the folder with the exports, relative to the project's folder")
    deliveries: Literal["whole", "parts"] = Field(
        default="whole",
        description="whole: a delivery holds a billing period whole, and a newer one replaces it; parts: all files of a"
        " billing period together are it",
    )
    service_tags: tuple[str, ...] = Field(
        default=("service", "app", "application", "component"),
        description="tags that name the service a line is of; the first that a line has counts",
    )
    team_tags: tuple[str, ...] = Field(
        default=("team", "owner"), description="the same for the team; left out on a line: the service's team"
    )
    shared: Globs = Field(
        default_factory=dict,
        description="lines that all share, by column or tag (* and ? allowed):"
        ' { SubAccountId = ["1234"], ChargeCategory = ["Tax"], "tag:env" = ["platform-*"] }',
    )
    left_out: Globs = Field(
        default_factory=dict, description="lines that are not counted, as another source tells of them; as in `shared`"
    )
